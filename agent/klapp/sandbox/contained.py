"""Workers on Windows: each in an AppContainer without a capability, in a job of its own, and spoken to over one pipe.

An AppContainer reaches no file, no network, no window and no other process but what names it, and klapp lets nothing
name it: no folder's rules are changed. So these workers open no files; they ask (``klapp.engine.asked``). On Windows
a sandbox has to be there before the process is, which suits this: a worker that is warm belongs to no coworker yet.

It has never been run on Windows. Tests elsewhere hold what it asks for against what Microsoft documents.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from klapp.sandbox import windows as w
from klapp.sandbox.channel import Channel, Lost, PipeChannel
from klapp.sandbox.launch import PASSED_ON, START_PATIENCE, WORKER, Process, command

MEMORY, READERS_MEMORY = 5 << 30, 1 << 30
"""Bytes that a worker, and the reader of documents, may have committed."""
SECONDS = 3600
"""Of processor time."""
NAME, READER = "klapp.worker", "klapp.reader"
_TICKS = 10_000_000
"""Of 100 ns, in a second."""


class Contained:
    """Starts workers in containers. Safe to use from several threads.

    Each worker that runs has a container of its own, for two processes of one container could open each other. They
    are called after this process and numbered. What is left of an agent that was killed is empty, and is taken away by
    the next one that has its number.
    """

    opens_folders = False

    def __init__(
        self, entry: str = WORKER, api: w.Windows | None = None, *, name: str = NAME, memory: int = MEMORY
    ) -> None:
        self._entry = entry
        self._memory = memory
        self._name = f"{name}.{os.getpid()}"
        self._api = api
        self._lock = threading.Lock()
        self._taken: set[int] = set()

    def launch(self, lock: int) -> Process:
        """As in ``Launcher``. A worker that changes nothing needs no lock."""
        return self.started()

    def started(self) -> InContainer:
        """A process that runs ``entry``. Raises Lost."""
        from multiprocessing.connection import Pipe

        with self._lock:
            try:
                api = self._api = self._api or w.Windows()
            except (AttributeError, OSError):
                raise Lost("can not be started (this Windows has no containers)") from None
            number = next(number for number in range(len(self._taken) + 1) if number not in self._taken)
            self._taken.add(number)
        ours, theirs = Pipe()
        try:
            handle = theirs.fileno()
            code = f"from klapp.sandbox.entry import main_over_pipe; main_over_pipe({self._entry!r}, {handle})"
            held = contain(api, f"{self._name}.{number}", python(code), handle, self._memory)
        except (w.Refused, OSError) as error:
            ours.close()
            self._free(number)
            raise Lost(str(error) if isinstance(error, w.Refused) else "can not be started") from None
        finally:
            theirs.close()
        return InContainer(held, PipeChannel(ours, held.kill, START_PATIENCE), lambda: self._free(number))

    def close(self) -> None:
        """Nothing is kept."""

    def _free(self, number: int) -> None:
        with self._lock:
            self._taken.discard(number)


class InContainer:
    """A process that runs in its container, and the channel to it."""

    def __init__(self, held: Held, channel: PipeChannel, free: Callable[[], None]) -> None:
        self.channel: Channel = channel
        self._held = held
        self._free = free

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self._held.is_running()

    def end(self) -> None:
        self._held.end()
        self.channel.close()
        self._free()


@dataclass(slots=True)
class Held:
    """A process in its container and job. Whoever lets go of the job, even by dying, ends the process."""

    api: w.Windows
    name: str
    process: int
    job: int

    def kill(self) -> None:
        """End it; may be called from any thread while it is not let go of."""
        self.api.ask("TerminateJobObject", self.job, 1)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return bool(self.api.ask("WaitForSingleObject", self.process, 0) == w.WAIT_TIMEOUT)

    def end(self) -> None:
        """End it, wait until it is gone, and take its container away."""
        self.kill()
        self.api.ask("WaitForSingleObject", self.process, int(START_PATIENCE * 1000))
        for handle in (self.process, self.job):
            self.api.ask("CloseHandle", handle)
        self.api.ask("DeleteAppContainerProfile", w.wide(self.name))


def python(code: str) -> list[str]:
    """How a Python is started that may start no other: not by the small program of a virtual environment, which does."""
    found = [path for path in sys.path if path and os.path.exists(path)]
    executable = str(getattr(sys, "_base_executable", sys.executable))
    return [executable, *command(code, tuple(found))[1:]]


def contain(api: w.Windows, name: str, arguments: Sequence[str], inherited: int, memory: int = MEMORY) -> Held:
    """Start a program that inherits one handle, in a container that holds it before its first instruction. It may
    commit ``memory`` bytes. Raises Refused; then nothing of it is left."""
    with ExitStack() as undo:
        job = api.must("CreateJobObjectW", None, None)
        undo.callback(api.ask, "CloseHandle", job)
        _limit(api, job, memory)
        sid = _container(api, name)
        undo.callback(api.ask, "DeleteAppContainerProfile", w.wide(name))
        try:
            with _restricted_token(api) as token, _attributes(api, sid, inherited) as attributes:
                made = _create(api, token, attributes, arguments, inherited)
        finally:
            api.ask("FreeSid", sid)
        undo.callback(api.ask, "CloseHandle", made.hProcess)
        try:
            undo.callback(api.ask, "TerminateProcess", made.hProcess, 1)
            api.must("AssignProcessToJobObject", job, made.hProcess)
            if not _is_contained(api, made.hProcess):
                raise w.Refused("can not be started (Windows did not put it into its container)")
            if api.ask("ResumeThread", made.hThread) == 0xFFFFFFFF:
                raise w.Refused(f"can not be started (ResumeThread: {w.last_error()})")
        finally:
            api.ask("CloseHandle", made.hThread)
        undo.pop_all()
        return Held(api, name, made.hProcess, job)


def _limit(api: w.Windows, job: int, memory: int) -> None:
    """One process, its memory and time; it ends with the agent, and touches nothing of the desktop's."""
    limits = w.JOBOBJECT_EXTENDED_LIMIT_INFORMATION()
    basic = limits.BasicLimitInformation
    basic.LimitFlags = (
        w.JOB_OBJECT_LIMIT_PROCESS_TIME
        | w.JOB_OBJECT_LIMIT_ACTIVE_PROCESS
        | w.JOB_OBJECT_LIMIT_PROCESS_MEMORY
        | w.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
        | w.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    )
    basic.ActiveProcessLimit = 1
    basic.PerProcessUserTimeLimit = SECONDS * _TICKS
    limits.ProcessMemoryLimit = memory
    for kind, value in (
        (w.JobObjectExtendedLimitInformation, limits),
        (w.JobObjectBasicUIRestrictions, w.DWORD(w.JOB_OBJECT_UILIMIT_ALL)),
    ):
        api.must("SetInformationJobObject", job, kind, ctypes.byref(value), ctypes.sizeof(value))


def _container(api: w.Windows, name: str) -> int:
    """The SID of a container that is new: one of the same name, with all that lies in it, is taken away before."""
    sid = ctypes.c_void_p()
    texts = w.wide(name), w.wide("klapp worker"), w.wide("Holds a process of klapp that can reach nothing.")
    for _ in range(2):
        answer = api.ask("CreateAppContainerProfile", *texts, None, 0, ctypes.byref(sid))
        if answer == 0 and sid.value:
            return sid.value
        if answer != w.ALREADY_EXISTS:
            break
        api.ask("DeleteAppContainerProfile", texts[0])
    raise w.Refused(f"can not be started (CreateAppContainerProfile: {answer & 0xFFFFFFFF:#x})")


@contextmanager
def _restricted_token(api: w.Windows) -> Iterator[int]:
    """The agent's token without its privileges, without being an administrator, and of low integrity."""
    own, token = w.HANDLE(), w.HANDLE()
    wanted = w.TOKEN_ASSIGN_PRIMARY | w.TOKEN_DUPLICATE | w.TOKEN_QUERY | w.TOKEN_ADJUST_DEFAULT
    api.must("OpenProcessToken", api.ask("GetCurrentProcess"), wanted, ctypes.byref(own))
    try:
        administrators = _sid(api, w.WinBuiltinAdministratorsSid)
        disabled = w.SID_AND_ATTRIBUTES(ctypes.addressof(administrators), 0)
        one = ctypes.byref(disabled)
        flags = w.DISABLE_MAX_PRIVILEGE
        api.must("CreateRestrictedToken", own, flags, 1, one, 0, None, 0, None, ctypes.byref(token))
    finally:
        api.ask("CloseHandle", own)
    try:
        low = _sid(api, w.WinLowLabelSid)
        label = w.SID_AND_ATTRIBUTES(ctypes.addressof(low), w.SE_GROUP_INTEGRITY)
        size = ctypes.sizeof(label) + len(low)
        api.must("SetTokenInformation", token, w.TokenIntegrityLevel, ctypes.byref(label), size)
        yield token.value or 0
    finally:
        api.ask("CloseHandle", token)


def _sid(api: w.Windows, kind: int) -> ctypes.Array[ctypes.c_char]:
    sid = ctypes.create_string_buffer(w.SECURITY_MAX_SID_SIZE)
    api.must("CreateWellKnownSid", kind, None, sid, ctypes.byref(w.DWORD(len(sid))))
    return sid


@contextmanager
def _attributes(api: w.Windows, sid: int, inherited: int) -> Iterator[Any]:
    """The list of what is special about the new process: container, the one handle, no children, hardened memory."""
    values: dict[int, Any] = {
        w.PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES: w.SECURITY_CAPABILITIES(sid, None, 0, 0),
        w.PROC_THREAD_ATTRIBUTE_HANDLE_LIST: w.HANDLE(inherited),
        w.PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY: w.DWORD(w.PROCESS_CREATION_CHILD_PROCESS_RESTRICTED),
        w.PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY: ctypes.c_uint64(sum(w.MITIGATIONS.values())),
    }
    size = w.SIZE()
    api.ask("InitializeProcThreadAttributeList", None, len(values), 0, ctypes.byref(size))  # says how much it takes
    if not size.value:
        raise w.Refused(f"can not be started (InitializeProcThreadAttributeList: {w.last_error()})")
    memory = ctypes.create_string_buffer(size.value)
    api.must("InitializeProcThreadAttributeList", memory, len(values), 0, ctypes.byref(size))
    try:
        for attribute, value in values.items():
            place = ctypes.byref(value)
            api.must("UpdateProcThreadAttribute", memory, 0, attribute, place, ctypes.sizeof(value), None, None)
        yield memory  # the list holds the places of the values, which live as long as it does
    finally:
        api.ask("DeleteProcThreadAttributeList", memory)


def _create(
    api: w.Windows, token: int, attributes: Any, arguments: Sequence[str], inherited: int
) -> w.PROCESS_INFORMATION:
    """The process, before its first instruction."""
    startup = w.STARTUPINFOEX()
    startup.StartupInfo.cb = ctypes.sizeof(startup)
    startup.StartupInfo.dwFlags = w.STARTF_USESTDHANDLES  # to none
    startup.lpAttributeList = ctypes.addressof(attributes)
    flags = w.CREATE_SUSPENDED | w.CREATE_UNICODE_ENVIRONMENT | w.EXTENDED_STARTUPINFO_PRESENT | w.CREATE_NO_WINDOW
    made = w.PROCESS_INFORMATION()
    api.must("SetHandleInformation", inherited, w.HANDLE_FLAG_INHERIT, w.HANDLE_FLAG_INHERIT)
    try:
        api.must(
            "CreateProcessAsUserW",
            token,
            w.wide(arguments[0]),
            w.wide(subprocess.list2cmdline(arguments)),
            None,
            None,
            True,
            flags,
            environment(),
            w.wide(os.environ.get("SYSTEMROOT", "C:\\Windows")),
            ctypes.byref(startup),
            ctypes.byref(made),
        )
    finally:
        with suppress(w.Refused):
            api.must("SetHandleInformation", inherited, w.HANDLE_FLAG_INHERIT, 0)
    return made


def environment() -> ctypes.Array[ctypes.c_char]:
    """The environment of a worker, as Windows takes it: ordered, each with a zero behind it, and one at the end."""
    told = sorted(f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ)
    return ctypes.create_string_buffer("".join(f"{one}\0" for one in told or [""]).encode("utf-16-le") + b"\0")


def _is_contained(api: w.Windows, process: int) -> bool:
    """Whether Windows itself says that a process is in a container."""
    token, told, size = w.HANDLE(), w.DWORD(), w.DWORD()
    api.must("OpenProcessToken", process, w.TOKEN_QUERY, ctypes.byref(token))
    try:
        kind = w.TokenIsAppContainer
        api.must("GetTokenInformation", token, kind, ctypes.byref(told), ctypes.sizeof(told), ctypes.byref(size))
    finally:
        api.ask("CloseHandle", token)
    return bool(told.value)
