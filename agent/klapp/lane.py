"""The lane: which paths a coworker may touch, decided at run time and apart from the static proof.

The proof says before a run that a coworker can not leave its ``may`` lines. The lane holds it there without trusting
that proof: it knows the lines alone, and shares no code with what proved them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from klapp.files.patterns import Pattern, is_plain
from klr.vocabulary import Permission

_REMEMBERED = 8192
"""As many as the paths of a batch are asked for, at some permissions each."""


class _Grants:
    """What one permission covers: single paths, looked up at once however many, and patterns, tried in turn."""

    __slots__ = ("folders", "literals", "patterns")

    def __init__(self, literals: Mapping[str, str], patterns: Iterable[Pattern]) -> None:
        self.literals = dict(literals)
        # The longest prefix first, so that the first match is the one that says most about where the path lies.
        self.patterns = tuple(sorted(patterns, key=lambda pattern: -len(pattern.prefix)))
        self.folders: dict[str, str] = {}
        for path, root in self.literals.items():
            for folder in _folders_above(path):
                self.folders[folder] = _trusted(root, folder)

    def root(self, path: str) -> str | None:
        """The folder from which ``path`` is to be opened without following a link; None where it is not covered."""
        if path in self.literals:
            return self.literals[path]
        for pattern in self.patterns:
            if pattern.matches(path):
                return pattern.prefix or "/"
        return None

    def leading_root(self, folder: str) -> str | None:
        """As ``root``, for a folder above something that is covered."""
        if folder in self.folders:
            return self.folders[folder]
        for pattern in self.patterns:
            if pattern.leads(folder):
                return _trusted(pattern.prefix or "/", folder)
        return None

    def opening_root(self, folder: str) -> str | None:
        """As ``root``, for opening a folder itself to look for what is covered in it or below it."""
        if folder in self.folders:
            return _start(self.folders[folder], folder)
        for pattern in self.patterns:
            if pattern.leads(folder):
                return _start(pattern.prefix or "/", folder)
        return None


class Lane:
    """A set of paths for each permission. Immutable; every answer is "no" for a path that is not plain."""

    __slots__ = ("_grants", "_roots")

    def __init__(self, grants: Mapping[Permission, _Grants]) -> None:
        self._grants = dict(grants)
        # Each path is asked for several times: when it is planned, looked at, and acted on.
        self._roots: dict[tuple[Permission, str], str | None] = {}

    @classmethod
    def of(cls, grants: Iterable[tuple[Permission, str]], home: str) -> Lane:
        """The lane of these ``may`` lines, one (permission, path glob) each.

        ``home`` is the absolute path that ``~`` stands for; it is taken literally, glob characters and all. Raises
        ValueError for a glob that begins with neither ``~/`` nor ``/`` or has an empty, ``.`` or ``..`` part.
        """
        patterns: dict[Permission, list[Pattern]] = {}
        for permission, text in grants:
            patterns.setdefault(permission, []).append(Pattern(text, home))
        return cls(
            {
                permission: _Grants(
                    {pattern.literal: pattern.prefix or "/" for pattern in given if pattern.literal is not None},
                    [pattern for pattern in given if pattern.literal is None],
                )
                for permission, given in patterns.items()
            }
        )

    @classmethod
    def exactly(cls, paths: Mapping[Permission, Iterable[str]], within: Iterable[str] = ()) -> Lane:
        """The lane of exactly these paths, as an undo needs it.

        No link is followed below the shortest folder of ``within`` that holds a path, such as the home folder; for a
        path in none of them, its own folder is opened as it stands. Raises ValueError for a path that is not plain.
        """
        roots = sorted((root.rstrip("/") for root in within), key=len)

        def literal(path: str) -> tuple[str, str]:
            if not is_plain(path):
                raise ValueError("a lane holds only absolute paths without empty, '.' or '..' parts")
            return path, next((root or "/" for root in roots if path.startswith(f"{root}/")), _above(path))

        return cls({permission: _Grants(dict(map(literal, given)), ()) for permission, given in paths.items()})

    @classmethod
    def union(cls, *lanes: Lane) -> Lane:
        """The lane that allows what any of these allows."""
        together: dict[Permission, _Grants] = {}
        for lane in lanes:
            for permission, grants in lane._grants.items():
                known = together.get(permission, _Grants({}, ()))
                together[permission] = _Grants(
                    {**known.literals, **grants.literals}, {*known.patterns, *grants.patterns}
                )
        return cls(together)

    def allows(self, permission: Permission, path: str) -> bool:
        """Whether this permission covers the path."""
        return self.root(permission, path) is not None

    def allows_any(self, path: str) -> bool:
        """Whether any permission covers the path."""
        return any(self.allows(permission, path) for permission in self._grants)

    def leads_to(self, permission: Permission, folder: str) -> bool:
        """Whether the path is a folder above something that this permission covers, whether it exists or not."""
        return self.leading_root(permission, folder) is not None

    def leads_to_write(self, folder: str) -> bool:
        """Whether the path is a folder above something that may be written; such folders may be made."""
        return self.leads_to("write", folder)

    def root(self, permission: Permission, path: str) -> str | None:
        """The folder up to which a grant trusts the disk: below it, no link may be followed on the way to ``path``.

        It is the fixed prefix of the grant that covers the path, the longest where several do; None where none does.
        """
        key = permission, path
        try:
            return self._roots[key]
        except KeyError:
            pass
        grants = self._grants.get(permission)
        root = grants.root(path) if grants is not None and is_plain(path) else None
        if len(self._roots) >= _REMEMBERED:
            self._roots.clear()
        self._roots[key] = root
        return root

    def leading_root(self, permission: Permission, folder: str) -> str | None:
        """As ``root``, for a folder above something that is covered: no link may be followed below it on the way to
        the folder *above* ``folder``."""
        grants = self._grants.get(permission)
        return grants.leading_root(folder) if grants is not None and (folder == "/" or is_plain(folder)) else None

    def opening_root(self, permission: Permission, folder: str) -> str | None:
        """As ``root``, for opening a folder itself: None where nothing in it or below it is covered."""
        grants = self._grants.get(permission)
        return grants.opening_root(folder) if grants is not None and (folder == "/" or is_plain(folder)) else None


def _start(root: str, folder: str) -> str:
    """From where to open a folder: at ``root``, or as it stands where it is not below that."""
    return root if f"{folder.rstrip('/')}/".startswith(f"{root.rstrip('/')}/") else folder


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _trusted(root: str, folder: str) -> str:
    """From where to open the folder above ``folder``: at ``root``, or as it stands where it is not below that."""
    above = _above(folder)
    return root if f"{above}/".startswith(f"{root.rstrip('/')}/") else above


def _folders_above(path: str) -> Iterable[str]:
    """Every folder above a path, the nearest first, ``/`` last."""
    while path != "/":
        path = _above(path)
        yield path
