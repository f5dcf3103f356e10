"""The token of who has logged in at this terminal or desktop: a file for its owner alone, gone with the login."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from klapp.home import Home


def session_of(home: Home) -> str:
    """The token, or "" where nobody has logged in."""
    try:
        return _place(home).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def remember_session(home: Home, token: str) -> None:
    """Keep a token for the commands that follow; "" forgets it. Raises OSError."""
    place = _place(home)
    if not token:
        place.unlink(missing_ok=True)
        return
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token)
    os.replace(draft, place)


def _place(home: Home) -> Path:
    """In memory where the system has such a folder for each user (XDG base directories), else in the state folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.path.isdir(runtime):
        return Path(runtime) / f"klapp-{hashlib.sha256(os.fsencode(home.path)).hexdigest()[:16]}.session"
    return home.path / "session"
