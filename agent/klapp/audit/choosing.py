"""Which entries' values mention something: the search behind an erasure and behind what a person is told of themselves.

Nothing is missed for the sake of speed: every value that can still be opened is looked into, whatever index there is.
"""

from __future__ import annotations

import json
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from klapp.audit.entry import CONTENT
from klapp.audit.log import CONTENTS, Log
from klapp.audit.sealing import Unsealable, stored_key
from klapp.vault.database import Connection


@dataclass(frozen=True, slots=True)
class Choice:
    """Which values: of a coworker, of entries before a moment (ns since 1970), that mention a subject; all that is
    given must hold. ``rules``: also where only the coworker's own rules mention it."""

    coworker: str | None = None
    before: int | None = None
    subject: str | None = None
    rules: bool = False

    def words(self) -> str:
        """By what it chooses, without the subject itself."""
        named = {"coworker": self.coworker, "time": self.before, "subject": self.subject}
        return " and ".join(name for name, value in named.items() if value is not None) or "everything"


@dataclass(slots=True)
class Chosen:
    """What was chosen: keys, the runs and the entries of no run (``seqs``) that are sealed under them, and the coworkers of whose rules
    it is known that they mention the subject and are left as they are."""

    keys: set[int] = field(default_factory=set)
    contents: set[int] = field(default_factory=set)
    runs: set[int] = field(default_factory=set)
    seqs: set[int] = field(default_factory=set)
    entries: int = 0
    rules_left: set[str] = field(default_factory=set)
    open_runs: set[int] = field(default_factory=set)


def choosing(log: Log, choice: Choice) -> Iterator[tuple[int, int] | Chosen]:
    """Gives how many entries were looked at, and of how many, and at the end what was chosen.

    Runs that have not ended are left out: what they still need must not be lost. They are in ``open_runs``.
    """
    log.flush()
    mention = Mention(choice.subject) if choice.subject is not None else None
    with log.reader() as connection:
        yield from _Choosing(connection, choice, mention).run()


class _Choosing:
    def __init__(self, connection: Connection, choice: Choice, mention: Mention | None) -> None:
        self.connection = connection
        self.choice = choice
        self.mention = mention
        self.chosen = Chosen()
        self.unfinished = {row[0] for row in connection.execute("SELECT run FROM open_runs")}

    def run(self) -> Iterator[tuple[int, int] | Chosen]:
        if self.mention is not None:
            self._contents(self.mention)
        (total,) = self.connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
        where, values = ["e.kind <> ?"], [CONTENT]
        for condition, value in (("k.owner = ?", self.choice.coworker), ("k.at < ?", self.choice.before)):
            if value is not None:
                where.append(condition)
                values.append(value)  # type: ignore[arg-type]
        rows = self.connection.execute(
            "SELECT e.seq, e.run, e.owner, e.public, e.sealed, k.* FROM entries e JOIN keys k ON k.id = e.key "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY e.seq",
            values,
        )
        for seq, run, owner, public, sealed, *key in rows:
            if self.mention is None or self._mentions(owner, public, sealed, tuple(key)):
                self._take(seq, run, key[0])
            if seq % 5000 == 0:
                yield seq, total
        counted = self.connection.execute("SELECT key FROM entries WHERE key IS NOT NULL")
        self.chosen.entries = sum(row[0] in self.chosen.keys for row in counted)
        yield self.chosen

    def _contents(self, mention: Mention) -> None:
        for number, sealed, *key in self.connection.execute(CONTENTS):
            text = zlib.decompress(stored_key(tuple(key)).open(sealed)).decode("utf-8", "replace")
            if mention.of_text(text):
                self.chosen.contents.add(number)

    def _mentions(self, owner: str, public: str, sealed: bytes, key: tuple[object, ...]) -> bool:
        assert self.mention is not None
        try:
            opened = stored_key(key)
            values = opened.open(sealed)
        except Unsealable:
            return False
        if self.chosen.contents:
            rules, *texts = json.loads(public).get("uses") or [None]
            if self.chosen.contents.intersection(texts):
                return True
            if rules in self.chosen.contents:
                if self.choice.rules:
                    return True
                self.chosen.rules_left.add(owner)
        return self.mention.of_json(values) or self.mention.of_text(opened.subject.decode("utf-8", "replace"))

    def _take(self, seq: int, run: int | None, key: int) -> None:
        if run is not None:
            if run in self.unfinished:
                self.chosen.open_runs.add(run)
                return
            self.chosen.runs.add(run)
        else:
            self.chosen.seqs.add(seq)
        self.chosen.keys.add(key)


class Mention:
    """Tells where a term is, whatever its case and however its accents are written."""

    def __init__(self, term: str) -> None:
        """Raises ValueError for a term that would be everywhere."""
        self._term = _folded(term.strip())
        if len(self._term) < 2:
            raise ValueError("Name at least two letters of what is to be found.")
        self._plain = self._term.isascii() and not set(self._term) & set('"\\/')

    def of_text(self, text: str) -> bool:
        """Whether it is in a text."""
        return self._term in _folded(text)

    def of_json(self, data: bytes) -> bool:
        """Whether it is in a text somewhere in JSON."""
        text = data.decode("ascii")
        if self._plain and self._term in text.casefold():
            return True
        return any(map(self.of_text, texts_in(json.loads(text)))) if not self._plain or "\\u" in text else False


def texts_in(value: object) -> Iterator[str]:
    """Every text in what JSON can hold, the names of fields left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
