"""Worlds that programs run in: files with hostile names and contents, and what happens among them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from klapp.files.failures import missing, taken
from klapp.files.moments import nanoseconds, wall_clock
from klr.values import FileValue
from tests.reference.globs import matches
from tests.reference.hosts import Hosts
from tests.reference.mails import Attachment, Mail
from tests.reference.triggers import Happening, Trigger, phrase_of, starts
from tests.reference.world import Stored, World, above

FOLDERS = ("~/In", "~/In/sub", "~/Out", "~/Out/a", "/srv/x", "~/In/a b")
HOMES = ("/home/person", "/home/person", "/home/[x]*?", "/home/é ~", "/h")
NAMES = (
    "a.pdf", "b.txt", "A.pdf", "a (2).pdf", "a (3).pdf", "b (2).txt", "-rf", " ", "a\nb", "a\nb.txt", "é", "E\u0301", "\N{PILE OF POO}.pdf",
    "..a", "a..", "...", "~", "$(x)", "*.pdf", "[a]", "x" * 250, "y" * 251 + ".txt", ".hidden", "\udcff.pdf", "a'\"b", "%n", "{x}",
    "t.csv", "t.tsv", "invoice 12.pdf", "INV-12.TXT", "a.b.c", "\u212a.pdf", "a.\u212ad", "ſ.txt", "a\\b", "\x7f.pdf", "\x85x", "a.PDF", "12", "1,5",
)  # fmt: skip
CONTENTS = (
    b"", b"a", b"a\n", b"Invoice Total 1.234,50 EUR\nSupplier: Acme\n", b"Total 12.5", b"Total: -3\nTotal 7", b"../../x", b"a/b", b"a\0b",
    b"\xff\xfea\0b\0", b"\xef\xbb\xbfhello", b"caf\xe9", "größe\n".encode(), b"%PDF-1.4 broken", b"\x89PNG\r\n\x1a\nxx", b"one two  three\r\nfour\r",
    b"x" * 3000, b"1 2 3 4 5", b"line\n" * 12, b"\x01\x02", "٣٤ 5’000".encode(), b"a\x0cb\x1cc", "K ſ K".encode(), b"\x7fELF", b'Name,Amount\nAcme,12\n"Glo, bex","1,5"\n', b"A;B\r\n1;2\r\n3;4", b"A,A,\n=x,+1\n,,\n-1,@b\n", "A|B\nx|é\n".encode("utf-16"),
    b"Sheet,A,Sheet (2)\nx,1,2\n", b'sep=;\nA;B\n1;"2\n3"\n', "\ufeffA,B\n1,2\n".encode(), b"A,B\n\xe9,2", b'A,B\na"b,"c""d"e\n"open', "\ufeffA,B\n1,2\n".encode("utf-16-be"),
)  # fmt: skip
ZONES = ("", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
MOMENTS = (
    datetime(2026, 3, 9, 12, 30), datetime(2026, 1, 31), datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(1999, 12, 31, 23, 0),
    datetime(2026, 11, 20, 9, 30), datetime(1970, 1, 1), datetime(2026, 3, 29, 2, 30), datetime(2038, 1, 19, 3, 14, 8), datetime(2020, 12, 28), datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 1, 15), datetime(2011, 12, 29, 13, 0),
)  # fmt: skip


ACCOUNTS = ("work", "home")
SENDERS = ("b@acme.example", "x@other.example", "acme.example@x", "é@acme.example")
SUBJECTS = ("Invoice 7", "", "../up", "a/b", "Re: {x}", "x" * 300, "a\u202eb", "Total 12,5 on 2026-03-09")
CAME = (
    # Names as klapp has made them safe when it received the mail: none holds a "/".
    ("a.pdf", b"%PDF-1", "pdf"), ("c.txt", b"x", "text"), ("A.PDF", b"%PDF-22", "pdf"), ("..", b"", "empty"), ("a b", b"1", "text"),
    ("t.csv", b"A,B\n1,2\n", "text"), ("x" * 260, b"a\0", "unknown"), (".a", b"", "empty"), ("\udcff", b"\x7fELF", "program"),
)  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """A file that a world begins with."""

    content: bytes
    modified: datetime
    created: datetime


@dataclass(frozen=True)
class Scene:
    """A world as data, and what happens in it."""

    home: str
    files: Mapping[str, Placed]
    events: tuple[Happening, ...]
    now: datetime
    zone: str = ""
    mails: Mapping[str, Mail] = field(default_factory=dict)
    """The mail that an event is about, by the account and the sender that stand there."""
    contrary: str = ""
    """A host that answers otherwise."""

    @property
    def key(self) -> Hashable:
        """Alike for the same world with the same events."""
        return self.home, tuple(self.files.items()), self.events, self.now, self.zone, tuple(self.mails.items())

    def reference(self, may_read: Callable[[str], bool]) -> World:
        """The reference's world."""
        stored = {
            path: Stored(p.content, p.modified, p.created, number)
            for number, (path, p) in enumerate(self.files.items(), 1)
        }
        return World(stored, {"/"}, self.home, may_read, self.now, Hosts(self.contrary))


def scene(random: Random, waiting: Sequence[Trigger] = ()) -> Scene:
    """A world with a few files in it, and a few events, most of them such as the triggers in ``waiting`` wait for."""
    home = random.choice(HOMES)
    files: dict[str, Placed] = {}
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4, 6))):
        folder = random.choice(FOLDERS[:2] if random.random() < 0.7 else FOLDERS)
        name = random.choice(NAMES[:6] if random.random() < 0.4 else NAMES)
        path = f"{home + folder[1:] if folder[0] == '~' else folder}/{name}"
        if _has_room(files, path):
            files[path] = placed(random)
    events = []
    for number in range(random.choice((1, 1, 2, 3))):
        is_aimed = waiting and random.random() < (0.75 if number else 0.97)
        aimed = awaited(random, files, home, random.choice(waiting)) if is_aimed else None
        events.append(aimed or happening(random, files, home))
    now = random.choice(MOMENTS) + timedelta(days=random.choice((0, 0, 1, 40)))
    mails = {where: mail(random, where) for what, where in events if what == "mail arrives"}
    return Scene(home, files, tuple(events), now, random.choice(ZONES), mails)


def placed(random: Random) -> Placed:
    """A file of any content and any age."""
    modified = random.choice(MOMENTS)
    return Placed(random.choice(CONTENTS), modified, random.choice(MOMENTS) if random.random() < 0.5 else modified)


def _has_room(files: Mapping[str, Placed], path: str) -> bool:
    """Whether a file can be put there: none is, and none lies where another one's folder is."""
    return not any(
        other == path or f"{path}/".startswith(f"{other}/") or other.startswith(f"{path}/") for other in files
    )


def awaited(random: Random, files: dict[str, Placed], home: str, trigger: Trigger) -> Happening | None:
    """Something that a trigger waits for; a file that has to be there for it is put there. None where none was found."""
    phrase = phrase_of(trigger)
    if phrase == "mail arrives":
        places = [f"{account} {sender}" for account in ACCOUNTS for sender in SENDERS]
    elif phrase == "folder arrives":
        places = [*(folder for path in files for folder in above(path)), f"{home}/In/new"]
    elif phrase == "file leaves":
        places = new_paths(random, files, home)
    elif phrase in ("file arrives", "file changes"):
        places = [path for path in files if starts(trigger, (phrase, path), home)] or new_paths(random, files, home)
    else:
        return phrase, ""
    random.shuffle(places)
    place = next((place for place in places if starts(trigger, (phrase, place), home)), None)
    if place is None:
        return None
    if phrase in ("file arrives", "file changes") and place not in files:
        files[place] = placed(random)
    return phrase, place


def new_paths(random: Random, files: Mapping[str, Placed], home: str) -> list[str]:
    """A few places where no file is and one could be."""
    places = [f"{folder}/{name}" for folder in FOLDERS for name in (random.choice(NAMES), "z.pdf")]
    written = (home + place[1:] if place[0] == "~" else place for place in places)
    return [path for path in written if _has_room(files, path)]


def mail(random: Random, where: str) -> Mail:
    """A mail of anybody, from anybody, with anything."""
    account, _, sender = where.partition(" ")
    came = tuple(Attachment(*random.choice(CAME)) for _ in range(random.choice((0, 1, 2, 3))))
    said = random.choice(CONTENTS).decode("utf-8", "replace")
    to = tuple(random.sample(SENDERS, random.choice((0, 1, 2))))
    name = random.choice(("", "Acme", "A, B", "/"))
    return Mail(account, sender, random.choice(SUBJECTS), said, random.choice(MOMENTS), came, name, to)


def happening(random: Random, files: Mapping[str, Placed], home: str) -> Happening:
    """Something that happens: mostly a file that arrives, where there is one."""
    if files and random.random() < 0.7:
        phrase = random.choice(("file arrives", "file arrives", "file arrives", "file changes"))
        return phrase, random.choice(list(files))
    phrase = random.choice(
        (
            "file leaves",
            "folder arrives",
            "asked",
            "asked",
            "clock",
            "klapp starts",
            "finishes",
            "fails",
            "mail arrives",
            "mail arrives",
        )
    )
    if phrase == "mail arrives":
        return phrase, f"{random.choice(('work', 'work', 'work', 'home'))} {random.choice(SENDERS)}"
    if phrase == "file leaves":
        name = random.choice(NAMES)
        return phrase, f"{home}/In/gone {name}"[:200] if f"{home}/In/{name}" in files else f"{home}/In/{name}"
    if phrase == "folder arrives":
        folders = [folder for path in files for folder in above(path) if folder.startswith(f"{home}/")]
        return phrase, random.choice(folders) if folders else f"{home}/In/new"
    return phrase, ""


class Disk:
    """The files of a scene as the store that klapp's overlay lies over; listings are made by trying every file."""

    def __init__(self, scene: Scene, readable: Callable[[str], bool]) -> None:
        self.home = scene.home
        self.readable = readable
        self.placed = dict(scene.files)
        self.values = {
            path: FileValue(path, len(p.content), p.modified, nanoseconds(p.modified), 7, number)
            for number, (path, p) in enumerate(scene.files.items(), 1)
        }
        self.folders = {folder for path in scene.files for folder in above(path)} | {"/"}
        self._tokens = count(1)

    def look(self, path: str) -> FileValue | None:
        if path in self.folders:
            raise taken(path)
        return self.values.get(path)

    def kind_at(self, path: str) -> str:
        return "file" if path in self.values else "folder" if path in self.folders else ""

    def list(self, pattern: str) -> Iterator[FileValue]:
        # Patterns come with `~` written out, its glob signs in brackets.
        for path in sorted(self.values):
            if self.readable(path) and matches(pattern, path, "/nowhere"):
                yield self.values[path]

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.placed:
            raise missing(path)
        return self.placed[path].content[:limit]

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        return hashlib.sha256(self.read(path, limit))

    def born(self, path: str) -> int:
        return nanoseconds(self.placed[path].created)

    def new_trash_token(self, path: str) -> str:
        return f"trash {next(self._tokens)}"

    def in_trash(self, token: str) -> FileValue | None:
        return None

    def has_kept(self, token: str) -> bool:
        return False


assert all(wall_clock(nanoseconds(moment)) == moment for moment in MOMENTS)
