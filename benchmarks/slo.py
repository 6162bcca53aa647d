"""What does an evaluation of burn alerts cost, with 2,000 groups, 28 days and 10 million units? And what does a tick
cost that takes in 10,000 changed verdicts?

Units and verdicts are made inside the engine: judging them is another benchmark's matter (`settle`).
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from benchmarks.measure import Figures, flows, say, scratch
from model.objective import Indicator, Objective, Window
from slo.burn import tiers_for
from slo.counting import Counter
from slo.evaluate import evaluate
from slo.plan import key_of
from store import slo_counts, slo_units
from store.engine import Store
from store.slo_counts import DAY_S
from store.slo_units import Progress

ROUNDS = 7
UNITS = 10_000_000
GROUPS = 2_000
DAYS = 28
LIMIT_S = 1.0
CHANGED = 10_000
TABLES = ("slo_units", "slo_lead_hours", "slo_counts", "slo_began")

FLOW = "campaign"
OBJECTIVE = Objective(
    name="enrolment",
    title="Leads enter the sequence",
    indicator=Indicator("enrolment", FLOW),
    target=Fraction(99, 100),
    window=Window(timedelta(days=DAYS)),
    tiers=tiers_for(timedelta(days=DAYS)),
    generation="bench",
    group_by=("campaign",),
)

# One lead each, ten times more by day than by night, one in 200 stopped. Ids are random, as most are.
LEADS = """
    SELECT
        number,
        lower(hex(sipHash64(number))) AS lead_id,
        concat('campaign-', toString(cityHash64(number, 'campaign') % {groups})) AS campaign,
        cityHash64(number, 'good') % 200 != 0 AS good,
        intDiv(number, {a_day}) AS day,
        (number % {a_day}) / {a_day} AS through,
        if(through < 0.04, through / 0.04 * 0.3, 0.3 + (through - 0.04) / 0.96 * 0.7) AS of_day,
        fromUnixTimestamp64Milli(toInt64({start_ms} + (day + of_day) * 86400000), 'UTC') AS decided_at,
        decided_at - toIntervalSecond(cityHash64(number, 'wait') % 600) AS began_at
    FROM numbers({first}, {number})
"""
FILL_UNITS = """
    INSERT INTO slo_units
    SELECT '{key}', good, toStartOfHour(decided_at), lead_id, sipHash64(lead_id), 1, 0, 0,
           began_at, decided_at, decided_at, toJSONString([campaign]), 'salesforce',
           if(good, '', 'crm.rate_limit'), if(good, 'enrol', 'crm'),
           if(good, '', 'crm-writer'), if(good, 0, cityHash64('crm.rate_limit', toStartOfMinute(decided_at)))
    FROM ({leads})
"""
FILL_LEAD_HOURS = "INSERT INTO slo_lead_hours SELECT objective, lead_id, good, hour FROM slo_units"
FILL_VERDICTS = """
    INSERT INTO verdicts (
        flow, lead_id, entry, version, status, cause, step, system, campaign, captured_at, since, decided_at, body)
    SELECT '{flow}', lead_id, lead_id, {version}, if(entered, 'entered', 'blocked'), if(entered, '', 'crm.rate_limit'),
           if(entered, 'enrol', 'crm'), 'salesforce', campaign, began_at, decided_at, {written}, '{{}}'
    FROM (SELECT *, {entered} AS entered FROM ({leads}))
"""


def run(units: int = UNITS) -> None:
    say(f"\nslo: {units:,} units, {GROUPS:,} groups, {len(OBJECTIVE.tiers)} tiers, {DAYS} days, {ROUNDS} rounds")
    now = datetime(2026, 3, 30, 14, 17, 23, tzinfo=UTC)
    with scratch() as folder:
        store = Store(f"chdb://{folder}")
        store.migrate()
        _fill(store, units, now)
        _say_sizes(store, units)
        counter = Counter(store, lambda: {OBJECTIVE.name: OBJECTIVE}, flows)
        _evaluations("on a usual day", counter, now)
        _ticks(store, counter, units, now)
        _evaluations("after most of the newest leads failed", counter, now)
        store.close()


def _fill(store: Store, units: int, now: datetime) -> None:
    portion = 1_000_000
    for first in range(0, units, portion):
        leads = _leads(units, now, first, min(portion, units - first))
        store.command(FILL_UNITS.format(key=key_of(OBJECTIVE), leads=leads))
        written = "toDateTime64('2026-03-30 00:00:00', 3, 'UTC')"
        store.command(FILL_VERDICTS.format(flow=FLOW, version=1, written=written, entered="good", leads=leads))
    store.command(FILL_LEAD_HOURS)
    key = key_of(OBJECTIVE)
    hours = slo_counts.hours_changed(store, [key], after=0)
    for start in range(0, len(hours), 100):
        slo_counts.count_hours(store, [key], hours[start : start + 100], version=2)
    slo_counts.count_days(store, [key], sorted({hour // DAY_S * DAY_S for hour in hours}), version=2)
    slo_units.note(store, [Progress(key, counting=False, counted=True, completed=2)], written=2)
    time.sleep(5)  # merges of what was made are nobody's cost


def _leads(units: int, now: datetime, first: int, number: int) -> str:
    start_ms = int((now - timedelta(days=DAYS)).timestamp() * 1000)
    return LEADS.format(groups=GROUPS, a_day=max(units // DAYS, 1), start_ms=start_ms, first=first, number=number)


SIZE = "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND active AND table = '{table}'"


def _say_sizes(store: Store, units: int) -> None:
    sizes = {table: int(store.command(SIZE.format(table=table))) / units for table in TABLES}
    parts = ", ".join(f"{table} {size:.1f}" for table, size in sizes.items())
    say(f"  {sum(sizes.values()):.1f} bytes a unit on disk ({parts})")


def _evaluations(when: str, counter: Counter, now: datetime) -> None:
    counting: list[float] = []
    whole: list[float] = []
    for turn in range(ROUNDS + 1):
        began = time.process_time()
        counts = counter.counts(OBJECTIVE, now)
        counted = time.process_time()
        found = evaluate(OBJECTIVE, counts, {}, (), now, groups=len(counts))
        ended = time.process_time()
        if turn:  # the first one warms the caches
            counting.append(counted - began)
            whole.append(ended - began)
    verdict = "kept" if Figures(whole).median < LIMIT_S else "MISSED"
    say(f"  evaluation {when}, {len(counts):,} groups, {len(found.transitions)} alerts to tell:")
    say(f"    {Figures(whole).said(2)} CPU-seconds, limit {LIMIT_S:.0f}: {verdict}")
    say(f"    of it counting {Figures(counting).said(2)}")


def _ticks(store: Store, counter: Counter, units: int, now: datetime) -> None:
    """Every unit changes, of the newest leads, as all day long, and of leads that lie together in earlier hours."""
    store.command("OPTIMIZE TABLE verdicts FINAL")
    while counter.tick(now):
        pass
    for what, firsts in _places(units).items():
        takes: list[float] = []
        for first in firsts:
            leads, version = _leads(units, now, *first), int(time.time() * 1_000_000)
            changed = {"flow": FLOW, "version": version, "written": "now64(3)", "entered": "NOT good"}
            store.command(FILL_VERDICTS.format(**changed, leads=leads))
            began = time.process_time()
            while counter.tick(now):
                pass
            takes.append(time.process_time() - began)
        say(f"  tick over {CHANGED:,} changed verdicts, {what}: {Figures(takes[1:]).said(2)} CPU-seconds")


def _places(units: int) -> Mapping[str, list[tuple[int, int]]]:
    newest = [(units - CHANGED * (turn + 1), CHANGED) for turn in range(ROUNDS + 1)]
    older = [((units // (ROUNDS + 2)) * (turn + 1), CHANGED) for turn in range(ROUNDS + 1)]
    return {"of the newest hours": newest, "of earlier hours": older}
