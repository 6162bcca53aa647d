"""The spool: what was acknowledged and is not yet in the store, on disk, bounded.

`append` hands a request to one writer thread. It writes all that waits, one fsync a file for the whole group, and only
then resolves the futures: an acknowledged request survives a kill and a power cut.
"""

import contextlib
import fcntl
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

import structlog

from collector import frames, metrics
from collector.errors import SpoolFailed, SpoolFull
from collector.limits import SpoolLimits
from collector.segments import OPEN, KeepDamaged, Names, Segment, recover, seal, sync_folder

log = structlog.get_logger("collector.spool")


class SpoolInUseError(RuntimeError):
    """Another process writes this spool."""


class _Append(NamedTuple):
    signal: str
    payload: bytes
    done: Future[None]


@dataclass(slots=True)
class _OpenSegment:
    """The segment being written. `durable_bytes` have been fsynced; a failed group is cut back to there."""

    path: Path
    descriptor: int
    seal_at: float
    durable_bytes: int = field(default=0)

    @classmethod
    def create(cls, path: Path, seal_at: float) -> "_OpenSegment":
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(path, descriptor, seal_at)

    def commit(self, payloads: Iterable[bytes]) -> None:
        """Write and fsync a group of requests; when this returns they are durable."""
        group = memoryview(b"".join(part for payload in payloads for part in (frames.header_of(payload), payload)))
        size = len(group)
        while group:
            group = group[os.write(self.descriptor, group) :]
        os.fsync(self.descriptor)
        self.durable_bytes += size

    def close(self) -> Segment:
        os.close(self.descriptor)
        return Segment(self.path, self.durable_bytes)


class Spool:
    """Create it to lock the folder and recover what is there, `start` it to write."""

    def __init__(
        self,
        folder: Path,
        limits: SpoolLimits,
        keep_damaged: KeepDamaged,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._lock_descriptor = _lock(folder)
        recovered = recover(folder, keep_damaged)
        self._names = Names(now_ns, recovered.last_ns)
        self._changed = Condition()  # guards everything below, except _open, which is the writer's own
        self._queue: deque[_Append] = deque()
        self._sealed = deque(recovered.segments)
        self._bytes = sum(segment.size_bytes for segment in recovered.segments)
        self._writing = True
        self._open: dict[str, _OpenSegment] = {}
        self._writer = Thread(target=self._write_all, name="spool-writer", daemon=True)
        if recovered.segments:
            log.info("spool_recovered", segments=len(recovered.segments), bytes=self._bytes)

    # What the door does.

    def append(self, signal: str, payload: bytes) -> Future[None]:
        """A future that resolves when the request is on disk. Raises SpoolFull or SpoolFailed if it cannot be."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # a sender who gives up must not cancel what the writer will resolve
        size = frames.HEADER_BYTES + len(payload)
        with self._changed:
            if not self._writing:
                raise SpoolFailed("leadtrace is stopping; send it again")
            if self._bytes + size > self._limits.max_bytes:
                raise SpoolFull("the spool is full, the store is behind; send it again later")
            self._bytes += size
            self._queue.append(_Append(signal, payload, done))
            self._changed.notify_all()
        return done

    # What the loader does.

    def next_sealed(self, signal: str, timeout_s: float) -> Segment | None:
        """The oldest sealed segment of a signal, left in place; None if there is none in time or the spool is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._oldest(signal) or not self._writer.is_alive(), timeout_s)
            return self._oldest(signal)

    def discard(self, segment: Segment) -> None:
        """Forget a segment that is in the store, durably."""
        segment.path.unlink(missing_ok=True)
        sync_folder(self._folder)
        with self._changed:
            self._sealed.remove(segment)
            self._bytes -= segment.size_bytes

    # What people ask.

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def segments(self) -> int:
        return len(self._sealed)

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest acknowledged request has waited for the store; 0 when none waits."""
        with self._changed:
            born = [segment.born_ns for segment in self._sealed]
        born += [Segment(segment.path, 0).born_ns for segment in list(self._open.values())]
        return max(0.0, (self._now_ns() - min(born)) / 1e9) if born else 0.0

    # Life.

    def start(self) -> None:
        self._writer.start()

    def stop(self) -> None:
        """Take no more, write and seal what is here."""
        with self._changed:
            self._writing = False
            self._changed.notify_all()
        if self._writer.is_alive():
            self._writer.join()
        with self._changed:
            self._changed.notify_all()  # whoever waits for a segment need not wait for one more

    def close(self) -> None:
        """Let another process have the folder."""
        self.stop()
        os.close(self._lock_descriptor)

    # The writer thread.

    def _write_all(self) -> None:
        last = False
        while not last:
            group, last = self._next_group()
            for signal in {append.signal for append in group}:
                self._commit(signal, [append for append in group if append.signal == signal])
            for signal, segment in list(self._open.items()):
                if last or segment.durable_bytes >= self._limits.segment_bytes or self._is_due(segment):
                    self._seal(signal)

    def _next_group(self) -> tuple[list[_Append], bool]:
        """What waits, up to a segment's size, and whether nothing can come after it."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or not self._writing, self._until_next_seal())
            group: list[_Append] = []
            size = 0
            while self._queue and size < self._limits.segment_bytes:
                group.append(self._queue.popleft())
                size += len(group[-1].payload)
            return group, not self._writing and not self._queue

    def _until_next_seal(self) -> float | None:
        due = [segment.seal_at for segment in self._open.values()]
        return max(0.0, min(due) - self._monotonic()) if due else None

    def _is_due(self, segment: _OpenSegment) -> bool:
        return self._monotonic() >= segment.seal_at

    def _commit(self, signal: str, appends: list[_Append]) -> None:
        try:
            segment = self._open.get(signal) or self._create(signal)
            with metrics.spool_fsync.time():
                segment.commit(append.payload for append in appends)
        except Exception as exc:  # noqa: BLE001  whatever it was, no sender may wait for ever, nor be told it is safe
            self._fail(signal, appends, exc)
            return
        for append in appends:
            append.done.set_result(None)

    def _create(self, signal: str) -> _OpenSegment:
        path = self._folder / f"{self._names.next(signal)}{OPEN}"
        self._open[signal] = _OpenSegment.create(path, self._monotonic() + self._limits.segment_age_s)
        return self._open[signal]

    def _fail(self, signal: str, appends: list[_Append], cause: Exception) -> None:
        """After a failed fsync the kernel may have dropped the pages: never write to, nor trust, that end again."""
        metrics.spool_failures.inc()
        log.error("spool_write_failed", signal=signal, requests=len(appends), error=repr(cause))
        if segment := self._open.get(signal):
            with contextlib.suppress(OSError):
                os.ftruncate(segment.descriptor, segment.durable_bytes)
            self._seal(signal)
        with self._changed:
            self._bytes -= sum(frames.HEADER_BYTES + len(append.payload) for append in appends)
        for append in appends:
            append.done.set_exception(SpoolFailed("the spool's disk refused the write; send it again later"))

    def _seal(self, signal: str) -> None:
        segment = self._open.pop(signal).close()
        with contextlib.suppress(OSError):  # an unrenamed segment is loaded as well, and a start seals it
            if segment.size_bytes:
                segment = seal(segment)
            else:
                segment.path.unlink()
        with self._changed:
            if segment.size_bytes:
                self._sealed.append(segment)
            self._changed.notify_all()

    def _oldest(self, signal: str) -> Segment | None:
        return next((segment for segment in self._sealed if segment.signal == signal), None)


def _lock(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise SpoolInUseError(
            f"another leadtrace writes the spool {folder}; stop it, or give this one a folder"
        ) from exc
    return descriptor
