"""Sends what was committed: at least once, under one id, until it arrived or is dead.

What waits stands in the store; this is only its memory. A message is due at its moment, tried again ever more slowly,
and given up after a day or when its receiver says that it never will take it. To one receiver the news of an incident
goes in order; otherwise nothing waits for anything else, so that a slow receiver holds up nobody.
"""

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from model.alert import Alert
from slo.message import Message
from slo.notify.alertmanager import Alertmanager
from slo.notify.notifier import Notifier, NotifyError
from slo.receivers import Receivers
from store import outbox as kept
from store.engine import Store
from store.errors import StoreError
from store.outbox import Outcome, Pending, Receipt

log = structlog.get_logger(__name__)

SENT = Counter("leadtrace_messages_sent_total", "Messages about alerts that their receiver took", ["receiver"])
FAILED = Counter("leadtrace_messages_failed_total", "Tries to send a message that failed", ["receiver"])
WAITING = Gauge("leadtrace_messages_waiting", "Messages that are due or will be, and have not arrived")
OLDEST = Gauge("leadtrace_messages_oldest_seconds", "How long the oldest message that is due has waited")

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)
AT_ONCE = 32
AT_ONCE_A_RECEIVER = 4
TURN_S = 0.5
LAST_S = 10.0
_NOT_THERE = "no receiver of this name stands in the file of receivers"


@dataclass(slots=True)
class _Waiting:
    """A message in memory. `taken` says that its content stands: nothing joins it any more."""

    pending: Pending
    taken: bool = False
    in_flight: bool = False

    @property
    def news_of(self) -> set[tuple[str, str]]:
        return {(self.pending.receiver, one.incident) for one in self.pending.alerts}


class Outbox:
    """`turn()` starts what is due; `run()` does so until stopped. `lock` is held while news is committed and added."""

    def __init__(
        self,
        store: Store,
        receivers: Callable[[], Receivers],
        clock: Callable[[], datetime],
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.lock = threading.RLock()
        self._store = store
        self._receivers = receivers
        self._clock = clock
        self._jitter = jitter
        self._waiting: dict[str, _Waiting] = {}
        self._unwritten: list[Receipt] = []
        self._kept_up: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="notify")
        self._futures: set[Future[None]] = set()
        self._stop = threading.Event()
        self._allowed = threading.Event()

    # ── the loop ────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        while not self._stop.wait(TURN_S):
            try:
                self.turn()
            except Exception:  # what nobody foresaw is told, and the next turn tries again
                log.exception("outbox_broke")

    def stop(self) -> None:
        """Start nothing more, and give what is under way some time; what does not end in it will be sent again."""
        with self.lock:
            self._stop.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
        wait(tuple(self._futures), timeout=LAST_S)
        self._write_receipts()

    def allow(self, allowed: bool) -> None:  # noqa: FBT001  a switch
        """Only the engine that holds the lease sends."""
        if allowed:
            self._allowed.set()
        else:
            self._allowed.clear()

    def wait(self) -> None:
        """Until nothing is under way."""
        wait(tuple(self._futures))

    def turn(self) -> int:
        """Start what is due; returns how many were started."""
        self._write_receipts()
        with self.lock:
            if self._stop.is_set() or not self._allowed.is_set():
                return 0
            now = self._clock()
            due = self._due(now)
            for one in due:
                one.taken = one.in_flight = True
                self._start(self._send, one)
            self._measure(now)
        return len(due)

    def _due(self, now: datetime) -> list[_Waiting]:
        busy: dict[str, int] = {}
        told: set[tuple[str, str]] = set()
        due: list[_Waiting] = []
        for one in self._waiting.values():
            receiver = one.pending.receiver
            after_other_news = not told.isdisjoint(one.news_of)
            told |= one.news_of
            if one.in_flight:
                busy[receiver] = busy.get(receiver, 0) + 1
            elif one.pending.send_at <= now and not after_other_news and busy.get(receiver, 0) < AT_ONCE_A_RECEIVER:
                busy[receiver] = busy.get(receiver, 0) + 1
                due.append(one)
        return due[: AT_ONCE - sum(one.in_flight for one in self._waiting.values())]

    def _start(self, what: Callable[..., None], *arguments: object) -> Future[None]:
        future = self._pool.submit(what, *arguments)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    # ── what waits ──────────────────────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Take up what the store has and this does not: at the start, and what somebody asked to send again."""
        with self.lock:
            self._write_receipts()
            done = {receipt.message for receipt in self._unwritten}
            for pending in kept.pending(self._store):
                if pending.alerts and pending.message not in done:
                    self._waiting.setdefault(pending.message, _Waiting(pending))

    def forget(self) -> None:
        """Another engine took over."""
        with self.lock:
            self._waiting = {message: one for message, one in self._waiting.items() if one.in_flight}

    def is_open(self, message: str, now: datetime) -> bool:
        """May more news join this message? Asked with the lock held, which is kept until the news is added."""
        one = self._waiting.get(message)
        return one is not None and not one.taken and one.pending.send_at > max(now, self._clock())

    def add(self, news: Iterable[Pending]) -> None:
        """What was just committed. News for a message that is open joins it, and may make it due earlier."""
        with self.lock:
            for pending in news:
                one = self._waiting.setdefault(pending.message, _Waiting(replace(pending, alerts=())))
                earlier = one.pending
                send_at = min(earlier.send_at, pending.send_at)
                one.pending = replace(earlier, send_at=send_at, alerts=(*earlier.alerts, *pending.alerts))

    # ── one try ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, one: _Waiting) -> None:
        pending = one.pending
        attempts = pending.attempts + 1
        error: NotifyError | None = None
        try:
            self._notifier(pending.receiver).send(Message(pending.message, latest(pending.alerts)), self._clock())
        except NotifyError as failed:
            error = failed
        except Exception as failed:  # a notifier's own mistake must not end in silence
            log.exception("notifier_broke", receiver=pending.receiver, message=pending.message)
            error = NotifyError(f"leadtrace failed: {type(failed).__name__}")
        now = self._clock()
        outcome = self._outcome(pending, error, now)
        next_at = now + self._wait(attempts, error) if error else now
        self._tell(pending, outcome, attempts, error)
        with self.lock:
            receipt = Receipt(pending.message, pending.receiver, outcome, attempts, now, next_at, str(error or ""))
            self._unwritten.append(receipt)
            if outcome == "failed":
                one.pending = replace(pending, attempts=attempts, send_at=next_at)
                one.in_flight = False
            else:
                self._waiting.pop(pending.message, None)

    def _notifier(self, name: str) -> Notifier:
        found = self._receivers().by_name.get(name)
        if found is None:
            raise NotifyError(_NOT_THERE)
        return found

    def _outcome(self, pending: Pending, error: NotifyError | None, now: datetime) -> Outcome:
        if error is None:
            return "sent"
        return "dead" if error.permanent or now - pending.since >= GIVE_UP_AFTER else "failed"

    def _wait(self, attempts: int, error: NotifyError) -> timedelta:
        """5 s, doubled with each try up to 15 min, of which a random half is left out; no less than was asked for."""
        full = min(FIRST_WAIT * (1 << min(attempts - 1, 20)), LONGEST_WAIT)
        return max(full * (0.5 + self._jitter() / 2), error.retry_after or timedelta(0))

    def _tell(self, pending: Pending, outcome: Outcome, attempts: int, error: NotifyError | None) -> None:
        if error is None:
            SENT.labels(pending.receiver).inc()
            return
        FAILED.labels(pending.receiver).inc()
        told = log.error if outcome == "dead" else log.warning
        told(
            "message_dead" if outcome == "dead" else "message_failed",
            receiver=pending.receiver, message=pending.message, attempts=attempts, reason=str(error),
        )  # fmt: skip

    def _write_receipts(self) -> None:
        """A receipt that cannot be written now is written later; until then this process remembers it."""
        with self.lock:
            if not self._unwritten:
                return
            try:
                kept.record(self._store, self._unwritten)
            except StoreError as error:
                log.warning("receipts_not_written", count=len(self._unwritten), reason=str(error))
                return
            self._unwritten.clear()

    # ── receivers that forget ───────────────────────────────────────────────────────────────────────────────────

    def keep_up(self, receiver: str, alerts: Sequence[Alert]) -> None:
        """Tell a receiver that forgets how these stand. Skipped while it still takes the last telling."""
        notifier = self._receivers().by_name.get(receiver)
        with self.lock:
            under_way = self._kept_up.get(receiver)
            busy = self._stop.is_set() or (under_way is not None and not under_way.done())
            if isinstance(notifier, Alertmanager) and alerts and not busy:
                self._kept_up[receiver] = self._start(self._keep, notifier, list(alerts))

    def _keep(self, notifier: Alertmanager, alerts: list[Alert]) -> None:
        try:
            notifier.keep(alerts, self._clock())
        except NotifyError as error:
            FAILED.labels(notifier.name).inc()
            log.warning("not_kept_up", receiver=notifier.name, alerts=len(alerts), reason=str(error))

    # ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────

    def _measure(self, now: datetime) -> None:
        WAITING.set(len(self._waiting))
        due = (one.pending for one in self._waiting.values() if one.pending.send_at <= now or one.pending.attempts)
        oldest = min((pending.since for pending in due), default=now)
        OLDEST.set(max((now - oldest).total_seconds(), 0.0))


def latest(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Of each incident the last news: what fired and got worse before anybody was told has just fired."""
    found: dict[str, Alert] = {}
    for one in alerts:
        unheard = one.incident in found and found[one.incident].happening == "fired" and one.happening != "resolved"
        found[one.incident] = replace(one, happening="fired") if unheard else one
    return tuple(found.values())
