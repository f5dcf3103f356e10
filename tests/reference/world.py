"""A world of files and folders as plain dictionaries, and what each verb does to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from tests.reference import hosts, tables
from tests.reference.globs import is_path
from tests.reference.globs import matches as pattern_matches
from tests.reference.mails import Attachment
from tests.reference.properties import Refused, folder_of, name_of, numbered

LONGEST_NAME = 255


@dataclass(frozen=True)
class Stored:
    """What lies at a path. ``number`` tells this file from every other, ``version`` its states from one another."""

    content: bytes
    modified: datetime
    created: datetime
    number: int
    version: int = 0


@dataclass(frozen=True)
class File:
    """A file as a program holds it: as it was when it was met."""

    path: str
    size: int
    modified: datetime
    number: int
    version: int


@dataclass
class World:
    """Everything that is there. ``may_read`` tells which files can be looked into before something is added to them.

    ``touched`` collects (permission, path) of all that is done, ``told`` the notices.
    """

    files: dict[str, Stored]
    folders: set[str]
    home: str
    may_read: Callable[[str], bool] = lambda path: True
    now: datetime = datetime.min
    hosts: hosts.Hosts = field(default_factory=hosts.Hosts)

    def __post_init__(self) -> None:
        self.touched: list[tuple[str, str]] = []
        self.told: list[str] = []
        self.opened: list[tuple[str, str]] = []
        self.written: set[int] = set()
        self.fresh = count(1_000_000)
        self.changes = count(1)
        for path in self.files:
            self.folders.update(above(path))

    def copy(self) -> World:
        """Another world that is the same for now."""
        twin = copy(self)
        twin.files, twin.folders = dict(self.files), set(self.folders)
        twin.touched, twin.told, twin.written = [], [], set(self.written)
        twin.hosts, twin.opened = hosts.Hosts(), []
        return twin

    # -- looking ------------------------------------------------------------------------------------------------------

    def kind(self, path: str) -> str:
        if path in self.files:
            return "file"
        return "folder" if path in self.folders else ""

    def there(self, path: str) -> Stored:
        """The file at a path, to be read."""
        self.touched.append(("read", path))
        return self._at(path)

    def _at(self, path: str) -> Stored:
        if path in self.files:
            return self.files[path]
        raise Refused("taken" if path in self.folders else "missing")

    def met(self, path: str) -> File:
        """The file at a path as a program gets it."""
        stored = self._at(path)
        return File(path, len(stored.content), stored.modified, stored.number, stored.version)

    def matching(self, pattern: str) -> tuple[File, ...]:
        """The files that match a pattern, in the order of their paths."""
        paths = sorted(path for path in self.files if pattern_matches(pattern, path, self.home))
        self.touched.extend(("read", path) for path in paths)
        return tuple(map(self.met, paths))

    def _same(self, file: File) -> Stored:
        """What lies where a program last saw a file, if it is still that file."""
        stored = self._at(file.path)
        if stored.number != file.number:
            raise Refused("changed")
        return stored

    # -- changing -----------------------------------------------------------------------------------------------------

    def put(self, path: str, stored: Stored) -> None:
        self.touched.append(("write", path))
        self.files[path] = stored

    def new(self, content: bytes, modified: datetime | None = None) -> Stored:
        number = next(self.fresh)
        self.written.add(number)
        return Stored(content, modified or self.now, self.now, number, next(self.changes))

    def lead_to(self, path: str) -> None:
        """Make the folders above a path."""
        if any(self.kind(folder) == "file" for folder in above(path)):
            raise Refused("taken")
        self.folders.update(above(path))


def above(path: str) -> list[str]:
    """Every folder above a path."""
    parts = path.split("/")
    return ["/".join(parts[:n]) or "/" for n in range(1, len(parts))]


def check_path(path: str) -> None:
    """Refuse what can be no path."""
    if not is_path(path) or any(length(part) > LONGEST_NAME for part in path.split("/")):
        raise Refused("value")


def length(name: str) -> int:
    return len(bytes_of(name))


def bytes_of(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Refused("value") from None


def goal_of(world: World, path: str, policy: str) -> str | None:
    """Where something goes that should go to ``path``; None where it is left alone."""
    kind = world.kind(path)
    if not kind:
        return path
    if policy == "skip":
        return None
    if policy == "fail" or (policy == "replace" and kind != "file"):
        raise Refused("taken")
    if policy == "replace":
        return path
    number = 2
    while True:
        name = numbered(name_of(path), number)
        candidate = f"{folder_of(path).rstrip('/')}/{name}"
        check_path(candidate)
        if not world.kind(candidate):
            return candidate
        number += 1


# -- verbs --------------------------------------------------------------------------------------------------------------


def move(world: World, file: File, path: str, policy: str) -> File:
    check_path(path)
    if path == file.path:
        return file
    goal = goal_of(world, path, policy)
    if goal is None:
        return file
    if goal not in world.files:
        world.lead_to(goal)
    stored = world._same(file)
    world.touched.append(("remove", file.path))
    del world.files[file.path]
    world.put(goal, stored)
    return world.met(goal)


def rename(world: World, file: File, name: str, policy: str) -> File:
    if not is_path(f"/{name}") or "/" in name or length(name) > LONGEST_NAME:
        raise Refused("value")
    return move(world, file, f"{folder_of(file.path).rstrip('/')}/{name}", policy)


def copy_file(world: World, file: File, path: str, policy: str) -> None:
    check_path(path)
    if path == file.path and policy == "replace":
        return
    goal = goal_of(world, path, policy)
    if goal is None:
        return
    if goal not in world.files:
        world.lead_to(goal)
    stored = world._same(file)
    world.touched.append(("read", file.path))
    new = replace(world.new(stored.content, stored.modified))
    if stored.number not in world.written:
        world.written.discard(new.number)
    if goal in world.files:
        new = replace(new, number=world.files[goal].number)
        if stored.number not in world.written:
            world.written.discard(new.number)
    world.put(goal, new)


def trash(world: World, file: File) -> None:
    world._same(file)
    world.touched.append(("remove", file.path))
    del world.files[file.path]


def erase(world: World, file: File) -> None:
    world._same(file)
    world.touched.append(("erase", file.path))
    del world.files[file.path]


def write(world: World, text: str, path: str, policy: str) -> None:
    check_path(path)
    _written(world, bytes_of(text), path, policy)


def _written(world: World, content: bytes, path: str, policy: str) -> None:
    goal = goal_of(world, path, policy)
    if goal is None:
        return
    new = world.new(content)
    if goal in world.files:
        new = replace(new, number=world.files[goal].number)
        world.written.add(new.number)
    else:
        world.lead_to(goal)
    world.put(goal, new)


def save(world: World, attachment: Attachment, path: str, policy: str) -> None:
    check_path(path)
    _written(world, attachment.content, path, policy)


def append(world: World, text: str, path: str) -> None:
    check_path(path)
    line = bytes_of(text if text.endswith("\n") else text + "\n")
    kind = world.kind(path)
    if kind == "folder":
        raise Refused("taken")
    if not kind:
        world.lead_to(path)
        world.put(path, world.new(line))
        return
    before = world.files[path]
    # What may not be looked into is taken to end its last line.
    known = before.number in world.written or world.may_read(path)
    joint = b"\n" if known and before.content and not before.content.endswith(b"\n") else b""
    world.written.add(before.number)
    changed = replace(before, content=before.content + joint + line, modified=world.now, version=next(world.changes))
    world.put(path, changed)


def append_row(world: World, row: tables.Row, path: str) -> None:
    check_path(path)
    if tables.ending(path) not in ("csv", "tsv", "txt"):
        raise Refused("value")
    kind = world.kind(path)
    if kind == "folder":
        raise Refused("taken")
    if not kind:
        world.lead_to(path)
        world.put(path, world.new(tables.new_file(path, row.columns, [row], None)))
        return
    before = world.there(path)
    content = tables.with_row(before.content, row)
    world.written.add(before.number)
    world.put(path, replace(before, content=content, modified=world.now, version=next(world.changes)))


def write_table(world: World, rows: tuple[tables.Row, ...], path: str, sign: str | None, policy: str) -> None:
    check_path(path)
    if sign is not None and sign not in tables.DELIMITERS:
        raise Refused("value")
    columns = rows.columns if isinstance(rows, tables.Table) else dict.fromkeys(c for row in rows for c in row.columns)
    _written(world, tables.new_file(path, tuple(columns), rows, sign), path, policy)


def send(world: World, value: Any, address: str, form: str, method: str, secret: str | None) -> None:
    """One request to a host; a file goes there as it is now, if it is still the one that was met."""
    if not isinstance(value, File):
        kind, body = hosts.body_of(value, form)
    else:
        content = _as_met(world, value)
        world.touched.append(("read", value.path))
        if form == "upload":
            kind, body = f"multipart/form-data; boundary={hosts.EDGE}", hosts.form_of(name_of(value.path), content)
        else:
            kind, body = hosts.BYTES, content
    world.hosts.tell(method.upper(), address, kind, body, secret or "")


def _as_met(world: World, file: File) -> bytes:
    """What is in a file that goes out: one that is not there any more is not the one that was met."""
    if not world.kind(file.path):
        raise Refused("changed")
    return world._same(file).content


ADDRESS = re.compile(r"[a-z0-9!#$%&'+=^_`{|}~-]+(\.[a-z0-9!#$%&'+=^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.I)  # fmt: skip


def send_mail(world: World, to: str, about: str, saying: str, along: Any, account: str | None) -> None:
    """A mail to one person. That it goes out, and what becomes of it there, is no matter of the program."""
    if not ADDRESS.fullmatch(to) or not to.isascii() or len(to) > 254 or to.index("@") > 64:
        raise Refused("value")
    things = () if along is None else (along,) if isinstance(along, (File, Attachment)) else along
    files = tuple(one for one in things if isinstance(one, File))
    size = sum(one.size if isinstance(one, File) else len(one.content) for one in things)
    if size > 25_000_000 or len(saying) > 1_000_000:
        raise Refused("value")
    if len(hosts.in_one_line(about)) > 500:
        raise Refused("value")
    attached = []
    for file in files:
        attached.append((name_of(file.path), _as_met(world, file)))
        world.touched.append(("read", file.path))
    text = saying.encode("utf-8", "replace").decode()
    world.hosts.mail(to, hosts.in_one_line(about), text, attached, account or "")


def _unnamable(folder: str) -> bool:
    """Whether a mail folder can not be called that."""
    parts = folder.split("/")
    odd = any(not sign.isprintable() or sign in '*%"\\' for sign in folder)
    return odd or folder[:1] == "~" or any(part in ("", ".", "..") for part in parts)


def move_mail(world: World, mail: Any, folder: str) -> None:
    if _unnamable(folder):
        raise Refused("value")
    world.hosts.handle("move", folder)
    world.touched.append(("move mail", f"/{mail.account}/{folder}"))


def mark_mail(world: World, mail: Any, mark: str) -> None:
    world.hosts.handle("mark", mark)
    world.touched.append(("mark mail", f"/{mail.account}"))


def open_in_app(world: World, file: File, app: str | None) -> None:
    world.there(file.path)
    world.opened.append((file.path, app or ""))


def make_folder(world: World, path: str) -> None:
    check_path(path)
    kind = world.kind(path)
    if kind == "file":
        raise Refused("taken")
    if not kind:
        world.lead_to(path)
        world.touched.append(("write", path))
        world.folders.add(path)


def notify(world: World, text: str) -> None:
    world.touched.append(("notify", ""))
    world.told.append(text)


AT_PATHS = ("text", "table", "sheets")
"""What can be asked of a path that is written down."""


@dataclass(frozen=True)
class Verb:
    """What a verb does, and its slots as (word, type); a policy is a slot whose words begin with the default."""

    does: Callable[..., Any]
    slots: tuple[tuple[str, str], ...]
    policy: bool = False
    follows: bool = False
    consumes: bool = False


OF_MAILBOXES = ("move mail", "mark mail")
"""What is done to a mail on its server."""
VERBS: dict[str, Verb] = {
    "move": Verb(move, (("", "file"), ("to", "path")), policy=True, follows=True),
    "rename": Verb(rename, (("", "file"), ("to", "text")), policy=True, follows=True),
    "copy": Verb(copy_file, (("", "file"), ("to", "path")), policy=True),
    "trash": Verb(trash, (("", "file"),), consumes=True),
    "erase": Verb(erase, (("", "file"),), consumes=True),
    "write": Verb(write, (("", "text"), ("to", "path")), policy=True),
    "save": Verb(save, (("", "attachment"), ("to", "path")), policy=True),
    "append": Verb(append, (("", "text"), ("to", "path"))),
    "append row": Verb(append_row, (("", "row"), ("to", "path"))),
    "write table": Verb(write_table, (("", "list of row"), ("to", "path"), ("with", "text")), policy=True),
    "send": Verb(
        send, (("", "sendable"), ("to", "address"), ("as", "word it"), ("by", "word post"), ("using", "secret"))
    ),
    "send mail": Verb(
        send_mail,
        (("to", "recipient"), ("about", "text"), ("saying", "text"), ("with", "attached"), ("from", "account")),
    ),
    "move mail": Verb(move_mail, (("", "mail"), ("to", "mailbox"))),
    "mark mail": Verb(mark_mail, (("", "mail"), ("as", "word read"))),
    "open": Verb(open_in_app, (("", "file"), ("with", "path"))),
    "make folder": Verb(make_folder, (("", "path"),)),
    "notify": Verb(notify, (("", "text"),)),
}
"""Everything that a coworker can do; what ends a run is a matter of the interpreter."""
