"""The sandbox of macOS, as far as it can be tried elsewhere: what it says is exact, and no name of a folder adds to it."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.sandbox import landlock, seatbelt
from klapp.sandbox.confine import readable
from klapp.sandbox.confinement import RIGHTS, Confinement

WHOLE = """(allow file-read* (subpath (param "PLACE0")))
(allow file-read* (subpath (param "PLACE1")))
(allow file-write-data file-write-mode file-write-owner file-write-times file-write-xattr file-link (subpath (param "PLACE1")))
(allow file-write-unlink (require-all (subpath (param "PLACE1")) (vnode-type REGULAR-FILE)))
(allow file-read* (subpath (param "PLACE2")))
(allow file-write-data file-write-mode file-write-owner file-write-times file-write-xattr file-link (subpath (param "PLACE2")))
(allow file-write-unlink (require-all (subpath (param "PLACE2")) (vnode-type REGULAR-FILE)))
(allow file-write-create (require-all (subpath (param "PLACE2")) (vnode-type REGULAR-FILE)))
(allow file-write-create (require-all (subpath (param "PLACE2")) (vnode-type DIRECTORY)))
(allow file-read* (subpath (param "PLACE3")))
(allow file-map-executable (subpath (param "PLACE3")))
(allow file-read-metadata (literal (param "ABOVE4")))
(allow file-read-metadata (literal (param "ABOVE5")))
(allow file-read-metadata (literal (param "ABOVE6")))
(allow file-read-metadata (literal (param "ABOVE7")))
"""


def places(*grants: tuple[str, str]) -> dict[str, int]:
    return Confinement.of(grants, "/Users/me").places()


def test_the_profile_of_a_coworker() -> None:
    granted = places(
        ("read", "~/Bills/**"), ("remove", "~/In/*.pdf"), ("write", "~/Out/{year}/**".replace("{year}", "*"))
    )
    text, parameters = seatbelt.profile({**granted, **readable(["/opt/python"])})
    assert text == seatbelt._HEAD + WHOLE
    assert parameters == {
        "PLACE0": "/Users/me/Bills",
        "PLACE1": "/Users/me/In",
        "PLACE2": "/Users/me/Out",
        "PLACE3": "/opt/python",
        "ABOVE4": "/",
        "ABOVE5": "/Users",
        "ABOVE6": "/Users/me",
        "ABOVE7": "/opt",
    }


def test_without_grants_nothing_but_computing_is_left() -> None:
    text, parameters = seatbelt.profile({})
    assert (text, parameters) == (seatbelt._HEAD, {})
    assert text.splitlines()[1] == "(deny default)"
    for never in (
        "network",
        "process-exec",
        "process-fork",
        "mach-lookup",
        "iokit",
        "ipc-",
        "system-",
        "default)\n(allow default",
    ):
        assert f"(allow {never}" not in text
    assert re.findall(r"file-write\S*", text) == ["file-write-data"]  # of /dev/null


NAMES = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=()), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and not set(name) & set("*?[")
)
GRANTS = st.lists(st.tuples(st.sampled_from(sorted(RIGHTS)), st.lists(NAMES, min_size=1, max_size=3)), max_size=5)


@given(GRANTS)
def test_each_granted_folder_and_only_it_is_there_and_no_name_says_anything(
    grants: list[tuple[str, list[str]]],
) -> None:
    granted = places(*((permission, f"~/{'/'.join(names)}/**") for permission, names in grants))
    text, parameters = seatbelt.profile(granted)
    wanted = {path for path in granted if not any("\ud800" <= letter <= "\udfff" for letter in path)}
    assert {path for name, path in parameters.items() if name.startswith("PLACE")} == wanted
    names = re.findall(r'\(param "(\w+)"\)', text)
    assert set(names) == set(parameters)
    # The text is made of what is ours alone: what is left of it without the numbers is one of few lines.
    lines = {re.sub(r"\d+", "", line) for line in text.removeprefix(seatbelt._HEAD).splitlines()}
    assert lines <= {re.sub(r"\d+", "", line) for line in WHOLE.splitlines()}
    for place, rights in granted.items():
        for name in (name for name, path in parameters.items() if path == place and name.startswith("PLACE")):
            assert ("file-write" in "".join(re.findall(rf'.*"{name}".*', text))) == bool(rights & landlock.WRITE_FILE)


@pytest.mark.parametrize(
    "name", ['a")(allow default)(subpath "', "a\nb", "a\\", "(param)", "#|", ";", "\u202e", "a'b", "é", "e\u0301"]
)
def test_hostile_names_are_parameters(name: str) -> None:
    text, parameters = seatbelt.profile({f"/Users/me/{name}": landlock.READ})
    assert parameters["PLACE0"] == f"/Users/me/{name}"
    assert name not in text.removeprefix(seatbelt._HEAD) or name in ("(param)", ";")
    assert text.count("\n") == seatbelt._HEAD.count("\n") + 4


@pytest.mark.parametrize("path", ["", "relative", "/a/../b", "/a/", "//a", "/a//b", "/a\0b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        seatbelt.profile({path: landlock.READ})


def test_a_name_that_is_no_text_opens_nothing() -> None:
    assert seatbelt.profile({"/Users/me/\udcff": landlock.READ}) == (seatbelt._HEAD, {})


class Library:
    """Stands in for libSystem, and looks at what it is given as that would."""

    def __init__(self, refuses: bytes = b"") -> None:
        self.refuses = refuses
        self.calls: list[tuple[bytes, int, list[bytes]]] = []
        self.traced: tuple[Any, ...] = ()

    def sandbox_init_with_parameters(self, text: bytes, flags: ctypes.c_uint64, parameters: Any, error: Any) -> int:
        assert parameters[len(parameters) - 1] is None
        self.calls.append((text, flags.value, list(parameters)[:-1]))
        if self.refuses:
            ctypes.cast(error, ctypes.POINTER(ctypes.c_char_p))[0] = self.refuses
            return -1
        return 0

    def ptrace(self, *arguments: Any) -> int:
        self.traced = arguments
        return 0


def test_what_the_system_is_told(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "In"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    library = Library()
    wanted = {
        str(folder): landlock.READ,
        str(tmp_path / "link"): landlock.WRITE_FILE,
        str(tmp_path / "gone"): landlock.READ,
    }
    assert seatbelt.restrict(wanted, library)
    [(text, flags, parameters)] = library.calls
    assert flags == 0
    told = dict(zip(parameters[::2], parameters[1::2], strict=True))
    assert [path.decode() for name, path in told.items() if name.startswith(b"PLACE")] == [
        *sorted([str(tmp_path.resolve()), str(folder)])
    ]
    assert b'(allow file-read* (subpath (param "PLACE1")))\n(allow file-write-data' in text
    assert b'(allow file-read-data file-read-metadata (literal (param "PLACE0")))\n(allow file-read*' in text
    assert b'(subpath (param "PLACE0"))' not in text  # its names, and nothing in it
    assert not any(part.endswith((b"link", b"gone")) for part in parameters)
    seatbelt.deny_debuggers(library)
    assert library.traced == (31, 0, None, 0)


def test_a_sandbox_that_is_refused_ends_the_worker() -> None:
    with pytest.raises(OSError, match="unbound variable"):
        seatbelt.restrict({}, Library(b"unbound variable: file-link"))


def test_what_is_not_there_yet_opens_the_names_of_the_folder_above_it(tmp_path: Path) -> None:
    root = str(tmp_path.resolve())
    assert seatbelt._there({f"{root}/a/b": landlock.READ, **readable([f"{root}/python"])}) == {root: seatbelt.NAMES}
    assert seatbelt._there(readable([root])) == {root: landlock.READ | seatbelt.LOAD}
