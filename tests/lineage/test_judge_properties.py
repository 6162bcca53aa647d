"""What always holds of the judge, whatever happened: tried on made-up journeys of every kind."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from telling_hops import FLOW, FLOWS, START, hop

from lineage.journey import journeys
from lineage.verdict import judge
from model.hop import Hop, SpanEvent
from model.verdict import Status, Verdict

ADDRESS, PHONE = "ada@acme.example", "+44 20 7946 0958"
STEPS = ("capture", "consent", "enrich", "score", "crm", "enrol", "")
AT_S = st.floats(0, 1200).map(lambda at: round(at, 3))


@st.composite
def hops(draw) -> Hop:
    step = draw(st.sampled_from(STEPS))
    words = draw(st.sampled_from([{}, {}, {}, {"outcome": "ok"}, {"outcome": "skipped"}, {"outcome": "failed", "reason": "E_9"},
                                  {"outcome": "retrying"}, {"outcome": "dead_lettered"}, {"reason": "consent.missing"},
                                  {"reason": "pending.window"}, {"reason": "reentry.already_active"}, {"score": 40},
                                  {"score": 90}, {"merged_into": "L-9"}]))  # fmt: skip
    attributes = draw(st.sampled_from([{}, {}, {"db.system": "redis"}, {"rpc.grpc.status_code": "14"}, {"error.type": "_OTHER"},
                                       {"messaging.destination.name": "leads"}, {"messaging.destination.name": "leads-dlq"},
                                       {"http.request.method": "GET"}, {"url.full": "https://crm.example/oauth/token"},
                                       {"http.response.body": '{"status": "skipped"}'}]))  # fmt: skip
    event = draw(
        st.sampled_from(
            ["", "", "", "Unsubscribed", "ConsentGranted", "EnrollmentSkipped", "DeadLettered", "IdentityUnmerged"]
        )
    )
    told = hop(
        step,
        at=draw(AT_S),
        took=draw(st.sampled_from([0, 0.1, 30.0])),
        service="" if step else draw(st.sampled_from(["relay", "writer"])),
        name="" if step else "POST",
        kind=draw(st.sampled_from(["server", "client", "internal", "producer", "consumer"])),
        http=draw(st.sampled_from([0, 0, 200, 201, 404, 409, 422, 429, 500])),
        error=draw(st.sampled_from(["", "", "", "ReadTimeout", "context canceled"])),
        event=event or ("SequenceEnrolled" if step == "enrol" and draw(st.booleans()) else ""),
        trace=draw(st.sampled_from(["a" * 32, "b" * 32])),
        hop_id=f"{draw(st.integers(1, 2**63)):016x}",
        signal=draw(st.sampled_from(["span", "span", "span", "event"])),
        attributes=attributes,
        **words,
    )
    message = draw(st.sampled_from(["", f"no such person {ADDRESS}", f"{PHONE} is taken", "boom"]))
    caught = (SpanEvent(told.at_ns, "exception", {"exception.type": "Bug", "exception.message": message}),)
    status = draw(st.sampled_from([told.status, "error"]))
    return replace(told, status=status, status_message=message, events=told.events + caught * draw(st.booleans()))


@st.composite
def stories(draw) -> list[Hop]:
    """Hops of one entry, some of them part of another or linked to it."""
    told: list[Hop] = []
    for one in draw(st.lists(hops(), min_size=1, max_size=8, unique_by=lambda hop: hop.hop_id)):
        tie = draw(st.sampled_from(["", "", "child", "link"])) if told else ""
        told.append(tied(one, tie, draw(st.sampled_from(told))) if tie else one)
    return told


def tied(one: Hop, tie: str, other: Hop) -> Hop:
    if tie == "link":
        return replace(one, links=((other.trace_id, other.hop_id),))
    return replace(one, trace_id=other.trace_id, parent_id=other.hop_id)


def ask(told: list[Hop], after: timedelta) -> Verdict:
    (found,) = journeys("L-1", told, FLOWS)
    return judge(found, FLOW, START + after)


MOMENTS = st.sampled_from([0, 1, 30, 120, 300, 899, 900, 1100, 2400]).map(lambda s: timedelta(seconds=s))


@settings(max_examples=70)
@given(stories(), MOMENTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_doubles_and_replay_never_change_the_verdict(told, after, chance):
    wanted = ask(told, after)
    shuffled = [*told, *told[: len(told) // 2 + 1]]
    chance.shuffle(shuffled)
    assert ask(shuffled, after) == wanted
    assert ask(told, after) == wanted


@settings(max_examples=70)
@given(stories(), AT_S, st.sampled_from(STEPS[:-1]), st.booleans())
def test_one_success_more_never_turns_entered_into_anything_else(told, at, step, in_words):
    after = timedelta(hours=1)
    goal = hop("enrol", at=600, trace="e" * 32, hop_id="e" * 16, outcome="ok")
    entered = [*told, goal]
    if ask(entered, after).status is not Status.ENTERED:
        return
    more = hop(step, at=at, http=200, trace="d" * 32, hop_id="d" * 16, **({"outcome": "ok"} if in_words else {}))
    assert ask([*entered, more], after).status is Status.ENTERED


@settings(max_examples=70)
@given(stories(), MOMENTS)
def test_pending_never_outlives_its_deadline(told, after):
    found = ask(told, after)
    now = START + after
    assert (found.status is Status.PENDING) == (found.due_at is not None)
    if found.due_at is not None:
        assert now < found.due_at <= found.deadline_at
    if found.status is not Status.UNKNOWN:  # which has no deadline
        assert ask(told, found.deadline_at - START + timedelta(microseconds=1)).status is not Status.PENDING


@settings(max_examples=70)
@given(stories(), MOMENTS)
def test_evidence_is_among_the_hops_and_the_headline_is_a_sentence_without_personal_data(told, after):
    found = ask(told, after)
    keys = {one.key for one in told}
    assert all((one.trace_id, one.span_id) in keys for one in found.evidence)
    assert found.evidence or found.status is Status.UNKNOWN
    assert found.headline.startswith(("L-1 ", "Nobody can say what became of L-1"))
    assert found.headline.endswith(".")
    said = " ".join((found.headline, *found.notes))
    assert ADDRESS not in said
    assert PHONE not in said
    assert (found.status is Status.ENTERED) == (found.entered_at is not None)
    assert found.step in {"", *FLOW.by_name}
