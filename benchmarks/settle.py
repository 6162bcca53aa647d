"""How many entries a second does one core settle, from the agenda in the store to verdicts in the store?

Three figures: entries never seen before; entries looked at again of which nothing changed; and the peak of memory for
so many leads and for four times as many. The first two for entries of six hops and of ten.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmarks import journeys
from benchmarks.journeys import BRIEF, STOPS, Stop
from benchmarks.measure import Figures, flows, peak_mib, say, scratch
from benchmarks.phases import Phases
from leadtrace.serve import keep_what_is_loaded
from lineage.settle import Settler
from store import agenda
from store.engine import Store

ROUNDS = 5
REQUESTS_A_LANDING = 40
WAYS = {BRIEF: "flow_of_six.yaml", STOPS: "flow.yaml"}
Result = TypeVar("Result")


def run(spans: int = 100_000, *, profile: bool = False) -> None:
    for stops in WAYS:
        say(f"\nsettle: {ROUNDS} rounds of {spans:,} spans, {len(stops)} hops a lead, an entry a lead")
        with scratch() as folder:
            _in_a_process(_rates, folder, spans, stops, profile)
    _memory(spans)


def _rates(folder: Path, spans: int, stops: Sequence[Stop], profile: bool) -> None:  # noqa: FBT001
    keep_what_is_loaded()
    store = Store(f"chdb://{folder}")
    store.migrate()
    settler = Settler(store, lambda: flows(WAYS[stops]))
    _settle(settler)
    first: list[float] = []
    again: list[float] = []
    for turn in range(1, ROUNDS + 1):
        leads = _land(store, spans, turn, stops)
        first.append(len(leads) / _settle(settler))
        agenda.remind(store, [(agenda.engine_now(store), lead) for lead in leads])
        again.append(len(leads) / _settle(settler))
        say(f"  {turn}/{ROUNDS} {len(leads):,} entries, {first[-1]:,.0f} a CPU-second; again {again[-1]:,.0f}")
    say(f"  settle: {Figures(first).said()} entries a CPU-second, the engine's work included")
    say(f"  settle again, nothing new: {Figures(again).said()} entries a CPU-second")
    if profile:
        leads = _land(store, spans, ROUNDS + 1, stops)
        with Phases() as phases:
            _settle(settler)
        say(phases.table(len(leads)))
    store.close()


def _settle(settler: Settler) -> float:
    """Settle all that is due; the CPU seconds that it took, of every thread."""
    began = time.process_time()
    while settler.tick():
        pass
    return time.process_time() - began


def _land(store: Store, spans: int, turn: int, stops: Sequence[Stop] = STOPS) -> list[str]:
    """Leads of their own each turn: the same numbers mean the same leads. Returns their ids, one entry each."""
    made = list(journeys.requests(spans, seed=turn, first_lead=turn * spans, stops=stops))
    for start in range(0, len(made), REQUESTS_A_LANDING):
        some = made[start : start + REQUESTS_A_LANDING]
        store.land("traces", b"".join(body for body, _ in some), f"settle-{turn}-{start}")
    while int(store.command("SELECT count() FROM system.merges")):
        time.sleep(0.1)  # merges of what landed are ingest's cost
    leads = len(made) // len(journeys.services(stops)) * journeys.SPANS_A_REQUEST
    return [journeys.lead_id(turn * spans + number) for number in range(leads)]


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _memory(spans: int) -> None:
    """Each in a process of its own that only settles: what landing left behind would hide what settling takes."""
    for times in (1, 4):
        with scratch() as folder:
            leads = _in_a_process(_only_land, folder, times * spans)
            before, peak = _in_a_process(_only_settle, folder)
            say(f"  memory: {leads:7,} entries settled, peak {peak:,.0f} MiB ({before:,.0f} before the first)")


def _in_a_process(work: Callable[..., Result], *arguments: object) -> Result:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _only_land(folder: Path, spans: int) -> int:
    store = Store(f"chdb://{folder}")
    store.migrate()
    leads = _land(store, spans, 1)
    store.close()
    return len(leads)


def _only_settle(folder: Path) -> tuple[float, float]:
    store = Store(f"chdb://{folder}")
    settler = Settler(store, flows)
    before = peak_mib()
    _settle(settler)
    store.close()
    return before, peak_mib()
