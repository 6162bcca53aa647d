"""The bodies in flight: one bound for all of them together, so that many large requests cannot fill the memory."""

from threading import Lock
from types import TracebackType
from typing import Self

from collector import metrics
from collector.errors import Overloaded


class HeldBytes:
    """Counts the bytes that requests hold between their first byte and their answer."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = Lock()  # parser threads take too

    def hold(self) -> "Hold":
        return Hold(self)

    def add(self, size: int) -> None:
        """Raises Overloaded, and adds nothing, beyond the bound."""
        with self._lock:
            if self._bytes + size > self._max_bytes:
                raise Overloaded("too many requests are in flight; send it again later")
            self._bytes += size
            metrics.held_bytes.set(self._bytes)

    def remove(self, size: int) -> None:
        with self._lock:
            self._bytes -= size
            metrics.held_bytes.set(self._bytes)


class Hold:
    """One request's share; given back when its `with` block ends."""

    def __init__(self, held: HeldBytes) -> None:
        self._held = held
        self._bytes = 0

    def take(self, size: int) -> None:
        self._held.add(size)
        self._bytes += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.remove(self._bytes)
        self._bytes = 0
