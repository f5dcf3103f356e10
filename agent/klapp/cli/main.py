"""``klapp``: the entry point of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from klapp.cli.arguments import parser
from klapp.cli.output import FINE, PROBLEMS, Complaint

COMMANDS = {
    "check": "language", "fmt": "language", "test": "language", "lsp": "language", "permissions": "privilege",
    "agent": "service", "demo": "service", "new": "new",
    "list": "coworkers", "settings": "settings", "approve": "coworkers", "revoke": "coworkers", "pause": "coworkers", "resume": "coworkers",
    "run": "runs", "simulate": "runs", "log": "runs", "explain": "runs", "replay": "runs", "undo": "runs", "kept": "kept", "audit": "audit",
    "notices": "notices", "network": "network", "secret": "network", "mail": "mail", "update": "updates",
    "vault": "vault", "completion": "completion", "account": "account", "unlock": "account", "lock": "account",
    "doctor": "doctor", "console": "console", "autostart": "autostart", "open": "opening",
}  # fmt: skip
"""Which module of the command line serves each command; only that one is loaded."""
_OPEN = frozenset(("language", "privilege", "completion", "doctor", "autostart"))
"""Those that never hold a key."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 fine, 1 found problems, 2 used wrongly."""
    _with_streams()
    options = parser().parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        sys.stdout.write(f"klapp {version('klapp')}\n")
        return FINE
    name = options.command or "agent"
    if options.command is None:
        options.headless = False
    if COMMANDS[name] not in _OPEN:
        from klapp.vault.memory import harden

        harden()
    command: Callable[[Any], int] = getattr(import_module(f"klapp.cli.{COMMANDS[name]}"), name)
    try:
        return command(options)
    except Complaint as complaint:
        return _complain(str(complaint), complaint.code)
    except KeyboardInterrupt:
        return _complain("Stopped.", 130)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:
        return _unforeseen(error)


def _with_streams() -> None:
    """Windows starts what has no terminal without any streams, and so does whoever has closed them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the end


def _complain(message: str, code: int) -> int:
    from klr.diagnostics import visible

    sys.stderr.write("\n".join(map(visible, message.split("\n"))) + "\n")
    return code


def _unforeseen(error: Exception) -> int:
    """An error of klapp's own making, or one that the layers below have a sentence for."""
    if type(error).__module__.startswith(("klapp.", "klr.")):
        return _complain(str(error), PROBLEMS)
    if isinstance(error, OSError) and error.strerror:
        about = f" ({error.filename})" if error.filename else ""
        return _complain(f"That did not work{about}: {error.strerror}.", PROBLEMS)
    if type(error).__module__.startswith("sqlcipher3"):
        from klapp.vault.database import told

        return _complain(told(error) or "", PROBLEMS)
    if os.environ.get("KLAPP_DEBUG"):
        raise error
    return _complain(
        f"klapp has made a mistake of its own ({type(error).__name__}). Nothing was lost. "
        "Set KLAPP_DEBUG=1 and run it again to see where, and please report it.",
        PROBLEMS,
    )


if __name__ == "__main__":
    sys.exit(main())
