"""How many entries a second does one core settle, from the agenda in the store to verdicts in the store?"""

import cProfile
import pstats
import time

from benchmarks import journeys
from benchmarks.measure import Figures, flows, say, scratch
from lineage.settle import Settler
from store.engine import Store

ROUNDS = 3
TOP = 25


def run(spans: int = 60_000, *, profile: bool = False) -> None:
    say(f"\nsettle: {ROUNDS} rounds of {spans:,} spans, 10 hops a lead, an entry a lead")
    rates: list[float] = []
    profiler = cProfile.Profile()
    with scratch() as folder:
        store = Store(f"chdb://{folder}")
        store.migrate()
        settler = Settler(store, flows)
        settler.tick()
        entries = 0
        for turn in range(1, ROUNDS + 1):
            _land(store, spans, turn)
            began = time.process_time()
            if profile:
                profiler.enable()
            while settler.tick():
                pass
            profiler.disable()
            cpu_s = time.process_time() - began
            total = int(store.command("SELECT count() FROM verdicts FINAL"))
            rates.append((total - entries) / cpu_s)
            say(f"  {turn}/{ROUNDS} {total - entries:,} entries, {rates[-1]:,.0f} a CPU-second")
            entries = total
        store.close()
    say(f"  settle: {Figures(rates).said()} entries a CPU-second, the engine's work included")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(TOP)


def _land(store: Store, spans: int, turn: int) -> None:
    """Leads of their own each round: the same numbers mean the same leads."""
    bodies = [body for body, _ in journeys.requests(spans, seed=turn, first_lead=turn * spans)]
    store.land("traces", b"".join(bodies), f"settle-{turn}")
    time.sleep(1.5)  # background merges of what landed are ingest's cost
