"""Opens a file in an app: exactly that program, no shell, nothing inherited, and apart from the agent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

KEPT = ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "LANG", "LC_ALL", "LOGNAME", "USER", "WAYLAND_DISPLAY",
        "XAUTHORITY", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE")  # fmt: skip
"""What an app needs of the environment to be seen on the screen; everything else stays here."""
OPENERS = ("/usr/bin/gio", "/usr/bin/xdg-open")


class AppError(Exception):
    """An app could not be started; the message is a sentence for a person."""


def open_with(path: str, app: str, environment: Mapping[str, str] = os.environ) -> None:
    """Open the file at an absolute path with a program, or, for "", with the one that the person uses for such files.

    It gets the path as its only argument, which begins with ``/`` and so can not be an option. Raises AppError.
    """
    command = [app, path] if app else _default(path)
    if not path.startswith("/") and os.name == "posix":
        raise AppError("Only a file with its whole path can be opened.")
    program = command[0]
    if os.name == "posix" and not (os.path.isfile(program) and os.access(program, os.X_OK)):
        raise AppError(f"There is no program {program}.")
    try:
        process = subprocess.Popen(
            command,
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,
            cwd="/" if os.name == "posix" else None,
            env={"PATH": "/usr/bin:/bin"} | {name: environment[name] for name in KEPT if name in environment}
            if os.name == "posix"
            else None,
        )
    except OSError as error:
        raise AppError(f"{program} could not be started: {error.strerror}.") from None
    # The app lives on by itself; Python is told so, and does not warn that nobody waits for it.
    process.returncode = 0


def _default(path: str) -> list[str]:
    if sys.platform == "darwin":
        return ["/usr/bin/open", path]
    for opener in OPENERS:
        if os.access(opener, os.X_OK):
            return [opener, "open", path] if opener.endswith("/gio") else [opener, path]
    raise AppError('This system does not say which app opens such files. Name one: open file with "/usr/bin/..."')
