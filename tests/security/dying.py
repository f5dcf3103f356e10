"""Workers that die at a moment that a test chose, for tests alone: a zygote started with this module forks them.

The moment is a number in the file that a worker holds as its lock. It is wiped as it is read: one worker dies of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from klapp import worker as real
from klapp.files.guarded import GuardedFiles
from klapp.sandbox.channel import Channel

warm_up = real.warm_up
PRIMITIVES = ("move", "copy", "create", "append", "truncate", "replace", "overwrite", "make_folder", "remove_folder", "sync")  # fmt: skip


def work(handle: int, lock: int) -> None:
    fatal = int(os.pread(lock, 20, 0) or b"0")
    os.ftruncate(lock, 0)
    passed = 0

    def cross() -> None:
        nonlocal passed
        passed += 1
        if passed == fatal:
            os._exit(9)

    def edged(act: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            cross()
            answer = act(*arguments, **named)
            cross()
            return answer

        return guarded

    for owner, names in ((GuardedFiles, PRIMITIVES), (Channel, ("send",))):
        for name in names:
            setattr(owner, name, edged(getattr(owner, name)))
    real.work(handle, lock)
