"""An engine that is there to be killed: `python alerting_process.py FOLDER DOORS`. DOORS is JSON of receivers' addresses.

Its clock goes on with each evaluation, from where the engine before it was killed. It says `up`, `committed` when an
alert's change is durable and nobody was told yet, and `done` when the night is over and everything was sent.
"""

import json
import sys
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import structlog
from counting_world import World, at, objective
from nights import leads, receiver
from vendors import Vendor

from slo import loop as loop_room
from slo import outbox as outbox_room
from slo.loop import AlertLoop
from slo.receivers import Receivers
from store import alerts
from store.engine import Store

#: The evaluations: through the outage, which ends at minute 160, and when no window knows of it any more.
NIGHT = [118, 128, 134, 140, 146, 152, 160, 521, 522, 523]
#: The stricter the target, the earlier it fires: one by one between minutes 128 and 153.
OBJECTIVES = [
    objective("enrolment", f"enrolment-{percent}", group_by=("campaign",), target=Fraction(percent, 100))
    for percent in (99, 98, 97, 96)
]


class Clock:
    """A minute of the night, kept in a file. After the last evaluation five minutes each: what failed is tried again."""

    def __init__(self, folder: Path):
        self.file = folder / "minute"
        self.turn = int(self.file.read_text() or 0) if self.file.exists() else 0

    def __call__(self):
        late = max(self.turn - len(NIGHT) + 1, 0)
        return at(NIGHT[self.turn - late] + 5 * late)

    def go_on(self) -> bool:
        """False once the night is over."""
        self.turn += 1
        self.file.write_text(str(self.turn))
        return self.turn < len(NIGHT)


def main(folder: Path, doors: dict[str, str]) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = Store(f"chdb://{folder}/clickhouse")
    store.migrate()
    world = World(store).wants(*OBJECTIVES)
    if not (folder / "told").exists():
        world.said(*leads(0, 540, bad_from=120, bad_until=160), *leads(0, 540, campaign="autumn"))
        (folder / "told").touch()
    receivers = Receivers({name: receiver(name, Vendor(url, lambda _: None)) for name, url in doors.items()})
    clock = Clock(folder)
    loop_room.EVERY, outbox_room.TURN_S = timedelta(seconds=0.1), 0.02
    loop = AlertLoop(
        store,
        world.counter,
        lambda: world.objectives,
        lambda: world.flows,
        lambda: receivers,
        home="https://leadtrace.example.com",
        clock=clock,
        name=f"engine from {clock.turn}",
    )
    commit, tick = alerts.commit, loop.tick

    def told_commit(store, steps, *, version):
        commit(store, steps, version=version)
        if any(step.messages for step in steps):
            print("committed", flush=True)

    def tick_by_tick(now):
        worked = tick(now)
        if not clock.go_on() and not loop.outbox._waiting:
            print("done", flush=True)
        return worked

    alerts.commit, loop.tick = told_commit, tick_by_tick
    print("up", flush=True)
    loop.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
