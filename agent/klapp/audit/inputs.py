"""Up to which size the files that start runs are hashed for the log: a rule of the log's own, which a person can change."""

from __future__ import annotations

from klapp.audit import schema
from klapp.audit.events import SettingChanged
from klapp.audit.log import Log

DEFAULT = 100_000_000
"""Bytes: what takes a fraction of a second to read. The films of a holiday would take minutes."""
_TRAIT, _ANY = "hashed up to", "any size"


def hashed_up_to(log: Log) -> int | None:
    """The largest file, in bytes, of which a hash is taken; 0 for none, None for any."""
    with log.lock:
        text = schema.trait(log.connection, _TRAIT)
    return DEFAULT if text is None else None if text == _ANY else int(text)


def set_hashed_up_to(log: Log, size: int | None) -> None:
    """Put another limit in force from now on, and log that."""
    before = hashed_up_to(log)
    if size == before:
        return
    with log.transaction():
        log.record(SettingChanged("", "largest file that is hashed", _in_words(before), _in_words(size)))
        schema.set_trait(log.connection, _TRAIT, _ANY if size is None else str(size))


def _in_words(size: int | None) -> str:
    return _ANY if size is None else f"{size / 1e6:g} MB"
