"""A memory for answers that differ much in size: bounded by the weight of what it holds, the longest unused forgotten first."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Remembered(Generic[Key, Answer]):
    """A function of one argument whose answers are kept, as long as those kept weigh at most ``most`` together.

    ``weight`` says what an answer weighs, from its key. What weighs more than a quarter of all is answered and not
    kept, so that one large question does not drive out all others. Errors are not remembered. Threads may share it.
    """

    def __init__(self, answer: Callable[[Key], Answer], weight: Callable[[Key], int], most: int) -> None:
        self._answer, self._weight, self._most = answer, weight, most
        self._held = 0
        self._clock = count()
        self._known: dict[Key, tuple[Answer, list[int]]] = {}
        self._lock = Lock()

    def __call__(self, key: Key) -> Answer:
        # One look-up, because to hash a large key is most of what an answer costs.
        known = self._known.get(key)
        if known is not None:
            known[1][0] = next(self._clock)
            return known[0]
        found = self._answer(key)
        if self._weight(key) * 4 <= self._most:
            with self._lock:
                self._keep(key, found)
        return found

    def _keep(self, key: Key, found: Answer) -> None:
        if key not in self._known:
            self._held += self._weight(key)
        self._known[key] = found, [next(self._clock)]
        if self._held > self._most:
            # Room for a while, so that the longest unused need not be looked for at each new answer.
            for old in sorted(self._known, key=lambda one: self._known[one][1]):
                if self._held <= self._most * 3 // 4:
                    break
                del self._known[old]
                self._held -= self._weight(old)

    def forget(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._known.clear()
            self._held = 0
