"""How long does the answer take? `why` for leads taken by chance among a million, idle and while spans come in."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from benchmarks import crowd, journeys
from benchmarks.measure import Figures, flows, say, scratch, timed
from lineage.ask import Library, search, why
from lineage.flowbook import FlowBook
from lineage.judging import Bench, settle_leads
from model.causes import built_in_codes
from store.engine import Store
from store.hops import hops_of_leads

ASKED = 300
PREFIXES = (3, 4, 6, 10)
BATCH_SPANS = 10_000


def run(spans: int = 10_000_000, *, lookups: bool = True) -> None:
    say(f"\nwhy: {spans:,} spans on the timeline, {spans // crowd.HOPS_A_LEAD:,} leads, each with a verdict")
    with scratch() as folder:
        store = Store(f"chdb://{folder}")
        store.migrate()
        leads = crowd.build(store, spans)
        asked = crowd.some_leads(store, leads, ASKED)
        settle_leads(store, asked, Bench(FlowBook(flows()), built_in_codes()), datetime.now(UTC))
        _settled(store)
        parts = store.command("SELECT count() FROM system.parts WHERE active AND table = 'timeline'")
        say(f"  the timeline has {parts} parts")
        _ask_all(store, asked, "idle")
        if lookups:
            _type_all(store, asked)
        with _ingesting(store) as landed:
            _ask_all(store, asked, "while ingesting")
        say(f"  meanwhile {landed():,.0f} spans a second came in, in the same process")
        store.close()


def _ask_all(store: Store, asked: Sequence[str], when: str) -> None:
    library = Library(store, flows)
    now = datetime.now(UTC)
    raw: list[float] = []
    answers: list[float] = []
    for lead in asked:
        with timed(raw):
            hops_of_leads(store, [lead])
        with timed(answers):
            why(library, lead, now=now)
    say(f"  {when}: the lead's hops  {Figures(raw).spread()}")
    say(f"  {when}: the answer       {Figures(answers).spread()}")


def _type_all(store: Store, asked: Sequence[str]) -> None:
    """Search as you type: what each further letter costs."""
    library = Library(store, flows)
    now = datetime.now(UTC)
    for letters in PREFIXES:
        takes: list[float] = []
        for lead in asked[:40]:
            with timed(takes):
                search(library, lead[:letters], now=now)
        say(f"  lookup: {letters:2} letters typed  {Figures(takes).spread()}")


@contextmanager
def _ingesting(store: Store) -> Iterator[Callable[[], float]]:
    """Spans land without a pause while the block runs; gives the rate at which they did."""
    stop = threading.Event()
    landed: list[int] = []
    batches = _batches()
    began = time.perf_counter()

    def land() -> None:
        for number, (payload, count) in enumerate(batches):
            if stop.is_set():
                return
            store.land("traces", payload, f"while-asking-{number}")
            landed.append(count)

    thread = threading.Thread(target=land)
    thread.start()
    try:
        yield lambda: sum(landed) / (time.perf_counter() - began)
    finally:
        stop.set()
        thread.join()


def _batches() -> list[tuple[bytes, int]]:
    """A stretch of requests again and again under new tokens: the engine does the same work for each."""
    bodies: list[bytes] = []
    count = 0
    for body, spans in journeys.requests(BATCH_SPANS):
        bodies.append(body)
        count += spans
    return [(b"".join(bodies), count)] * 10_000


def _settled(store: Store, most_s: float = 60.0) -> None:
    """Wait until the engine has merged what it wanted to."""
    until = time.monotonic() + most_s
    while time.monotonic() < until and int(store.command("SELECT count() FROM system.merges")):
        time.sleep(0.5)
