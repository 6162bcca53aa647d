"""Every entry is in exactly one status, and the parts of a funnel add up to its entries, whatever it is filtered by."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.ask import Library
from lineage.tally import STATUSES, funnel, leads_behind
from model.flowfile import read_flow
from model.verdict import Status, Verdict
from store import verdicts
from store.counts import Slice

FLOW = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: webinar}
spec:
  goal: enrol
  deadline: 15m
  steps:
    - {name: capture, match: [{service: forms}]}
    - {name: enrol, after: [capture], match: [{event: SequenceEnrolled}]}
""")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = ("", "a", "b")
CAUSES = {
    Status.ENTERED: [("", "enrol")],
    Status.BLOCKED: [("crm.auth", "crm"), ("crm.rate_limit", "crm"), ("delivery.timeout", "enrol")],
    Status.SKIPPED: [("consent.missing", "consent"), ("crm.rate_limit", "crm")],
    Status.PENDING: [("pending.processing", "crm")],
    Status.UNKNOWN: [("", "")],
}


@st.composite
def told(draw):
    """What was said of an entry at some time, and whether it was withdrawn."""
    status = draw(st.sampled_from(Status))
    cause, step = draw(st.sampled_from(CAUSES[status]))
    at = START + timedelta(minutes=draw(st.integers(0, 119)))
    verdict = Verdict(
        lead=draw(st.sampled_from(["L-1", "L-2", "L-3"])),
        flow=draw(st.sampled_from(["webinar", "demo"])),
        entry=draw(st.sampled_from(["c-1", "c-2", "c-3"])),
        status=status,
        captured_at=at,
        since=at + timedelta(minutes=1),
        deadline_at=at + timedelta(minutes=15),
        last_hop_at=at,
        cause=cause,
        step=step,
        reached=("capture",),
        campaign=draw(st.sampled_from(NAMES)),
        segment=draw(st.sampled_from(NAMES)),
        source=draw(st.sampled_from(NAMES)),
    )
    return verdict, draw(st.booleans())


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(told(), max_size=25),
    campaign=st.sampled_from(NAMES),
    segment=st.sampled_from(NAMES),
    source=st.sampled_from(NAMES),
    hour=st.sampled_from([(0, 2), (0, 1), (1, 2)]),
)
def test_the_parts_add_up_for_every_filter(store, history, campaign, segment, source, hour):
    store.command("TRUNCATE TABLE verdicts")
    newest: dict[tuple[str, str], Verdict] = {}
    for number, (verdict, gone) in enumerate(history):
        decided_at = START + timedelta(hours=3, seconds=number)
        written = verdicts.withdrawn(verdict) if gone else verdicts.row_of(verdict)
        verdicts.write(store, [written], decided_at=decided_at)
        if verdict.flow == "webinar":
            newest.pop((verdict.lead, verdict.entry), None)
            newest |= {} if gone else {(verdict.lead, verdict.entry): verdict}
    since, until = START + timedelta(hours=hour[0]), START + timedelta(hours=hour[1])
    wanted = [
        one
        for one in newest.values()
        if since <= one.captured_at < until
        and campaign in {"", one.campaign}
        and segment in {"", one.segment}
        and source in {"", one.source}
    ]
    of = Slice("webinar", since, until, campaign, segment, source)
    library = Library(store, lambda: {"webinar": FLOW})

    found = funnel(library, of)

    assert found.entries == len(wanted)
    assert found.by_status == dict.fromkeys(STATUSES, 0) | Counter(one.status.value for one in wanted)
    assert sum(one.entries for one in found.causes) == len(wanted) - found.by_status["entered"]
    assert sum(sum(bucket.by_status.values()) for bucket in found.over_time) == len(wanted)
    by_cause = Counter((one.status.value, one.cause, one.step) for one in wanted)
    for row in found.causes:
        behind = [one for one in wanted if (one.status.value, one.cause, one.step) == _key(row)]
        assert row.entries == by_cause[_key(row)] == len(behind)
        assert row.leads == len({one.lead for one in behind})
        assert (row.first_seen, row.last_seen) == (min(_since(behind)), max(_since(behind)))
        assert row.share == row.entries / found.entries
        listed = leads_behind(library, of, status=row.status, cause=row.cause or "", step=row.step or "", cursor=None)
        if row.cause and row.step:
            assert {(one["lead"], one["entry"]) for one in listed.leads} == {(one.lead, one.entry) for one in behind}
    whole = [one for one in newest.values() if since <= one.captured_at < until]
    assert sum(one.entries for one in found.sources) == sum(one.entries for one in found.parts) == len(whole)


def _key(row):
    return (row.status, row.cause or "", row.step or "")


def _since(verdicts):
    return [one.since for one in verdicts]
