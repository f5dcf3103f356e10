"""Notices: what a person is told outside of the terminal and the page, in a way that disturbs little and loses nothing.

| module | does |
|---|---|
| ``notice`` | what a notice is, and its buttons |
| ``settings`` | how the person wants to be told |
| ``deck`` | decides, purely, what is shown when: groups, rate, what waits |
| ``outbox`` | keeps what was not shown yet in the log |
| ``displays``, ``bus`` | show: on the desktop with buttons, through plyer, as lines |
| ``center`` | brings them together: ``Notices`` is what the agent tells through |
"""

from klapp.notices.center import Notices
from klapp.notices.displays import Display, TerminalDisplay, best
from klapp.notices.notice import Action, Kind, Notice, opens
from klapp.notices.settings import Settings

__all__ = ["Action", "Display", "Kind", "Notice", "Notices", "Settings", "TerminalDisplay", "best", "opens"]
