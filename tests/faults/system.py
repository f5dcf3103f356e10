"""A layer between klapp's operations and the system, at which any one call can be made to fail, cut short, or be the last.

It stands in for the functions of ``os`` that ``klapp.files`` and the vault's sealed files call, for those of the C
library that ``klapp.files.handles`` calls, and for the file objects that they open. Calls of anybody else pass through.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from klapp.audit.log import Log
from klapp.audit.tree import StoredTree
from klapp.files import handles

CHANGING = ("open", "rename", "replace", "link", "unlink", "mkdir", "rmdir", "ftruncate", "write", "pwrite", "copy_file_range", "fchown", "fsync", "utime", "fchmod", "setxattr")  # fmt: skip
ASKING = ("stat", "fstat", "read", "pread", "lseek", "getxattr", "listxattr", "scandir")
OURS = ("klapp.files", "klapp.vault.sealed", "klapp.vault.header", "tests.faults.system")
RAISED = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EINTR", "EACCES", "EROFS", "ESTALE")}
SHORT, KILL, KILL_AT_LOG, KILL_AT_MOMENT = "short", "kill", "kill at the log", "kill at a moment"
FAULTS = (*RAISED, SHORT)
KILLS = (KILL, KILL_AT_LOG, KILL_AT_MOMENT)
MOMENT = 0.0001
"""Seconds from one moment to the next at which a process may be killed, whatever it is doing."""


class System:
    """Counts the calls that klapp's files make of the system; has something befall the one numbered ``fatal``, from 1.

    Attributes:
        calls: how many there were.
        name: of the call that something befell; "" where there was none.
    """

    def __init__(self, fatal: int = 0, fault: str = "EIO", *, changing: bool = False) -> None:
        """``fault`` is the name of an error, ``SHORT`` (reads and writes half of it, or else EIO), or one of ``KILLS``:
        at a call, at a boundary of the log (before a transaction, in it with all written, and behind it), or so many
        moments after the start. With ``changing``, only calls that may change something are counted."""
        self.fatal = fatal
        self.fault = fault
        self.changing = changing
        self.calls = 0
        self.name = ""

    def befalls(self, name: str, *, changes: bool, divisible: bool = False) -> bool:
        """Count a call. Raises OSError where it is to fail; True where it is to do half of its work."""
        if self.changing and not changes:
            return False
        self.calls += 1
        if self.calls != self.fatal:
            return False
        self.name = name
        if self.fault in KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == SHORT and divisible:
            return True
        number = RAISED.get(self.fault, errno.EIO)
        raise OSError(number, os.strerror(number))

    @contextmanager
    def installed(self) -> Iterator[System]:
        """Stand between klapp and the system for as long as the context lasts."""
        if self.fault == KILL_AT_MOMENT:
            signal.setitimer(signal.ITIMER_REAL, self.fatal * MOMENT)  # nobody handles it, so it ends the process
            yield self
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        if self.fault == KILL_AT_LOG:
            with patch.object(Log, "append", self._append), patch.object(StoredTree, "grow", self._grown):
                yield self
            return
        handles.has_openat2()  # asked once in a process
        with ExitStack() as stack:
            for name in (*CHANGING, *ASKING):
                if hasattr(os, name):
                    stack.enter_context(patch.object(os, name, self._around(name, getattr(os, name))))
            stack.enter_context(patch.object(os, "fdopen", self._opened(os.fdopen)))
            stack.enter_context(patch.object(handles, "_libc", self._libc(handles._libc)))
            for kind in ("supports_fd", "supports_dir_fd", "supports_follow_symlinks"):
                known = getattr(os, kind)
                more = {getattr(os, n) for n in (*CHANGING, *ASKING) if getattr(getattr(os, n, None), "real", None) in known}  # fmt: skip
                stack.enter_context(patch.object(os, kind, known | more))
            yield self

    def _around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            if not sys._getframe(1).f_globals.get("__name__", "").startswith(OURS):
                return real(*arguments, **named)
            changes = name in CHANGING
            if name == "open":
                changes = bool(arguments[1] & (os.O_CREAT | getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY))
            if self.befalls(name, changes=changes, divisible=name in ("read", "pread", "write", "pwrite")):
                what, *rest = arguments[1:]
                half = what // 2 or 1 if isinstance(what, int) else what[: len(what) // 2 or 1]
                return real(arguments[0], half, *rest)
            return real(*arguments, **named)

        called.real = real  # type: ignore[attr-defined]  # so that os.supports_fd and its like can be asked
        return called

    @property
    def _append(self) -> Callable[..., None]:
        real = Log.append

        def append(log: Log, *arguments: Any) -> None:
            self.befalls("log", changes=True)
            real(log, *arguments)
            self.befalls("log", changes=True)

        return append

    @property
    def _grown(self) -> Callable[..., None]:
        real = StoredTree.grow

        def grow(tree: StoredTree, *arguments: Any) -> None:
            real(tree, *arguments)
            self.befalls("log", changes=True)

        return grow

    def _libc(self, real: Callable[[str], Any]) -> Callable[[str], Any]:
        def found(name: str) -> Any:
            function = real(name)
            if function is None:
                return None

            def called(*arguments: Any) -> int:
                try:
                    self.befalls(name, changes=name == "renameat2")
                except OSError as error:
                    import ctypes

                    ctypes.set_errno(error.errno or 0)
                    return -1
                return int(function(*arguments))

            return called

        return found

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: int, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if not sys._getframe(1).f_globals.get("__name__", "").startswith(OURS) or mode not in ("wb", "w+b"):
                return real(file, mode, *rest, **named)
            # "w" would cut the file again; these are fresh ones. Both kinds can be read back.
            return (
                io.BufferedRandom(_File(file, "r+b", self))
                if mode == "w+b"
                else io.BufferedWriter(_File(file, "wb", self))
            )

        return opened


class _File(io.FileIO):
    """A file whose reads and writes are calls of the system like any other."""

    def __init__(self, file: int, mode: str, system: System) -> None:
        super().__init__(file, mode)
        self._system = system

    def write(self, data: Any, /) -> int:
        if self._system.befalls("write", changes=True, divisible=True):
            return super().write(memoryview(data)[: len(data) // 2 or 1])
        return super().write(data)

    def readinto(self, buffer: Any, /) -> int:
        if self._system.befalls("read", changes=False, divisible=True):
            return super().readinto(memoryview(buffer)[: len(buffer) // 2 or 1])
        return super().readinto(buffer)
