"""Workers with a planted bug, for tests alone: a zygote started with this module forks them instead of the real ones.

One runs whatever Python it is sent, as if a hostile file had got hold of it. The others tell the agent lies; the name of
the coworker that they serve says which.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from contextlib import suppress
from typing import Any

from klapp import worker as real
from klapp.engine.worker import Worker
from klapp.lane import Lane
from klapp.sandbox.channel import HEADER, Channel, Lost
from klapp.vocabulary import VOCABULARY
from klr.vocabulary import Permission

warm_up = real.warm_up


def work(handle: int, lock: int) -> None:
    with suppress(Lost):
        Planted(Channel(handle), lock, VOCABULARY).serve()


def serve(channel: Channel) -> None:
    with suppress(Lost):
        Planted(channel, None, VOCABULARY).serve()


libc = ctypes.CDLL(None, use_errno=True)


def call(*arguments: Any) -> int:
    """A system call, by its number."""
    answer = int(libc.syscall(*arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return answer


class Planted(Worker):
    """Does what a real worker does until told otherwise."""

    def begin(self, told: Any) -> None:
        super().begin(told)
        self.jobs["python"] = self.python
        name = told["coworker"]
        if name == "unguarded":
            switch_the_guard_off()
        elif name in LIES:
            self.jobs.update(LIES[name](self))

    def python(self, told: Any) -> None:
        """Evaluate expressions; tell for each the errno that it met, 0 for none."""
        space: dict[str, Any] = {"call": call, "json": json, **told["values"]}
        exec(told["before"], space)
        met = {}
        for name, attack in told["attacks"].items():
            try:
                eval(attack, space)
            except (OSError, RuntimeError, ValueError, MemoryError) as error:
                met[name] = getattr(error, "errno", None) or type(error).__name__
            else:
                met[name] = 0
        self.channel.send(met)


def switch_the_guard_off() -> None:
    """From now on every lane of this process allows everything."""

    def root(self: Lane, permission: Permission, path: str) -> str:
        return "/"

    Lane.root = root  # type: ignore[method-assign]
    Lane.leading_root = Lane.opening_root = root  # type: ignore[method-assign]


# -- lies -------------------------------------------------------------------------------------------------------------


def _wish(*steps: dict[str, Any], **more: Any) -> Any:
    """A plan of one run with these steps."""
    act = {"act": "make folder", "with": ["/x"], "line": 1, "steps": list(steps), "answer": None}
    return {"effects": [act], "outcome": "done", "reason": "", **more}


def _telling(*runs: Any) -> Any:
    def lie(worker: Worker) -> Any:
        def plan(told: Any) -> None:
            worker.channel.send({"runs": list(runs)})
            worker.channel.send({"end": True})

        return {"plan": plan}

    return lie


def _saying(data: bytes) -> Any:
    def lie(worker: Worker) -> Any:
        return {"plan": lambda told: os.write(worker.channel.handle, data)}

    return lie


def _doing(what: Any) -> Any:
    return lambda worker: {"steps": lambda told: what(worker, told)}


def _dead(*_: Any) -> None:
    os._exit(0)


def _hung(*_: Any) -> None:
    while True:
        time.sleep(60)


def _lazy(worker: Worker, told: Any) -> None:
    worker.channel.send({"done": [0] * (told["to"] - told["from"]), "refused": None, "end": True})


def _half(worker: Worker, told: Any) -> None:
    """Does the first half of what it should, and dies."""
    worker.channel.send = lambda message: None  # type: ignore[method-assign,assignment]
    worker.do(told | {"to": (told["from"] + told["to"]) // 2})
    os._exit(0)


VERSION = [1, 2, 3, 4]
OUTSIDE = {"do": "make folder", "path": "/tmp/klapp-outside"}
LIES: dict[str, Any] = {
    "outside": _telling(_wish(OUTSIDE)),
    "above": _telling(_wish({"do": "create", "path": "/root/../tmp/klapp-outside", "content": "x"})),
    "no verb": _telling(_wish({"do": "truncate", "path": "/x", "size": 0, "tail": "", "stamp": 0, "identity": VERSION})),
    "no operation": _telling(_wish({"do": "format", "path": "/"})),
    "a trash elsewhere": _telling(_wish({"do": "trash", "path": "/etc/passwd", "identity": VERSION, "token": "[]"})),
    "an unknown verb": _telling({"effects": [{"act": "erase", "with": [], "line": 1, "steps": [], "answer": None}], "outcome": "done", "reason": ""}),
    "an unknown question": _telling({"effects": [{"ask": "key", "of": None, "line": 1, "answer": None}], "outcome": "done", "reason": ""}),
    "more in a record": _telling({"effects": [{"ask": "files", "of": "", "line": 1, "answer": None, "x": 1}], "outcome": "done", "reason": ""}),
    "no value": _telling({"effects": [{"ask": "files", "of": "", "line": 1, "answer": {"z": 1}}], "outcome": "done", "reason": ""}),
    "a blob that is not": _telling({"effects": [{"ask": "files", "of": "", "line": 1, "blob": "00"}], "outcome": "done", "reason": ""}),
    "no outcome": _telling({"effects": [], "outcome": "won", "reason": ""}),
    "no reason": _telling({"effects": [], "outcome": "done", "reason": {}}),
    "no run": _telling([]),
    "too many runs": _telling(*[{"effects": [], "outcome": "done", "reason": ""}] * 5),
    "too few runs": _telling(),
    "noise": _saying(b"\x00" * 64),
    "no JSON": _saying(HEADER.pack(b"J", 3) + b"{{{"),
    "deep JSON": _saying(HEADER.pack(b"J", 200_000) + b"[" * 200_000),
    "endless": _saying(HEADER.pack(b"J", 0xFFFFFFFF)),
    "a list": _saying(HEADER.pack(b"J", 2) + b"[]"),
    "asks for a key": lambda worker: {"plan": lambda told: (worker.channel.send({"ask": "key", "with": 1}), worker.channel.send_bytes(b""))},
    "dies planning": lambda worker: {"plan": _dead},
    "hangs planning": lambda worker: {"plan": _hung},
    "dies": _doing(_dead),
    "hangs": _doing(_hung),
    "dies halfway": _doing(_half),
    "no product": _doing(lambda worker, told: worker.channel.send({"done": ["x"], "refused": None, "end": True})),
    "too many steps": _doing(lambda worker, told: worker.channel.send({"done": [0] * 99, "refused": None, "end": True})),
    "too few steps": _doing(lambda worker, told: worker.channel.send({"done": [], "refused": None, "end": True})),
    "lazy": _doing(_lazy),
}  # fmt: skip
