"""Who acts, and from where: what every entry of the log bears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Acting(NamedTuple):
    """Who does what is being logged, and from where: "tray", "command line", "trigger", "agent", a socket's peer."""

    origin: str = "agent"
    who: str = ""


_UNKNOWN = Acting()
_acting: ContextVar[Acting] = ContextVar("klapp_acting", default=_UNKNOWN)


def acting_now() -> Acting:
    """Who acts in this thread."""
    return _acting.get()


@contextmanager
def acting(origin: str, who: str | None = None) -> Iterator[None]:
    """Until the context ends, this thread acts from there, and for them where that is known."""
    before = _acting.get()
    token = _acting.set(Acting(origin, before.who if who is None else who))
    try:
        yield
    finally:
        _acting.reset(token)
