"""The sandbox of Windows, as far as it can be tried elsewhere: what is asked of it, in what order, with which bytes.

Nothing here runs Windows. Its functions are played by a record of what Microsoft documents of them: which library has
them, what they take, what they make, and that all that was made is given back.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from klapp.engine.asked import answer
from klapp.files import patterns
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError
from klapp.lane import Lane
from klapp.sandbox import contained
from klapp.sandbox import windows as w
from klapp.sandbox import worker as reader_side
from klapp.sandbox.channel import Lost
from klapp.sandbox.confinement import Confinement
from klapp.verbs.plan import check_path

SIZES = {  # bytes on 64-bit Windows, as the compiler of MinGW-w64 12 has them, too
    w.SID_AND_ATTRIBUTES: 16,
    w.SECURITY_CAPABILITIES: 24,
    w.STARTUPINFO: 104,
    w.STARTUPINFOEX: 112,
    w.PROCESS_INFORMATION: 24,
    w.JOBOBJECT_BASIC_LIMIT_INFORMATION: 64,
    w.JOBOBJECT_EXTENDED_LIMIT_INFORMATION: 144,
}
PIPE = 0x7FF6_0000_0100
"""A handle, and a long one, so that nothing may cut it."""


def content(place: Any, size: int) -> bytes:
    """The bytes that an argument points at."""
    found = place if not hasattr(place, "_obj") else place._obj
    return ctypes.string_at(ctypes.addressof(found), size)


def text(place: Any) -> str:
    """A text as Windows reads it: to the first zero."""
    raw = bytes(place.raw)
    assert raw[-2:] == b"\0\0"
    return raw.decode("utf-16-le").split("\0")[0]


class Fake:
    """Windows, as far as it is documented. ``fails`` names the function that says no, at its ``nth`` call."""

    def __init__(self, fails: str = "", nth: int = 1, contained: bool = True, stale: bool = False) -> None:
        self.fails = fails
        self.nth = nth
        self.contained = contained
        self.profiles: set[str] = {"klapp.worker.0"} if stale else set()
        self.calls: list[str] = []
        self.counts: Counter[str] = Counter()
        self.open: dict[int, str] = {}
        self.sids: set[int] = set()
        self.lists: set[int] = set()
        self.attributes: dict[int, bytes] = {}
        self.limits: dict[int, bytes] = {}
        self.inheritable: set[int] = set()
        self.started: dict[str, Any] = {}
        self.running = False
        self.suspended = True
        self.in_job = False
        self.integrity: Any = None
        self._next = 0x7FF6_0000_1000

    def library(self, name: str) -> Any:
        class Library:
            pass

        for function in w.PROTOTYPES[name]:
            setattr(Library, function, Function(self, function))
        return Library()

    def handle(self, what: str) -> int:
        self._next += 4
        self.open[self._next] = what
        return self._next

    def value(self, handle: Any) -> int:
        found = handle.value if isinstance(handle, ctypes.c_void_p) else handle
        assert found in self.open, f"no open handle: {found}"
        return int(found)

    def left(self) -> Any:
        return self.open, self.sids, self.lists, self.profiles, self.inheritable, self.running

    # -- what each does -----------------------------------------------------------------------------------------------

    def GetCurrentProcess(self) -> int:
        return 0xFFFF_FFFF_FFFF_FFFF

    def CloseHandle(self, handle: Any) -> int:
        if self.open.pop(self.value(handle)) == "job":
            self.running = self.running and not self.in_job
        return 1

    def SetHandleInformation(self, handle: int, mask: int, flags: int) -> int:
        assert mask == 1
        (self.inheritable.add if flags else self.inheritable.discard)(handle)
        return 1

    def CreateJobObjectW(self, security: None, name: None) -> int:
        assert (security, name) == (None, None)
        return self.handle("job")

    def SetInformationJobObject(self, job: int, kind: int, place: Any, size: int) -> int:
        assert self.open[job] == "job"
        assert size == {9: 144, 4: 4}[kind]
        self.limits[kind] = content(place, size)
        return 1

    def AssignProcessToJobObject(self, job: int, process: int) -> int:
        assert (self.open[job], self.open[process]) == ("job", "process")
        assert self.suspended
        self.in_job = True
        return 1

    def TerminateJobObject(self, job: int, code: int) -> int:
        assert self.open[job] == "job"
        self.running = self.running and not self.in_job
        return 1

    def TerminateProcess(self, process: int, code: int) -> int:
        assert self.open[process] == "process"
        self.running = False
        return 1

    def ResumeThread(self, thread: int) -> int:
        assert self.open[thread] == "thread"
        assert self.in_job, "it would run before it is held"
        self.suspended = False
        return 1

    def WaitForSingleObject(self, process: int, milliseconds: int) -> int:
        assert self.open[process] == "process"
        if milliseconds == 0:
            return 258 if self.running else 0
        assert 0 < milliseconds < 0xFFFF_FFFF
        return 0

    def InitializeProcThreadAttributeList(self, memory: Any, count: int, flags: int, size: Any) -> int:
        assert flags == 0
        if memory is None:
            size._obj.value = 24 + 24 * count
            return 0  # with ERROR_INSUFFICIENT_BUFFER
        assert len(memory) >= size._obj.value == 24 + 24 * count
        self.lists.add(ctypes.addressof(memory))
        return 1

    def UpdateProcThreadAttribute(self, memory: Any, flags: int, name: int, place: Any, size: int, *rest: Any) -> int:
        assert ctypes.addressof(memory) in self.lists
        assert (flags, rest) == (0, (None, None))
        self.attributes[name] = content(place, size)
        return 1

    def DeleteProcThreadAttributeList(self, memory: Any) -> None:
        self.lists.remove(ctypes.addressof(memory))

    def OpenProcessToken(self, process: int, access: int, out: Any) -> int:
        if process == 0xFFFF_FFFF_FFFF_FFFF:
            assert access == 0x8B
        else:
            assert self.open[process] == "process"
            assert access == 0x8
        out._obj.value = self.handle("token")
        return 1

    def CreateRestrictedToken(self, token: Any, flags: int, count: int, sids: Any, *rest: Any) -> int:
        assert self.open[self.value(token)] == "token"
        assert (flags, count) == (1, 1)
        disabled = sids._obj
        assert ctypes.string_at(disabled.Sid, 2) == bytes([1, 26])
        assert disabled.Attributes == 0
        *none, out = rest
        assert none == [0, None, 0, None]
        out._obj.value = self.handle("restricted")
        return 1

    def CreateWellKnownSid(self, kind: int, domain: None, place: Any, size: Any) -> int:
        assert size._obj.value == len(place) == 68
        place[0], place[1] = b"\1", bytes([kind])
        return 1

    def SetTokenInformation(self, token: Any, kind: int, place: Any, size: int) -> int:
        assert self.open[self.value(token)] == "restricted"
        assert kind == 25
        assert size >= 16 + 12
        label = place._obj
        self.integrity = ctypes.string_at(label.Sid, 2), label.Attributes
        return 1

    def GetTokenInformation(self, token: Any, kind: int, place: Any, size: int, out: Any) -> int:
        assert (kind, size) == (29, 4)
        place._obj.value = int(self.contained)
        return 1

    def FreeSid(self, sid: int) -> None:
        self.sids.remove(sid)

    def CreateProcessAsUserW(self, *given: Any) -> int:
        token, program, line, process, thread, inherits, flags, environment, folder, startup, made = given
        assert self.open[token] == "restricted"
        assert self.integrity == (bytes([1, 66]), 0x20)
        assert (process, thread, inherits) == (None, None, True)
        info = startup._obj
        assert info.StartupInfo.cb == 112
        assert info.lpAttributeList in self.lists
        assert (info.StartupInfo.hStdInput, info.StartupInfo.hStdOutput, info.StartupInfo.hStdError) == (None,) * 3
        assert info.StartupInfo.dwFlags == 0x100
        self.started = {
            "program": text(program),
            "line": text(line),
            "flags": flags,
            "environment": bytes(environment.raw).decode("utf-16-le"),
            "folder": text(folder),
            "inheritable": set(self.inheritable),
        }
        self.running, self.suspended, self.in_job = True, True, False
        made._obj.hProcess, made._obj.hThread = self.handle("process"), self.handle("thread")
        return 1

    def CreateAppContainerProfile(
        self, name: Any, shown: Any, told: Any, capabilities: Any, count: int, out: Any
    ) -> int:
        assert (capabilities, count) == (None, 0)
        if text(name) in self.profiles:
            return 0x800700B7 - (1 << 32)
        self.profiles.add(text(name))
        sid = ctypes.create_string_buffer(b"\1\x08", 68)
        self.kept = sid
        out._obj.value = ctypes.addressof(sid)
        self.sids.add(out._obj.value)
        return 0

    def DeleteAppContainerProfile(self, name: Any) -> int:
        assert not self.running
        self.profiles.discard(text(name))
        return 0


class Function:
    """One function: it takes only what its prototype says, and gives it to the fake."""

    def __init__(self, fake: Fake, name: str) -> None:
        self.fake = fake
        self.name = name
        self.argtypes: tuple[Any, ...] = ()
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> Any:
        assert len(arguments) == len(self.argtypes), self.name
        for kind, argument in zip(self.argtypes, arguments, strict=True):
            kind.from_param(argument)
        fake = self.fake
        fake.calls.append(self.name)
        fake.counts[self.name] += 1
        sizes = self.name == "InitializeProcThreadAttributeList" and arguments[0] is None
        if self.name == fake.fails and fake.counts[self.name] == fake.nth and not sizes:
            return {"ResumeThread": 0xFFFF_FFFF, "CreateAppContainerProfile": 0x80070005 - (1 << 32)}.get(self.name, 0)
        return getattr(fake, self.name)(*arguments)


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMROOT", "C:\\Windows")
    monkeypatch.setenv("SECRET", "secret")
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.delenv("TZDIR", raising=False)


def started(fake: Fake) -> contained.Held:
    program = "C:\\Program Files\\klapp\\python.exe"
    return contained.contain(w.Windows(fake.library), "klapp.worker.0", [program, "-I", "-c", 'say("a b")'], PIPE)


@pytest.mark.parametrize("structure", SIZES)
def test_structures_are_as_long_as_windows_has_them(structure: type[ctypes.Structure]) -> None:
    assert ctypes.sizeof(structure) == SIZES[structure]


def test_a_process_is_held_before_its_first_instruction(environ: None) -> None:
    fake = Fake()
    held = started(fake)
    order = [name for name in fake.calls if name in ("CreateProcessAsUserW", "AssignProcessToJobObject", "GetTokenInformation", "ResumeThread")]  # fmt: skip
    assert order == ["CreateProcessAsUserW", "AssignProcessToJobObject", "GetTokenInformation", "ResumeThread"]
    assert fake.started == {
        "program": "C:\\Program Files\\klapp\\python.exe",
        "line": '"C:\\Program Files\\klapp\\python.exe" -I -c "say(\\"a b\\")"',
        "flags": 0x4 | 0x400 | 0x80000 | 0x8000000,
        "environment": "SYSTEMROOT=C:\\Windows\0\0",
        "folder": "C:\\Windows",
        "inheritable": {PIPE},
    }
    assert sorted(fake.open.values()) == ["job", "process"]
    assert not fake.sids | fake.lists | fake.inheritable
    assert (fake.running, fake.suspended, fake.in_job) == (True, False, True)
    held.end()
    assert fake.left() == ({}, set(), set(), set(), set(), False)


def test_what_it_is_held_by(environ: None) -> None:
    fake = Fake()
    started(fake)
    assert set(fake.attributes) == {0x20002, 0x20007, 0x20009, 0x2000E}
    assert fake.attributes[0x20002] == PIPE.to_bytes(8, "little")  # this handle, and no other
    assert fake.attributes[0x2000E] == b"\1\0\0\0"
    container = w.SECURITY_CAPABILITIES.from_buffer_copy(fake.attributes[0x20009])
    assert ctypes.string_at(container.AppContainerSid, 2) == b"\1\x08"
    assert (container.Capabilities, container.CapabilityCount, container.Reserved) == (None, 0, 0)
    assert int.from_bytes(fake.attributes[0x20007], "little") == 0x1111_0001_0111_1101
    limits = w.JOBOBJECT_EXTENDED_LIMIT_INFORMATION.from_buffer_copy(fake.limits[9])
    basic = limits.BasicLimitInformation
    assert basic.LimitFlags == 0x2 | 0x8 | 0x100 | 0x400 | 0x2000  # and neither way to break away from the job
    assert basic.ActiveProcessLimit == 1
    assert basic.PerProcessUserTimeLimit == 3600 * 10**7
    assert limits.ProcessMemoryLimit == 5 << 30
    assert fake.limits[4] == b"\xff\0\0\0"


REFUSALS = [
    ("CreateJobObjectW", 1),
    ("SetInformationJobObject", 1),
    ("SetInformationJobObject", 2),
    ("CreateAppContainerProfile", 1),
    ("OpenProcessToken", 1),
    ("OpenProcessToken", 2),
    ("CreateWellKnownSid", 1),
    ("CreateWellKnownSid", 2),
    ("CreateRestrictedToken", 1),
    ("SetTokenInformation", 1),
    ("InitializeProcThreadAttributeList", 2),
    *(("UpdateProcThreadAttribute", number) for number in range(1, 5)),
    ("SetHandleInformation", 1),
    ("CreateProcessAsUserW", 1),
    ("AssignProcessToJobObject", 1),
    ("GetTokenInformation", 1),
    ("ResumeThread", 1),
]


@pytest.mark.parametrize(("name", "nth"), REFUSALS)
def test_whatever_is_refused_nothing_runs_and_nothing_is_left(name: str, nth: int, environ: None) -> None:
    fake = Fake(name, nth)
    with pytest.raises(w.Refused, match=rf"can not be started \({name}: "):
        started(fake)
    assert fake.counts[name] >= nth
    assert fake.left() == ({}, set(), set(), set(), set(), False)
    assert fake.suspended


def test_a_process_that_windows_left_outside_of_its_container_never_runs(environ: None) -> None:
    fake = Fake(contained=False)
    with pytest.raises(w.Refused, match="did not put it into its container"):
        started(fake)
    assert fake.left() == ({}, set(), set(), set(), set(), False)
    assert "ResumeThread" not in fake.calls


def test_what_a_killed_agent_left_is_taken_away(environ: None) -> None:
    fake = Fake(stale=True)
    started(fake).end()
    assert fake.counts["CreateAppContainerProfile"] == 2
    assert fake.profiles == set()


def test_texts_for_windows() -> None:
    assert w.wide("ä😀\ud800").raw == "ä😀".encode("utf-16-le") + b"\x00\xd8" + b"\0\0"
    with pytest.raises(ValueError, match="zero"):
        w.wide("a\0b")


def test_an_environment_without_anything_has_two_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in contained.PASSED_ON:
        monkeypatch.delenv(name, raising=False)
    assert contained.environment().raw == b"\0\0\0\0"


def name(number: int) -> str:
    return f"klapp.worker.{os.getpid()}.{number}"


# -- the starter ------------------------------------------------------------------------------------------------------


@pytest.fixture
def starter() -> tuple[contained.Contained, Fake]:
    fake = Fake()
    return contained.Contained(api=w.Windows(fake.library)), fake


def test_workers_at_one_time_have_containers_of_their_own(starter: tuple[contained.Contained, Fake]) -> None:
    made, fake = starter
    assert not made.opens_folders
    first, second = made.launch(0), made.launch(0)
    assert fake.profiles == {name(0), name(1)}
    first.end()
    third = made.launch(0)
    assert fake.profiles == {name(0), name(1)}
    for worker in (second, third):
        worker.end()
    assert fake.open == {}


def test_a_worker_is_told_which_handle_is_its_pipe_and_nothing_else(
    starter: tuple[contained.Contained, Fake], environ: None
) -> None:
    made, fake = starter
    worker = made.launch(0)
    handle = int.from_bytes(fake.attributes[0x20002], "little")
    assert f"main_over_pipe('klapp.worker', {handle})" in fake.started["line"]
    assert "secret" not in repr(fake.started)
    assert fake.started["program"] == getattr(sys, "_base_executable", sys.executable)
    with pytest.raises(Lost, match="ended"):  # the other end is closed here, and nobody has it
        worker.channel.receive(10)
    worker.end()


def test_documents_are_read_in_a_container_of_their_own(monkeypatch: pytest.MonkeyPatch, environ: None) -> None:
    fake = Fake()
    monkeypatch.setattr(w, "_library", fake.library)
    process = reader_side._contained()
    assert fake.profiles == {f"klapp.reader.{os.getpid()}.0"}
    assert "main_over_pipe('klapp.sandbox.reader', " in fake.started["line"]
    assert w.JOBOBJECT_EXTENDED_LIMIT_INFORMATION.from_buffer_copy(fake.limits[9]).ProcessMemoryLimit == 1 << 30
    assert process.is_running()
    fake.running = False
    assert not process.is_running()
    process.end()
    assert fake.left() == ({}, set(), set(), set(), set(), False)


def test_a_start_that_fails_is_a_lost_worker_and_its_number_is_free(environ: None) -> None:
    fake = Fake("CreateProcessAsUserW")
    made = contained.Contained(api=w.Windows(fake.library))
    before = len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0
    with pytest.raises(Lost, match="CreateProcessAsUserW"):
        made.launch(0)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
    made.launch(0).end()
    assert fake.profiles == set()


def test_a_windows_without_containers_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w, "_library", lambda name: object())
    with pytest.raises(Lost, match="has no containers"):
        contained.Contained().launch(0)


# -- names ------------------------------------------------------------------------------------------------------------

MORE = ["..\\..\\Startup\\x.exe", "a\\b", "a.txt:stream", "C:", "nul", "NUL.txt", "com1", "Com\u00b9.log", "con .x", "a.", "a ", "a\n", "lpt9"]  # fmt: skip
NAMES = ["a", "a.txt", ".a", "console", "com10", "nulls.txt", "a b", "~a", "prn_", "ä", "CONTRACT.pdf", "aux-1"]


@pytest.mark.parametrize("name", MORE)
def test_a_name_that_windows_takes_for_more_is_outside_of_every_lane(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/C:/Users/me/Out/{name}"
    lane = Lane.of([("write", "~/Out/**")], "/C:/Users/me")
    assert lane.allows("write", path)  # elsewhere it is a name as any other
    monkeypatch.setattr(patterns, "_WINDOWS", True)
    lane = Lane.of([("write", "~/Out/**")], "/C:/Users/me")
    assert not lane.allows("write", path)
    assert not lane.allows("write", f"{path}/b")
    assert not patterns.is_plain(path)
    with pytest.raises(FileError, match=r"Windows takes|more than a name") as refused:
        check_path(path)
    assert refused.value.kind == "value"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_one_stays_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_WINDOWS", True)
    assert Lane.of([("write", "~/Out/**")], "/C:/Users/me").allows("write", f"/C:/Users/me/Out/{name}")
    assert not patterns.means_more(name)


@pytest.mark.parametrize("name", MORE)
def test_no_worker_gets_such_a_path_past_the_agent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_WINDOWS", True)
    bounds = Confinement.of([("read", "~/Out/**")], "/C:/Users/me")
    with pytest.raises(FileError):
        answer(["look", f"/C:/Users/me/Out/{name}"], Overlay(Empty()), bounds)


# -- all of klapp -----------------------------------------------------------------------------------------------------

WITHOUT = """
import asyncio, getpass, importlib, multiprocessing.connection, os, pkgutil, selectors, shutil, socket, subprocess, sys, tarfile, tempfile
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "jeepney", "secretstorage"):
    sys.modules[name] = None
for name in ("O_PATH", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK", "O_TMPFILE", "geteuid", "getuid", "fork", "setsid",
             "pidfd_open", "getxattr", "setxattr", "chown", "fchown", "fchmod", "mkfifo", "statvfs"):
    if hasattr(os, name):
        delattr(os, name)
import klapp, klr
for package in (klr, klapp):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def test_every_module_is_loaded_where_nothing_of_posix_is() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
