"""`python -m benchmarks [ingest | why | settle | slo | alarms]`: measures, and says on what and how noisy."""

import argparse

from benchmarks import alarms, ingest, settle, slo, why
from benchmarks.measure import machine, say


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ["ingest", "why", "settle", "slo", "alarms"]
    parser.add_argument("name", nargs="?", choices=names, help="one of them; the first four when left out")
    parser.add_argument("--spans", type=int, help="how many spans, where the usual number does not suit")
    parser.add_argument("--units", type=int, default=slo.UNITS, help="slo: how many units (default 10 million)")
    parser.add_argument("--months", type=int, default=alarms.MONTHS, help="alarms: group-months of each kind")
    parser.add_argument("--outages", type=int, default=alarms.OUTAGES, help="alarms: outages of each rate and target")
    parser.add_argument("--segment-mib", type=int, default=8, help="ingest: a spool segment's size (default 8)")
    parser.add_argument("--profile", action="store_true", help="settle: say where the time goes")
    asked = parser.parse_args()
    size = {"spans": asked.spans} if asked.spans else {}
    say(machine())
    if asked.name in (None, "ingest"):
        ingest.run(**size, segment_mib=asked.segment_mib)
    if asked.name in (None, "settle"):
        settle.run(**size, profile=asked.profile)
    if asked.name in (None, "slo"):
        slo.run(asked.units)
    if asked.name in (None, "why"):
        why.run(**size)
    if asked.name == "alarms":
        alarms.run(asked.months, asked.outages)


if __name__ == "__main__":
    main()
