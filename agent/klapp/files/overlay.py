"""A file store whose every change stays in memory, over another store: to plan, to simulate, and to test.

Reads fall through to the base, whose answers are remembered until ``sync``: an overlay is one moment's view of it.
What stands at a path is told by two dictionaries, of files and of folders; a tombstone hides what the base has there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from klapp.files.failures import changed, denied, let_go, missing, taken
from klapp.files.moments import nanoseconds, wall_clock
from klapp.files.patterns import compiled, escape
from klapp.files.protocol import ANY, Base, FileError, Identity, Permits
from klapp.files.shown import shown
from klr.values import FileValue, numbered
from klr.vocabulary import Permission

OWN_DEVICE = -1
"""The device in the identity of a file version that only the overlay knows."""


@dataclass(slots=True)
class Node:
    """A file of the overlay: the first ``cut`` bytes of the base's file ``base``, and then ``tail``."""

    value: FileValue
    base: str | None
    cut: int
    tail: bytes
    born: int | None = None
    hollow: bool = False  # brought back from where the overlay can not look: its content is not known

    def at(self, path: str) -> Node:
        """The same file at another place."""
        return Node(self.value.moved_to(path), self.base, self.cut, self.tail, self.born, self.hollow)


class Overlay:
    """``Files`` in memory over ``base``; see the protocol for each primitive and its errors.

    Attributes:
        now: the wall-clock moment that new and changed files get as their last change; set it for each run.
        lane: what may be done; None permits everything that the base permits.
    """

    def __init__(self, base: Base, lane: Permits | None = None, now: datetime | None = None) -> None:
        self.lane = lane
        self.now = now or datetime.now()
        self._base = base
        self._files: dict[str, Node | None] = {}
        self._folders: dict[str, bool] = {}
        self._entries: Counter[str] = Counter()
        self._trash: dict[str, Node | None] = {}
        self._kept: dict[str, Node] = {}
        self._kinds: dict[str, str] = {}
        self._looks: dict[str, FileValue | None] = {}
        self._became: dict[Identity, Identity] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0

    # -- for tests, and for those who plan ----------------------------------------------------------------------------

    def given(
        self, path: str, content: bytes, modified: datetime, created: datetime | None = None, size: int | None = None
    ) -> FileValue:
        """Put a file there, with the folders above it, whatever the lane says; ``size`` where it is not the content's."""
        self.given_folder(path.rpartition("/")[0])
        value = self._fresh(path, len(content) if size is None else size, modified)
        self._put(Node(value, None, 0, content, nanoseconds(created or modified)))
        return value

    def gone(self, path: str) -> None:
        """A file that was given is not there any more."""
        self._files[path] = None

    def given_folder(self, path: str) -> None:
        """Put a folder there, with the folders above it, whatever the lane says."""
        while path and self._kind(path) != "folder":
            self._put_folder(path)
            path = path.rpartition("/")[0]

    def expect(self, file: FileValue) -> None:
        """Take the base's file at its path to be this version, as somebody has just seen it, without another look."""
        if file.path not in self._looks:
            self._looks[file.path] = file
            self._kinds[file.path] = "file"

    def latest(self, identity: Identity) -> Identity:
        """The identity of the version that changes made in this overlay turned ``identity`` into."""
        while identity in self._became:
            identity = self._became[identity]
        return identity

    def number_for(self, goal: str) -> int:
        """Every ``numbered(goal, n)`` with 2 <= n < this was taken when last looked at; only a hint."""
        return self._numbers.get(goal, 2)

    def remember_number(self, goal: str, number: int) -> None:
        """The next search of a free number for ``goal`` begins at ``number``."""
        self._numbers[goal] = number

    def tail(self, path: str) -> bytes:
        """The end of a file as far as this overlay itself wrote it; b"" where it did not."""
        node = self._files.get(path)
        return node.tail if node else b""

    # -- questions ----------------------------------------------------------------------------------------------------

    def look(self, path: str) -> FileValue | None:
        self._need(path, *ANY)
        return self._look(path)

    def kind_at(self, path: str) -> str:
        lane = self.lane
        if lane and path not in self._kinds and not any(lane.allows(permission, path) for permission in ANY):
            self._need_folder(path)
        return self._kind(path)

    def list(self, pattern: str) -> Iterator[FileValue]:
        matches = compiled(pattern).matches
        own = (node.value for path, node in self._files.items() if node and matches(path) and self._may_read(path))
        found = [value for value in self._base.list(pattern) if self._shines_through(value.path)]
        return iter(sorted([*found, *own], key=lambda value: value.path))

    def read(self, path: str, limit: int) -> bytes:
        self._need(path, "read")
        node = self._files.get(path)
        if node:
            return self._content(node, limit)
        self._existing(path)
        return self._base.read(path, limit)

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        self._need(path, "read")
        node = self._known(self._node(path))
        if node.base is None or not node.cut:
            return hashlib.sha256(node.tail[:limit])
        found = self._base.hashed(node.base, min(limit, node.cut))
        found.update(node.tail[: max(0, limit - node.cut)])
        return found

    def born(self, path: str) -> int:
        node = self._node(path)
        if node.born is None and node.base is not None:
            node.born = self._base.born(node.base)
        return node.born if node.born is not None else node.value.stamp

    # -- files --------------------------------------------------------------------------------------------------------

    def move(self, source: str, goal: str, expect: Identity) -> Identity:
        self._need(source, "remove")
        self._need(goal, "write")
        node = self._expected(source, expect)
        if not self._same_file(node, goal):
            self._free(goal)
        self._drop(source)
        return self._put(node.at(goal))

    def copy(self, source: str, goal: str, expect: Identity) -> Identity:
        self._need(source, "read")
        self._need(goal, "write")
        node = self._expected(source, expect)
        self._free(goal)
        return self._put(self._twin(node, goal))

    def create(self, path: str, content: bytes) -> Identity:
        self._need(path, "write")
        self._free(path)
        return self._put(Node(self._fresh(path, len(content), self.now), None, 0, content, nanoseconds(self.now)))

    def append(self, path: str, content: bytes, expect: Identity) -> Identity:
        self._need(path, "write")
        node = self._expected(path, expect)
        value = self._fresh(path, node.value.size + len(content), self.now)
        return self._change(node, replace(node, value=value, tail=node.tail + content))

    def truncate(self, path: str, size: int, tail: bytes, stamp: int) -> Identity:
        self._need(path, "write")
        node = self._node(path)
        if node.value.size != size + len(tail) or self._content(node, node.value.size)[size:] != tail:
            raise changed(path)
        shorter = replace(node, cut=min(node.cut, size), tail=node.tail[: max(0, size - node.cut)])
        value = self._fresh(path, size, self.now)._replace(stamp=stamp, modified=wall_clock(stamp))
        return self._change(node, replace(shorter, value=value))

    def replace(self, source: str, goal: str, expect: Identity, replacing: Identity) -> Identity:
        self._need(source, "remove")
        self._need(goal, "write")
        node = self._expected(source, expect)
        self._expected(goal, replacing)
        self._drop(source)
        return self._put(node.at(goal))

    def overwrite(self, path: str, content: bytes, expect: Identity) -> Identity:
        self._need(path, "write")
        node = self._expected(path, expect)
        value = self._fresh(path, len(content), self.now)
        return self._change(node, Node(value, None, 0, content, nanoseconds(self.now)))

    # -- folders ------------------------------------------------------------------------------------------------------

    def make_folder(self, path: str) -> None:
        self._need_folder(path)
        self._free(path)
        self._put_folder(path)

    def remove_folder(self, path: str) -> bool:
        """As in the protocol. Of a folder of the base, only files that may be listed are seen to be in it."""
        self._need_folder(path)
        if self._kind(path) != "folder" or self._entries[path]:
            return False
        made_here = self._folders.get(path, False)
        if not made_here and any(self._shines_through(f.path) for f in self._base.list(escape(path) + "/**")):
            return False
        self._folders[path] = False
        if made_here:
            self._left(path)
        return True

    # -- trash and kept copies ----------------------------------------------------------------------------------------

    def new_trash_token(self, path: str) -> str:
        return self._base.new_trash_token(path)

    def trash(self, path: str, expect: Identity, token: str) -> None:
        self._need(path, "remove")
        self._trash[token] = self._expected(path, expect)
        self._drop(path)

    def in_trash(self, token: str) -> FileValue | None:
        if token in self._trash:
            node = self._trash[token]
            return node.value if node else None
        return self._base.in_trash(token)

    def restore(self, token: str, path: str) -> Identity:
        self._need(path, "write")
        node, value = self._trash.get(token), self.in_trash(token)
        if value is None:
            raise missing(path)
        self._free(path)
        self._trash[token] = None
        node = node or Node(value, value.path, value.size, b"")
        return self._put(node.at(path))

    def erase(self, path: str, expect: Identity) -> None:
        self._need(path, "erase")
        self._expected(path, expect)
        self._drop(path)

    def keep(self, path: str, expect: Identity, token: str) -> None:
        self._need(path, *ANY)
        self._kept[token] = self._expected(path, expect)

    def has_kept(self, token: str) -> bool:
        return token in self._kept or self._base.has_kept(token)

    def put_back(self, token: str, path: str, was: Identity, replacing: Identity | None) -> Identity:
        """As in the protocol. What an earlier run kept comes back with a content that the overlay does not know."""
        self._need(path, "write")
        kept = self._kept.get(token)
        if not self.has_kept(token):
            raise let_go(path)
        brought = self._twin(kept, path) if kept else self._hollow(path, was)
        if replacing is None:
            self._free(path)
            return self._put(brought)
        return self._change(self._expected(path, replacing), brought)

    def sync(self) -> None:
        """Forget what was learned of the base, so that it is looked at anew; nothing here is to be made durable."""
        self._kinds.clear()
        self._looks.clear()
        self._numbers.clear()

    # -- what is there ------------------------------------------------------------------------------------------------

    def _kind(self, path: str) -> str:
        if self._files.get(path):
            return "file"
        if path in self._folders:
            return "folder" if self._folders[path] else ""
        if path in self._files or self._folders.get(path.rpartition("/")[0]) is not None:
            return ""  # moved away; or its folder is the overlay's own, so that the base has nothing there
        if path not in self._kinds:
            self._kinds[path] = self._base.kind_at(path)
        return self._kinds[path]

    def _look(self, path: str) -> FileValue | None:
        if path in self._files:
            node = self._files[path]
            if node or path not in self._folders:
                return node.value if node else None
        if path in self._folders or self._folders.get(path.rpartition("/")[0]) is not None:
            if self._folders.get(path):
                raise taken(path)
            return None
        if path not in self._looks:
            self._looks[path] = self._base.look(path)
        return self._looks[path]

    def _existing(self, path: str) -> FileValue:
        value = self._look(path)
        if value is None:
            raise missing(path)
        return value

    def _node(self, path: str) -> Node:
        value = self._existing(path)
        return self._files.get(path) or Node(value, path, value.size, b"")

    def _expected(self, path: str, expect: Identity) -> Node:
        node = self._node(path)
        if node.value.identity != expect:
            raise changed(path)
        return node

    def _free(self, path: str) -> None:
        """Raise unless nothing is at ``path`` and its folder is there."""
        if self._kind(path):
            raise taken(path)
        folder = path.rpartition("/")[0] or "/"
        if self._kind(folder) != "folder":
            raise missing(folder)

    def _same_file(self, node: Node, goal: str) -> bool:
        """Whether ``goal`` is another spelling of the file's own path, on a disk where case does not count."""
        path = node.value.path
        if path == goal or path.casefold() != goal.casefold() or self._kind(goal) != "file":
            return False
        return self._existing(goal).identity == node.value.identity

    def _known(self, node: Node) -> Node:
        """The node; raises FileError where the overlay can not know what it holds."""
        if node.hollow:
            raise FileError(f"What {shown(node.value.path)} holds is only known once it is brought back.", "system")
        return node

    def _content(self, node: Node, limit: int) -> bytes:
        self._known(node)
        head = self._base.read(node.base, min(limit, node.cut)) if node.base is not None and node.cut else b""
        return head + node.tail[: max(0, limit - node.cut)]

    def _shines_through(self, path: str) -> bool:
        """Whether the base's file at ``path`` is still the one that is there."""
        return path not in self._files and self._folders.get(path.rpartition("/")[0]) is None and self._may_read(path)

    # -- changes ------------------------------------------------------------------------------------------------------

    def _fresh(self, path: str, size: int, modified: datetime) -> FileValue:
        self._count += 1
        return FileValue(path, size, modified, nanoseconds(modified), OWN_DEVICE, self._count)

    def _twin(self, node: Node, path: str) -> Node:
        """The same content and times as another file."""
        self._count += 1
        value = node.value._replace(path=path, device=OWN_DEVICE, inode=self._count)
        return replace(node, value=value, born=nanoseconds(self.now))

    def _hollow(self, path: str, was: Identity) -> Node:
        """A file of which only the size and time are known."""
        stamp, size = was[2], was[3]
        value = self._fresh(path, size, wall_clock(stamp))._replace(stamp=stamp)
        return Node(value, None, 0, b"", nanoseconds(self.now), hollow=True)

    def _put(self, node: Node) -> Identity:
        path = node.value.path
        if not self._files.get(path):
            self._entries[path.rpartition("/")[0] or "/"] += 1
        self._files[path] = node
        return node.value.identity

    def _change(self, old: Node, new: Node) -> Identity:
        self._became[old.value.identity] = new.value.identity
        return self._put(new)

    def _drop(self, path: str) -> None:
        if self._files.get(path):
            self._left(path)
        self._files[path] = None
        if path.find(" (") >= 0:
            self._freed_number(path)

    def _put_folder(self, path: str) -> None:
        self._folders[path] = True
        self._entries[path.rpartition("/")[0] or "/"] += 1

    def _left(self, path: str) -> None:
        self._entries[path.rpartition("/")[0] or "/"] -= 1

    def _freed_number(self, path: str) -> None:
        """Let the search for a free number see that ``path``, perhaps the "(n)" of some name, is free again."""
        folder, _, name = path.rpartition("/")
        before, _, rest = name.rpartition(" (")
        digits, _, after = rest.partition(")")
        goal = f"{folder}/{before}{after}"
        if goal in self._numbers and digits.isdecimal() and numbered(before + after, int(digits)) == name:
            self._numbers[goal] = min(self._numbers[goal], max(2, int(digits)))

    # -- permissions --------------------------------------------------------------------------------------------------

    def _need(self, path: str, *permissions: Permission) -> None:
        if self.lane:
            for permission in permissions:
                if self.lane.allows(permission, path):
                    return
            raise denied(path, " or ".join(permissions))

    def _need_folder(self, path: str) -> None:
        if self.lane and not self.lane.leads_to_write(path):
            self._need(path, "write")

    def _may_read(self, path: str) -> bool:
        return self.lane is None or self.lane.allows("read", path)
