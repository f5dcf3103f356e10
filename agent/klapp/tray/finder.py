"""macOS: a double click on a coworker comes to the app that runs, by way of its delegate, and in no argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

SUCCESS = 0
"""NSApplicationDelegateReplySuccess."""


def listen(opened: Callable[[str], object], foundation: Any = None, appkit: Any = None) -> object:
    """From now on ``opened`` is told of each file, by its path. Hold on to what this gives: the system does not.

    ``foundation`` and ``appkit`` are PyObjC's, which pystray brings, or what stands in for them in tests.
    """
    foundation = foundation or import_module("Foundation")
    appkit = appkit or import_module("AppKit")

    class Delegate(foundation.NSObject):  # type: ignore[misc]  # of a library without types
        def application_openFiles_(self, application: Any, names: Sequence[str]) -> None:
            for name in names:
                opened(str(name))
            application.replyToOpenOrPrint_(SUCCESS)

    delegate: object = Delegate.alloc().init()
    appkit.NSApplication.sharedApplication().setDelegate_(delegate)
    return delegate
