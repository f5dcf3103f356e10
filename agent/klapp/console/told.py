"""The page of notices: what the person was told, what was not as usual, and how they want to be told."""

from __future__ import annotations

from starlette.responses import Response

from klapp.console.asking import Asking
from klapp.noticing import NEWEST


def notices(asking: Asking) -> Response:
    """The newest, newest first; or one setting of them changed."""
    if asking.posted:
        return _changed(asking)
    unusual = bool(asking.field("unusual"))
    found = asking.ask("notices", what="newest", before=asking.number("before"), unusual=unusual)
    return asking.page(
        "notices.html",
        notices=found,
        unusual=unusual,
        unseen=asking.ask("notices", what="unusual"),
        settings=asking.ask("notices", what="settings"),
        more=found[-1]["entry"] if len(found) == NEWEST else None,
    )


def version(asking: Asking) -> Response:
    """For the page's script: a text that is another one when something has changed."""
    return asking.data({"version": asking.service.version})


def _changed(asking: Asking) -> Response:
    if asking.field("what") == "seen":
        asking.ask("notices", what="seen", key=asking.field("key"))
        return asking.go("/notices", "Put away. You are told if it happens again.")
    for name in ("quiet", "summaries", "names"):
        default = "" if name == "quiet" else "off"  # a box that is not ticked is not sent
        asking.ask("notices", what="change", name=name, value=asking.form.get(name, default))
    return asking.go("/notices", "Kept. You are told so from now on.")
