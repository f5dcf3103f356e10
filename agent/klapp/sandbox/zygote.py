"""The process that workers are forked from: Python with the language loaded, and nothing that is anybody's.

It is started afresh, never as a copy of the agent, with no environment but what tells the time zone. It has one thread
and two things to do: to fork a worker for each handle that the agent sends, and to bury those that ended. It dies with
the agent, and its workers die with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from contextlib import suppress
from types import ModuleType
from typing import NoReturn

from klapp.sandbox.entry import READY, become, loaded, own_input

FORK, BURY = b"f", b"b"


def main(entry: str) -> None:
    """Serve the agent. ``entry`` names the worker's module, see ``klapp.sandbox.entry``."""
    worker = loaded(entry)
    control = socket.socket(fileno=own_input())
    control.sendall(READY)
    while True:
        request, handles, _, _ = socket.recv_fds(control, 1 + 4, 2)
        if not request:
            return
        if request[:1] == FORK and len(handles) == 2:
            number = os.fork()
            if number == 0:
                _be_worker(worker, control, *handles)
            for handle in handles:
                os.close(handle)
            control.sendall(number.to_bytes(4, "big"))
        elif request[:1] == BURY:
            with suppress(ChildProcessError):
                os.waitpid(int.from_bytes(request[1:5], "big"), 0)
            control.sendall(bytes(4))


def _be_worker(worker: ModuleType, control: socket.socket, handle: int, lock: int) -> NoReturn:
    """Become a worker: nothing of the zygote's is left but what it had loaded."""
    control.close()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: it ends when the zygote does
        if os.getppid() == 1:
            os._exit(1)
    become(worker, handle, lock)
