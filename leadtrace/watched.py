"""Files that people edit while leadtrace runs. Read at start, where a mistake stops the start; read again when one
changes, where a mistake keeps what was in force and is logged.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 2.0
T = TypeVar("T")


def why_unread(error: OSError | UnicodeDecodeError) -> tuple[str, str]:
    """What is wrong with a file that cannot be read, and the mend."""
    if isinstance(error, UnicodeDecodeError):
        return f"the file cannot be read: {error}", "Save it as UTF-8 text"
    return f"the file cannot be read: {error.strerror or error}", "Name a file that is there and may be read"


class Watched(Generic[T]):
    """Calling it gives what the files say now. `read` raises ValueError with a sentence for each mistake."""

    def __init__(self, what: str, files: Callable[[], Sequence[Path]], read: Callable[[], T]) -> None:
        self._read_event, self._kept_event = f"{what}_read", f"{what}_kept"
        self._files = files
        self._read = read
        self._lock = threading.Lock()
        self._stamp = self._stamped()
        self._value = read()
        self._looked = time.monotonic()

    def __call__(self) -> T:
        if time.monotonic() - self._looked > LOOK_AGAIN_S:
            with self._lock:
                self._looked = time.monotonic()
                self._look_again()
        return self._value

    def _look_again(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._value = self._read()
            log.info(self._read_event)
        except ValueError as error:
            log.error(self._kept_event, reason=str(error))

    def _stamped(self) -> tuple[tuple[str, int, int], ...]:
        stamps: list[tuple[str, int, int]] = []
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:
                continue
            stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
        return tuple(stamps)
