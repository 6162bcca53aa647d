"""`python -m benchmarks.accuracy`: see `--help`."""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.accuracy import report
from benchmarks.accuracy.measure import cases, measured
from benchmarks.accuracy.noise import QUIET, Noise


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--healthy", type=float, default=0.75, help="share of healthy leads")
    parser.add_argument("--noise", choices=["full", "none"], default="full")
    parser.add_argument("--loss", type=float, default=0.05, help="at most this share of a lead's spans is lost")
    parser.add_argument("--skew", type=float, default=300.0, help="at most so many seconds between two clocks")
    parser.add_argument("--misses", type=int, default=40)
    parser.add_argument("--plot", default="", help="list the misses of plots that contain this, with their hops")
    parser.add_argument(
        "--store", action="store_true", help="through a real engine and the settle loop; ended leads only"
    )
    asked = parser.parse_args()
    noise = QUIET if asked.noise == "none" else Noise(loss=asked.loss, skew_s=asked.skew)
    began = time.perf_counter()
    if asked.store:
        from benchmarks.accuracy.stored import measured_in_store  # noqa: PLC0415  the engine takes a second to load

        with tempfile.TemporaryDirectory() as folder:
            tally = measured_in_store(
                cases(asked.leads, asked.seed, noise, healthy=asked.healthy), Path(folder) / "engine"
            )
    else:
        tally = measured(asked.leads, asked.seed, noise, healthy=asked.healthy)
    print(f"{asked.leads} leads, seed {asked.seed}, noise {asked.noise}, {time.perf_counter() - began:.1f} s")
    print("\n".join(report.lines(tally, most=0 if asked.plot else asked.misses)))
    if asked.plot:
        for answer in [one for one in tally.misses if asked.plot in one.case.plot][: asked.misses]:
            print("\n".join(report.miss(answer)))
            print(report.spoil(answer))


if __name__ == "__main__":
    main()
