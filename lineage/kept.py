"""Answers kept for a few seconds: what many ask at once is worked out once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Slot(Generic[V]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: tuple[float, V] | None = None


class Kept(Generic[K, V]):
    """At most `most` answers, each for `keep_s` seconds. Who asks for one that is being made waits for it."""

    def __init__(self, *, keep_s: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[K, _Slot[V]] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The answer to `key`, made anew when it is missing or too old. What `make` raises is raised, and not kept."""
        slot = self._slot(key)
        with slot.lock:
            if slot.made is None or self._clock() - slot.made[0] >= self._keep_s:
                slot.made = (self._clock(), make())
            return slot.made[1]

    def _slot(self, key: K) -> _Slot[V]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot
