"""The alert loop: every half minute it counts, evaluates, finds evidence, commits what changed, hands it to the outbox.

One engine of several does it, the one that holds the lease. What it says is committed before anybody hears of it, the
transition and its messages together; whatever dies in between, the next engine goes on from there.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter as Count
from prometheus_client import Histogram

from lineage.flowbook import FlowsNow
from model.objective import Objective
from slo.counting import Counter
from slo.evidence import Evidence
from slo.incidents import Memory, keep_up_with, recall
from slo.outbox import Outbox
from slo.receivers import Receivers
from slo.round import Change, Round, id_of
from store import alerts, leases
from store.alerts import Committed
from store.engine import Store
from store.errors import StoreError
from store.outbox import Pending

log = structlog.get_logger(__name__)

TICK = Histogram("leadtrace_alerts_tick_seconds", "Time that an evaluation of all objectives took")
BROKEN = Count("leadtrace_alerts_ticks_failed_total", "Ticks of the alert loop that failed as a whole")

EVERY = timedelta(seconds=30)
LEASE = "alerts"
TAKE_IN_S = 10.0
KEEP_UP_EVERY = timedelta(seconds=60)
KEEP_ENDED = timedelta(minutes=5)


class AlertLoop:
    """`tick(now)` does one round; `run()` does so every half minute until stopped, with the outbox beside it."""

    def __init__(
        self,
        store: Store,
        counter: Counter,
        objectives: Callable[[], Mapping[str, Objective]],
        flows: FlowsNow,
        receivers: Callable[[], Receivers],
        *,
        home: str,
        clock: Callable[[], datetime],
        name: str,
        alone: bool | None = None,
    ) -> None:
        """`home` is the address that people open, `name` tells this engine from others; one that is `alone` with its
        store (by default, with an embedded one) waits for no lease.
        """
        self._store = store
        self._counter = counter
        self._objectives = objectives
        self._receivers = receivers
        self._clock = clock
        self._name = name
        self._alone = store.embedded if alone is None else alone
        self._evidence = Evidence(store, counter, flows, home)
        self.outbox = Outbox(store, receivers, clock)
        self._memory: Memory | None = None
        self._kept_up_at: datetime | None = None
        self._stop = threading.Event()

    # ── running ─────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Tick until `stop()`. A tick that fails is told and the next one tries again."""
        sending = threading.Thread(target=self.outbox.run, name="outbox", daemon=True)
        sending.start()
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                with TICK.time():
                    self.tick(self._clock())
            except StoreError as error:
                BROKEN.inc()
                log.warning("alerts_failed", reason=str(error))
            except Exception:  # a loop that ends in silence pages nobody
                BROKEN.inc()
                log.exception("alerts_broke")
            self._stop.wait(max(EVERY.total_seconds() - (time.monotonic() - started), 0.05))
        sending.join()

    def stop(self) -> None:
        """End the loop and the outbox, and let the next engine begin at once."""
        self._stop.set()
        self.outbox.stop()
        self._evidence.close()
        try:
            leases.release(self._store, LEASE, self._name)
        except StoreError as error:
            log.warning("lease_not_released", reason=str(error))

    def tick(self, now: datetime) -> bool:
        """One round. False when another engine holds the lease."""
        if not self._holds():
            return False
        self.outbox.allow(True)
        self.outbox.refresh()
        if self._memory is None:
            self._memory = recall(self._store)
        memory, receivers = self._memory, self._receivers()
        self._take_in(now)
        work = Round(self._store, self._counter, self._evidence, memory, self._objectives(), receivers, now)
        changes = work.work()
        if changes and not self._holds():  # a process that slept in the middle of a round has nothing to say any more
            return False
        self._commit(changes, memory, receivers, now)
        memory.states |= work.waiting
        self._keep_up(memory, receivers, now)
        return True

    def _holds(self) -> bool:
        """Does this engine hold the lease? One that does not sends nothing and forgets what it knew."""
        if leases.holds(self._store, LEASE, self._name, alone=self._alone):
            return True
        self.outbox.allow(False)
        self.outbox.forget()
        self._memory = None
        return False

    def _take_in(self, now: datetime) -> None:
        """Count what came in. What takes longer goes on in the next round."""
        until = time.monotonic() + TAKE_IN_S
        while self._counter.tick(now) and time.monotonic() < until and not self._stop.is_set():
            pass

    # ── committing ──────────────────────────────────────────────────────────────────────────────────────────────

    def _commit(self, changes: Sequence[Change], memory: Memory, receivers: Receivers, now: datetime) -> None:
        """Make it durable, then hand it to the outbox. Of a commit that failed nobody knows how it ended, so what is
        known is read anew by the next round.
        """
        if not changes:
            return
        with self.outbox.lock:
            steps = [self._step(one, memory, receivers, now) for one in changes]
            memory.version = max(memory.version + 1, int(now.timestamp() * 1_000_000))
            try:
                alerts.commit(self._store, steps, version=memory.version)
            except StoreError:
                self._memory = None
                raise
            self.outbox.add(_pending(steps))
            memory.take(steps)
        _tell(steps)

    def _step(self, change: Change, memory: Memory, receivers: Receivers, now: datetime) -> Committed:
        alert = change.alert
        messages = tuple(
            memory.batches.address(receivers.by_name[name], alert, receivers.routing, now, self.outbox.is_open)
            for name in (change.news.receivers if change.news else ())
            if alert is not None
        )
        return Committed(
            id_of(change, now), now, change.state, change.incident, change.happening or "", alert, messages
        )

    # ── receivers that forget ───────────────────────────────────────────────────────────────────────────────────

    def _keep_up(self, memory: Memory, receivers: Receivers, now: datetime) -> None:
        memory.forget_ended(now - KEEP_ENDED)
        if self._kept_up_at is not None and now - self._kept_up_at < KEEP_UP_EVERY:
            return
        self._kept_up_at = now
        for name in receivers.by_name:
            self.outbox.keep_up(name, keep_up_with(memory, name))


def _pending(steps: Iterable[Committed]) -> list[Pending]:
    return [
        Pending(to.message, to.receiver, to.send_at, step.at, (step.alert,))
        for step in steps
        if step.alert is not None
        for to in step.messages
    ]


def _tell(steps: Iterable[Committed]) -> None:
    for step in steps:
        if step.happening:
            log.info(
                "alert", objective=step.state.key.objective, incident=step.incident, happening=step.happening,
                severity=step.alert.severity if step.alert else "", messages=len(step.messages),
            )  # fmt: skip
