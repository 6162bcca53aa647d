"""Measures for people who run the flows: how fast and how often leads are explained, what the affected have in common,
and the numbers that marketing and sales agree on. Each is defined beside its number (`DEFINITIONS`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import exp, log, sqrt

from lineage.answers import Answer
from lineage.ask import Library
from store import measures
from store.codes import CodeSaid, codes_said
from store.counts import Slice
from store.measures import Stopped, recovered_after_s

DEFINITIONS = {
    "time_to_answer": "From the failing hop, the passed deadline or the goal to the first verdict that said so.",
    "explained_rate": "Of the entries that ended without entering, the share whose cause is not unknown.",
    "response_time": "From capture to the first touch: a LeadContacted event, or the goal of the flow.",
    "acceptance": "Of the entries that marketing qualified (MQL: CampaignQualified, or StageMoved to MQL), the share "
    "that sales accepted (moved to SAL).",
    "complete": "The share of entries that reached the goal with no required step missing in their telemetry.",
    "time_to_recover": "From the first capture that a fault stopped to the next that passed after the last of them.",
    "interventions": "ManualIntervention events: how often a person had to step in.",
}

SAMPLE = 2_000
MIN_SHARE = 0.2
COMMON = 0.9  # what as many of the others have as well sets nobody apart, however sure it is
SHOWN = 8
_Z = 1.96
# Attributes that restate the failure or say how bytes travelled: they differ and explain nothing.
_OF_THE_TRANSPORT = (
    "client.", "code.", "db.", "error.", "exception.", "http.", "lead.attempt", "lead.system", "messaging.", "net.",
    "network.", "otel.", "rpc.", "server.", "thread.", "url.",
)  # fmt: skip


class Difference(Answer):
    """A value that the affected have more often than the others: `lift` times as often, with its 95 % interval."""

    name: str
    value: str
    share: float
    share_of_others: float
    lift: float
    low: float
    high: float


class Quality(Answer):
    """How fast and how often entries are explained. Times in seconds; None where nothing was decided."""

    answers: int
    time_to_answer_p50_s: float | None
    time_to_answer_p95_s: float | None
    stopped: int
    explained: int
    explained_rate: float | None


class CampaignNumbers(Answer):
    campaign: str
    entries: int
    response_p50_s: float | None
    response_p95_s: float | None
    touched: int
    qualified: int
    accepted: int
    acceptance: float | None
    complete: int
    complete_share: float
    interventions: int


class Recovery(Answer):
    """A fault at a step, and how long the step needed to work again. None while it still lasts."""

    step: str
    cause: str
    entries: int
    first_stop: datetime
    last_stop: datetime
    recovered_after_s: float | None


class Alignment(Answer):
    """The numbers that marketing and sales agree on, from the same verdicts as everything else."""

    flow: str
    since: datetime
    until: datetime
    quality: Quality
    campaigns: list[CampaignNumbers]
    recoveries: list[Recovery]
    definitions: dict[str, str]


class UnmappedCode(Answer):
    system: str
    code: str
    leads: int
    first_seen: datetime
    last_seen: datetime
    line: str


def quality(library: Library, of: Slice) -> Quality:
    answers, times = measures.answer_times(library.store, of)
    stopped, explained = measures.explained(library.store, of)
    return Quality(
        answers=answers,
        time_to_answer_p50_s=times[0] if answers else None,
        time_to_answer_p95_s=times[1] if answers else None,
        stopped=stopped,
        explained=explained,
        explained_rate=explained / stopped if stopped else None,
    )


def alignment(library: Library, of: Slice) -> Alignment:
    """Response, acceptance, completeness, recovery and interventions of a flow, by campaign."""
    return Alignment(
        flow=of.flow,
        since=of.since,
        until=of.until,
        quality=quality(library, of),
        campaigns=[_campaign(row) for row in measures.responses(library.store, of)],
        recoveries=[
            Recovery(
                step=row["step"],
                cause=row["cause"],
                entries=row["entries"],
                first_stop=row["first_stop"],
                last_stop=row["last_stop"],
                recovered_after_s=recovered_after_s(row),
            )
            for row in measures.recoveries(library.store, of)
        ],
        definitions=DEFINITIONS,
    )


def _campaign(row: dict[str, object]) -> CampaignNumbers:
    entries, touched, qualified = int(str(row["entries"])), int(str(row["touched"])), int(str(row["qualified"]))
    times: Sequence[float] = row["response_s"]  # type: ignore[assignment]
    accepted, complete = int(str(row["accepted"])), int(str(row["complete"]))
    return CampaignNumbers(
        campaign=str(row["campaign"]),
        entries=entries,
        response_p50_s=times[0] if touched else None,
        response_p95_s=times[1] if touched else None,
        touched=touched,
        qualified=qualified,
        accepted=accepted,
        acceptance=accepted / qualified if qualified else None,
        complete=complete,
        complete_share=complete / entries,
        interventions=int(str(row["interventions"])),
    )


def differences(library: Library, of: Slice, stopped: Stopped) -> list[Difference]:
    """What the entries that one cause stopped have in common and the others do not, the surest first.

    From what verdicts know of all entries, and from the attributes of the hops of a sample of leads.
    """
    affected, others = measures.sample(library.store, of, stopped, most=SAMPLE)
    if not affected or not others:
        return []
    entries = measures.shared_values(library.store, of, stopped)
    least = max(int(MIN_SHARE * len(affected)), 2)
    hops = measures.shared_attributes(library.store, affected, others, least=least)
    found = [*_lifted(entries, *_totals(entries)), *_lifted(hops, len(affected), len(others))]
    return sorted(found, key=lambda one: -one.low)[:SHOWN]


def _totals(rows: Iterable[tuple[str, str, int, int]]) -> tuple[int, int]:
    """The affected and the others, from a value that every entry has: the hour of its capture."""
    hours = [row for row in rows if row[0].startswith("hour")]
    return sum(row[2] for row in hours), sum(row[3] for row in hours)


def _lifted(rows: Iterable[tuple[str, str, int, int]], affected: int, others: int) -> Iterable[Difference]:
    for name, value, with_cause, without in rows:
        if name.startswith(_OF_THE_TRANSPORT) or name.endswith(".id") or with_cause < MIN_SHARE * affected:
            continue
        if without >= COMMON * others:
            continue
        low, lift, high = lift_of(with_cause, affected, without, others)
        if low > 1:
            share, rest = with_cause / affected, without / others if others else 0.0
            yield Difference(name=name, value=value, share=share, share_of_others=rest, lift=lift, low=low, high=high)


def lift_of(with_cause: int, affected: int, without: int, others: int) -> tuple[float, float, float]:
    """(low, lift, high): the ratio of two shares with its 95 % interval on the log scale (Katz and others, 1978).

    Half an observation is added to each count, so that a value which nobody else has gives a number and not infinity.
    """
    a, n, b, m = with_cause + 0.5, affected + 0.5, without + 0.5, others + 0.5
    ratio = (a / n) / (b / m)
    spread = _Z * sqrt(max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
    return exp(log(ratio) - spread), ratio, exp(log(ratio) + spread)


def unmapped_codes(library: Library) -> list[UnmappedCode]:
    """Codes that nobody has mapped, with the line that would map each, those that stopped most leads first."""
    said = codes_said(library.store, cause="unknown.vendor_unspecified", most=500)
    return [_unmapped(one) for one in said]


def _unmapped(said: CodeSaid) -> UnmappedCode:
    def cell(text: str) -> str:
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(one in text for one in ',"\n') else text

    return UnmappedCode(
        system=said.system,
        code=said.code,
        leads=said.leads,
        first_seen=said.first_seen,
        last_seen=said.last_seen,
        line=f"{cell(said.system)},{cell(said.code)},<cause>",
    )
