"""Where a publisher's statement is read: from a host, through the broker, or from a file or folder of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from klapp.network import Broker, NetworkError, Request
from klapp.network.broker import target_of

FILE = "klapp.release"
"""What the statement is called in a folder, or below an address that ends in a slash."""
LARGEST = 64 * 1024
Noted = Callable[[str, str, int], None]
"""Told of each contact: the host, what came of it, and how many bytes came in."""


class Unreached(Exception):
    """There is nothing to be had there now; the message is a sentence for a person."""


def place_of(text: str, home: str) -> str:
    """A place as a person names it, in its one form: ``https://...``, or an absolute path. Raises ValueError.

    Nothing is read in the clear: who could change it on the way could not forge it, but see who asks.
    """
    if "://" in text:
        try:
            target = target_of(text)
        except NetworkError as error:
            raise ValueError(error.message) from error
        if target.scheme != "https":
            raise ValueError("klapp asks for updates over https:// only.")
        return f"{target.origin}{target.path}"
    path = os.path.join(home, text[2:]) if text.startswith("~/") else text
    if not os.path.isabs(path) or "\0" in path:
        raise ValueError("Name an address that begins with https://, or a file or folder by its whole path.")
    return os.path.normpath(path)


def read(place: str, broker: Broker, noted: Noted) -> str:
    """What lies at a place, whoever put it there. Raises Unreached."""
    data = _asked(place, broker, noted) if "://" in place else _lying(place)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreached(f"What lies at {place} is no statement about a release.") from None


def _asked(place: str, broker: Broker, noted: Noted) -> bytes:
    address = place + FILE if place.endswith("/") else place
    origin = target_of(address).origin
    try:
        answer = broker.request(Request("GET", address), {origin}, largest=LARGEST)
    except NetworkError as error:
        noted(origin, str(error.status) if error.status else "failed", 0)
        raise Unreached(error.message) from error
    noted(origin, str(answer.status), answer.received)
    return answer.body


def _lying(place: str) -> bytes:
    path = os.path.join(place, FILE) if os.path.isdir(place) else place
    try:
        # Whatever lies there, such as a pipe that nobody writes to, holds up nobody.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unreached(f"{path} is no file.")
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise Unreached(f"{path} can not be read: {getattr(error, 'strerror', None) or 'no such name'}.") from error
    if len(data) > LARGEST:
        raise Unreached(f"{path} is larger than any statement about a release.")
    return data
