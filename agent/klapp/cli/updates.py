"""``klapp update``: whether there is a newer klapp, who is asked, and whether an installer is what was signed."""

from __future__ import annotations

import argparse
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, WrongUsage, progress, say, say_json

CHANGES = {"from": "place", "key": "key", "every": "every"}
"""What changes which setting."""
WANTS = {"from": "an address or folder", "key": "a public key", "every": "week or never", "verify": "a file"}


def update(options: argparse.Namespace) -> int:
    """``klapp update [check | verify FILE | from PLACE | key KEY | every week|never]``."""
    what, value = options.what, options.value
    if what in WANTS and value is None:
        raise WrongUsage(f"Say {WANTS[what]}: klapp update {what} {WANTS[what].split()[-1].upper()}")
    if what not in WANTS and value is not None:
        raise WrongUsage(f"`klapp update {what}` takes nothing behind it.")
    sha256 = _hashed(Path(value)) if what == "verify" else ""
    with connected(options) as source:
        if what == "verify":
            told = source.call("updates", what="verify", name=Path(value).name, sha256=sha256)
            return _said(options, told, told["sentence"], FINE if told["fine"] else PROBLEMS)
        if what == "check":
            told = source.call("updates", what="check")
            status = source.call("updates", what="status")
            code = FINE if told["result"] in ("current", "newer") else PROBLEMS
            return _said(options, told, "\n".join([told["sentence"], *_new(status)]), code)
        if what in CHANGES:
            status = source.call("updates", what="change", name=CHANGES[what], value=value)
        else:
            status = source.call("updates", what="status")
    return _said(options, status, "\n".join(_status(status)), FINE)


def _said(options: argparse.Namespace, data: Any, text: str, code: int) -> int:
    if options.format == "json":
        say_json(data)
    else:
        say(text)
    return code


def _status(status: dict[str, Any]) -> list[str]:
    if not status["place"] or not status["key"]:
        missing = " and no ".join(name for name in ("place", "key") if not status[name])
        return [
            f"This is klapp {status['version']}. It asks nobody whether there is a newer one: it knows no {missing}.",
            "klapp update from PLACE names an https:// address, or a folder; klapp update key KEY who has to have signed.",
        ]
    when = "once a week, and when you say" if status["every"] == "week" else "only when you say"
    asked = ""
    if status["checked"]:
        asked = f" Last asked on {datetime.fromisoformat(status['checked']):%Y-%m-%d at %H:%M}: {status['result']}."
    lines = [f"This is klapp {status['version']}. It asks {status['place']} for a newer one, {when}.{asked}"]
    found = status["found"]
    if found:
        hole = ", and closes a hole in this one" if found["security"] else ""
        lines += [f"klapp {found['version']} is there{hole}.", *_new(status)]
    return lines


def _new(status: dict[str, Any]) -> list[str]:
    """What is new, and what to do."""
    from klapp.updating import how_to

    found = status["found"]
    if not found:
        return []
    return [*([found["notes"]] if found["notes"] else []), *how_to(status["place"], found["files"])]


def _hashed(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; raises Complaint."""
    try:
        if not path.is_file():
            raise Complaint(f"{path} is no file.")
        progress("Reading it ...")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise Complaint(f"{path} can not be read: {getattr(error, 'strerror', None) or 'no such name'}.") from error
    progress("")
    return found
