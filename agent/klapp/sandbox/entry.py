"""What the process of a worker does before it is one: it loads what it needs, and lets go of all that it was given.

A worker that is forked gets there through the zygote. One that is started afresh, on a system where a warm process can
not be forked safely, begins here with ``main``: warmed, it waits for a lock to keep, and is then a worker.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
from types import ModuleType
from typing import NoReturn

from klapp.sandbox.channel import PipeChannel

READY, GO = b"r", b"g"
INPUT = 0
"""The handle that a process of ours is spoken to over: the standard input."""


def main(entry: str) -> None:
    """Be a worker that was started afresh. ``entry`` names the module whose ``work(handle, lock)`` is the worker, and
    whose ``warm_up()`` loads what it needs."""
    worker = loaded(entry)
    agent = socket.socket(fileno=own_input())
    agent.sendall(READY)
    request, handles, _, _ = socket.recv_fds(agent, len(GO), 1)
    if request == GO and len(handles) == 1:
        become(worker, agent.detach(), handles[0])


def main_over_pipe(entry: str, number: int) -> None:
    """Be a worker that was started within its sandbox already, spoken to over the inherited pipe of this number. It can
    open no files; the module's ``serve(channel)`` is the worker."""
    from multiprocessing import connection

    worker = loaded(entry)
    own = "PipeConnection" if sys.platform == "win32" else "Connection"
    channel = PipeChannel(getattr(connection, own)(number))
    os.environ.clear()
    worker.serve(channel)


def loaded(entry: str) -> ModuleType:
    """The module of a worker, with all that it usually needs."""
    worker = importlib.import_module(entry)
    worker.warm_up()
    gc.collect()
    gc.freeze()  # what is there now stays; forked workers share it as long as nobody writes to it
    return worker


def own_input() -> int:
    """A handle of its own to what was the standard input; all three standard ones lead nowhere from now on."""
    handle = os.dup(INPUT)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    return handle


def become(worker: ModuleType, handle: int, lock: int) -> NoReturn:
    """Be the worker, with no environment and no folder of anybody's, until the agent is gone; then end."""
    try:
        os.setsid()
        os.environ.clear()
        os.chdir("/")
        worker.work(handle, lock)
    except BaseException:
        os._exit(1)
    os._exit(0)
