"""The loader: sealed segments into the store, each once, in order, one thread a signal.

A segment's requests joined are one OTLP request, inserted under the segment's name as deduplication token. A refused
segment is halved until the poison request is alone; each part has a token of its own, the same at every try.
"""

import random
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, TypeVar

import structlog

from collector import frames, metrics
from collector.deaths import Deaths
from collector.limits import LoaderLimits
from collector.quarantine import MAX_REASON_CHARS, Quarantine, QuarantineRecord
from collector.segments import Segment, keep_end
from collector.spool import Spool
from store.errors import InsertRefused

log = structlog.get_logger("collector.loader")

#: Puts one serialised export request into the store under a deduplication token. Raises StoreUnavailable for "try
#: again" and InsertRefused for "never".
Land = Callable[[str, bytes, str], object]

Done = TypeVar("Done")

DIED: Final = "the process died while inserting it"
_POLL_S: Final = 0.5


class _Stopping(Exception):  # noqa: N818  not an error: the segment stays for the next start
    pass


class Loader:
    def __init__(
        self,
        spool: Spool,
        quarantine: Quarantine,
        land: Land,
        limits: LoaderLimits,
        *,
        on_quarantine: Callable[[QuarantineRecord], object] = lambda _record: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._quarantine = quarantine
        self._land = land
        self._limits = limits
        self._on_quarantine = on_quarantine
        self._jitter = jitter
        self._draining = Event()
        self._stopping = Event()
        self._threads: list[Thread] = []

    def start(self, signals: tuple[str, ...]) -> None:
        self._threads = [Thread(target=self._run, args=(s,), name=f"loader-{s}", daemon=True) for s in signals]
        for thread in self._threads:
            thread.start()

    def stop(self, drain_s: float) -> bool:
        """Load what is sealed, within a deadline. False if something is left for the next start."""
        self._draining.set()
        deadline = time.monotonic() + drain_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._stopping.set()
        for thread in self._threads:
            thread.join(1.0)  # an insert under way ends by itself, or is replayed under its token
        return self._spool.segments == 0

    def _run(self, signal: str) -> None:
        while not self._stopping.is_set():
            segment = self._spool.next_sealed(signal, _POLL_S)
            if segment is None and self._draining.is_set():
                return
            if segment is not None:
                try:
                    self._load(segment)
                except _Stopping:
                    return

    def _load(self, segment: Segment) -> None:
        requests = self._patiently(segment.signal, lambda: self._requests_of(segment))
        deaths = Deaths(segment.path)
        if requests:
            self._land_part(segment, requests, range(len(requests)), deaths)
        deaths.forget()
        self._patiently(segment.signal, lambda: self._spool.discard(segment))

    def _requests_of(self, segment: Segment) -> list[bytes]:
        try:
            file = segment.read()
        except FileNotFoundError:  # someone removed it: trying again for ever would stop all that comes after
            metrics.segments_lost.labels(segment.signal).inc()
            log.error("segment_lost", signal=segment.signal, segment=segment.name, bytes=segment.size_bytes)
            return []
        whole = frames.scan(file)
        if whole.good_bytes < segment.size_bytes:
            keep_end(segment, file[whole.good_bytes :], self._quarantine.keep_damaged)
        return whole.payloads

    def _land_part(self, segment: Segment, requests: list[bytes], part: range, deaths: Deaths) -> None:
        """Insert a run of requests; where that cannot be, its halves; where it is one request, quarantine it."""
        whole = len(part) == len(requests)
        token = segment.name if whole else f"{segment.name}.{part.start}-{part.stop}"
        reason = DIED
        if deaths.of(part) < (self._limits.deaths_before_bisecting if whole else 1):
            try:
                self._insert(segment.signal, b"".join(requests[part.start : part.stop]), token, part, deaths)
            except InsertRefused as exc:
                reason = str(exc)
            else:
                return
        if len(part) == 1:
            self._give_up(segment.signal, token, requests[part.start], reason)
            return
        middle = part.start + len(part) // 2
        self._land_part(segment, requests, range(part.start, middle), deaths)
        self._land_part(segment, requests, range(middle, part.stop), deaths)

    def _insert(self, signal: str, payload: bytes, token: str, part: range, deaths: Deaths) -> None:
        def insert() -> None:
            with deaths.watch(part):
                self._land(signal, payload, token)

        self._patiently(signal, insert)
        metrics.inserts.labels(signal).inc()
        metrics.insert_bytes.labels(signal).inc(len(payload))

    def _give_up(self, signal: str, token: str, payload: bytes, reason: str) -> None:
        record = self._patiently(signal, lambda: self._quarantine.keep_request(signal, token, payload, reason))
        metrics.quarantined.labels(signal).inc()
        log.error("request_quarantined", signal=signal, segment=token, bytes=record.bytes, reason=record.reason)
        try:
            self._on_quarantine(record)
        except Exception:
            log.exception("quarantine_not_reported", segment=token)  # the record is kept, and loading goes on

    def _patiently(self, signal: str, action: Callable[[], Done]) -> Done:
        """Do it until it is done or refused for good, waiting longer each time."""
        wait_s = self._limits.first_retry_s
        while True:
            try:
                return action()
            except InsertRefused:
                raise
            except Exception as exc:  # noqa: BLE001  also what nobody foresaw: keeping it loses nothing
                metrics.insert_retries.labels(signal).inc()
                log.warning(
                    "load_postponed", signal=signal, error=repr(exc)[:MAX_REASON_CHARS], wait_s=round(wait_s, 1)
                )
            if self._stopping.wait(wait_s * (0.5 + self._jitter() / 2)):
                raise _Stopping
            wait_s = min(wait_s * 2, self._limits.max_retry_s)
