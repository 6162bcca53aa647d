"""What the pages draw is arithmetic: axes, folded silences, lanes, columns, trees. Tested without a page."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from lineage.answers import Bucket, CauseCount, ChangeAnswer, HopAnswer, SpanAnswer, StepCount
from ui import words
from ui.axis import round_moments
from ui.flow import CauseRow, chart, portions, step_bar
from ui.slos import marks
from ui.timeline import MAX_LINKS, MAX_ROWS, Awaited, fold, timeline
from ui.trace import MAX_DEPTH, in_tree_order

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def span_of_time(start, end):
    return at(start), at(end)


def hop(start, took_s=0.1, *, service="crm-writer", outcome="ok", attempt=0, number=0, parent=None, step=None):
    return HopAnswer(
        trace_id="ab" * 16, span_id=f"{number:016x}", parent_span_id="" if parent is None else f"{parent:016x}",
        service=service, name="POST /leads", step=step,
        at=at(start), duration_ms=took_s * 1000, outcome=outcome, reason=None, attempt=attempt, signal="span",
        kind="client", status="unset", entry="e", event="", service_version="", cause=None, attributes={}, events=[],
    )  # fmt: skip


def span(name, parent="", *, start=0):
    return SpanAnswer(
        span_id=name, parent_span_id=parent, service="s", service_version="", name=name, kind="server", status="unset",
        status_message="", at=at(start), duration_ms=1, lead="", attributes={}, resource={}, events=[], links=[],
    )  # fmt: skip


# ── the axis ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_long_silence_is_folded_and_says_how_long_it_was():
    axis = fold([span_of_time(0, 1), span_of_time(181, 182)])
    assert [fold.label for fold in axis.breaks] == ["3 min"]
    assert axis.position(at(0)) == 0
    assert axis.position(at(182)) == pytest.approx(100)
    first, second = axis.stretches
    assert first.right - first.left == pytest.approx(second.right - second.left)


def test_time_without_long_silences_is_drawn_to_scale():
    axis = fold([span_of_time(0, 1), span_of_time(1.2, 2), span_of_time(2.1, 4)])
    assert axis.breaks == ()
    assert [axis.position(at(second)) for second in (0, 1, 2, 4)] == pytest.approx([0, 25, 50, 100])


def test_however_many_silences_there_are_the_axis_keeps_room_for_what_happened():
    axis = fold([span_of_time(100 * number, 100 * number + 1) for number in range(40)])
    assert sum(fold.width for fold in axis.breaks) < 50
    positions = [axis.position(at(100 * number)) for number in range(40)]
    assert positions == sorted(positions)
    assert 0 <= positions[0] <= positions[-1] <= 100


def test_one_moment_has_an_axis_too():
    drawn = timeline([hop(0, 0)])
    assert drawn.took == "under 1 ms"
    assert [(bar.left + bar.width) <= 100 for bar in drawn.lanes[0].bars] == [True]
    assert timeline([]) is None


def test_labels_on_the_axis_never_touch():
    drawn = timeline([hop(number * 7.3, 0.5, number=number) for number in range(60)])
    places = [tick.at for tick in drawn.ticks]
    assert places
    assert all(after - before >= 13 for before, after in itertools.pairwise(places))
    assert drawn.ticks[0].label == "+0 ms"


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_services_are_lanes_in_the_order_in_which_they_appear():
    drawn = timeline([hop(0, service="web"), hop(1, service="crm"), hop(2, service="web"), hop(3, service="")])
    assert [lane.service for lane in drawn.lanes] == ["web", "crm", "unnamed service"]


def test_bars_that_overlap_stand_above_each_other_and_never_in_more_rows_than_there_is_room_for():
    drawn = timeline([hop(0, 10, number=number) for number in range(3)] + [hop(11, 1, number=9)])
    assert [bar.row for bar in drawn.lanes[0].bars] == [0, 1, 2, 0]
    crowd = timeline([hop(number * 0.001, 10, number=number) for number in range(40)])
    assert crowd.lanes[0].rows == MAX_ROWS


def test_retries_and_failures_carry_their_number_and_state():
    drawn = timeline([hop(number * 2, outcome="rejected", attempt=number + 1, number=number) for number in range(3)])
    assert [(bar.state, bar.attempt) for bar in drawn.lanes[0].bars] == [("failed", 1), ("failed", 2), ("failed", 3)]


def test_every_bar_stays_within_the_drawing():
    drawn = timeline([hop(number**2, number / 3, number=number) for number in range(30)])
    for bar in drawn.lanes[0].bars:
        assert bar.left >= 0
        assert bar.left + bar.width <= 100.001


def test_a_line_goes_from_a_hop_to_what_it_caused_in_another_lane_and_along_when_it_was_over_by_then():
    hops = [
        hop(0, 2, service="web", number=0),
        hop(1, 1, service="crm", number=1, parent=0),
        hop(1.2, 0.1, service="crm", number=2, parent=1),
        hop(2.5, 1.5, service="mail", number=3, parent=0, outcome="failed"),
    ]
    web, crm, mail = (drawn := timeline(hops)).lanes
    during, after = drawn.links
    assert (during.left, during.right) == (25, 25)
    assert (during.since_y, during.until_y) == (web.middle(web.bars[0]), crm.middle(crm.bars[0]))
    assert (after.left, after.right, after.state) == (50, 62.5, "failed")
    assert after.until_y == mail.middle(mail.bars[0]) < drawn.height


def test_lines_are_left_out_where_there_are_too_many_to_follow():
    hops = [hop(0, service="web", number=0)]
    hops += [hop(number, service="crm", number=number, parent=0) for number in range(1, MAX_LINKS + 2)]
    assert timeline(hops).links == ()


def test_a_lane_says_which_steps_its_service_does():
    hops = [
        hop(0, step="crm"),
        hop(1, number=1, step="enrol"),
        hop(2, number=2, step="crm"),
        hop(3, number=3, step="x"),
    ]
    (lane,) = timeline(hops, {"crm": "Written to the CRM", "enrol": "Entered the sequence"}).lanes
    assert lane.steps == "Written to the CRM, Entered the sequence"


@pytest.mark.parametrize(
    ("over", "state", "says"),
    [
        (True, "absent", "nothing heard by +10 s"),
        (False, "waiting", "nothing heard yet; the goal is due by +10 s"),
    ],
)
def test_what_was_awaited_is_a_lane_of_its_own_up_to_its_deadline(over, state, says):
    drawn = timeline([hop(0, 1)], awaited=Awaited("Routed", "revops", at(10), over))
    assert (drawn.gap.title, drawn.gap.state, drawn.gap.says) == ("Routed", state, says)
    assert drawn.gap.left == pytest.approx(drawn.breaks[0].left, abs=0.01)
    assert drawn.gap.left + drawn.gap.width <= 100
    assert drawn.took == "1 s"


# ── a flow ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_portions_of_a_bar_fill_it_and_stand_one_after_another():
    found = portions({"entered": 3, "blocked": 1}, "f")
    assert [(part.status, part.left, part.width) for part in found if part.entries] == [
        ("entered", 0, 75),
        ("blocked", 75, 25),
    ]
    assert sum(part.width for part in portions({"entered": 1, "skipped": 1, "unknown": 1}, "f")) == pytest.approx(100)
    assert sum(part.width for part in portions({}, "f")) == 0


def test_the_columns_of_a_chart_stand_on_the_ground_and_under_the_top():
    buckets = [Bucket(at=at(0), by_status={"entered": 90, "blocked": 27}), Bucket(at=at(60), by_status={"pending": 1})]
    drawn = chart(buckets, at(0), at(240), timedelta(minutes=1))
    assert drawn.top == 150
    for column in drawn.columns:
        status, y, height = column.blocks[0]
        assert status in {"entered", "pending"}
        assert y + height == pytest.approx(drawn.height, abs=0.02)
        assert min(y for _, y, _ in column.blocks) >= 0
    assert [column.left for column in drawn.columns] == [0, 25]
    assert "90 entered, 27 blocked" in drawn.columns[0].label


@pytest.mark.parametrize(("count", "top"), [(1, 1), (3, 3), (7, 8), (11, 15), (24, 25), (101, 150), (8_001, 10_000)])
def test_the_top_of_the_scale_is_a_whole_round_number(count, top):
    assert chart([Bucket(at=at(0), by_status={"entered": count})], at(0), at(60), timedelta(minutes=1)).top == top


def ended(status, entries):
    cause = CauseCount(
        cause=f"c.{status}", cls="fault", step="crm", entries=entries, first_seen=NOON, last_seen=NOON, status=status,
        title=status, share=0.1,
    )  # fmt: skip
    return CauseRow(cause, "/u")


def test_what_ended_at_a_step_is_drawn_by_how_it_ended_after_what_reached_it():
    rows = [ended("skipped", 10), ended("blocked", 20), ended("blocked", 5), ended("pending", 1)]
    bar = step_bar(StepCount(step="crm", reached=50, stopped_here=35), rows, 100, owner="revops", url="/u")
    assert [(part.status, part.entries, part.left) for part in bar.ended] == [
        ("blocked", 25, 50),
        ("skipped", 10, 75),
        ("pending", 1, 85),
    ]
    assert ([row.cause.entries for row in bar.causes], bar.other_causes) == ([10, 20, 5], 1)


def test_a_gate_that_all_reached_ends_some_within_its_bar():
    bar = step_bar(StepCount(step="score", reached=100, stopped_here=30), [ended("skipped", 30)], 100, owner="", url="")
    assert [(part.left, part.width) for part in bar.ended] == [(70, 30)]


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (30, ["12:00:05", "12:00:10", "12:00:15", "12:00:20", "12:00:25"]),
        (600, ["12:02", "12:04", "12:06", "12:08"]),
        (86_400, ["18:00", "25 Nov", "06:00"]),
        (28 * 86_400, ["28 Nov", "3 Dec", "8 Dec", "13 Dec", "18 Dec"]),
    ],
)
def test_the_labels_under_a_chart_are_round_moments_away_from_its_edges(seconds, labels):
    assert [label for _, label in round_moments(NOON, at(seconds))] == labels


def test_few_changes_are_named_in_the_chart_and_many_only_numbered():
    def changes(count):
        return [
            ChangeAnswer(at=at(10 + number * 10), what=f"version {number}", kind="", link=None)
            for number in range(count)
        ]

    named = marks(changes(3), NOON, at(100))
    assert [(mark.number, mark.name, mark.side) for mark in named] == [
        ("1", "version 0", "after"),
        ("2", "version 1", "after"),
        ("3", "version 2", "after"),
    ]
    assert [mark.name for mark in marks(changes(5), NOON, at(100))] == [""] * 5
    assert marks(changes(1), NOON, at(15))[0].side == "before"


# ── a trace ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_children_stand_under_their_parent_in_the_order_of_their_start():
    spans = [span("c", "a", start=3), span("a"), span("b", "a", start=1), span("d", "b", start=2)]
    assert [(one.name, depth) for one, depth in in_tree_order(spans)] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


def test_orphans_and_spans_that_are_each_others_parents_are_shown_once():
    spans = [span("orphan", "gone"), span("self", "self"), span("x", "y"), span("y", "x")]
    assert sorted(one.name for one, _ in in_tree_order(spans)) == ["orphan", "self", "x", "y"]


def test_a_very_deep_trace_is_shown_whole_and_not_pushed_off_the_page():
    spans = [span(f"{number:05}", f"{number - 1:05}" if number else "", start=number) for number in range(3_000)]
    ordered = in_tree_order(spans)
    assert [one.name for one, _ in ordered] == [one.name for one in spans]
    assert max(depth for _, depth in ordered) == MAX_DEPTH


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0%"), (10, 10, "100%"), (1, 1_000, "under 1%"), (999, 1_000, "99%"), (1, 3, "33%"), (0, 0, "0%")],
)
def test_a_share_never_says_nothing_of_something_or_all_of_less(part, whole, text):
    assert words.share(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (61, "1 min ago"),
        (7_200, "2 h ago"),
        (90_000, "yesterday"),
        (864_000, "14 Nov"),
    ],
)
def test_how_long_ago(seconds, text):
    assert words.ago(at(-seconds), NOON) == text


@pytest.mark.parametrize(("of", "text"), [(1.24, "1.2"), (9.96, "10"), (58.3, "58"), (1_200, "1,200")])
def test_how_many_times_as_often_reads_alike_at_both_ends_of_a_range(of, text):
    assert words.times(of) == text + "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize("lead", ['a/b c%2F"<script>', "ünï ☃", "x/why", "?#&=", "../..", "a\nb"])
def test_the_address_of_a_lead_holds_whatever_its_id_is(lead):
    address = words.lead_url(lead, entry=lead)
    assert address.isascii()
    assert address.count("/") == 2
    assert not set(address) & set(' "<>#\n')


@pytest.mark.parametrize(
    ("name", "attributes", "text"),
    [
        ("POST", {"http.url": "http://127.0.0.1:1/leads?q=1", "lead.system": "crm-api"}, "POST crm-api /leads"),
        ("GET", {"url.full": "https://api.example/v1/people"}, "GET /v1/people"),
        ("GET", {}, "GET"),
        ("GET", {"url.full": "http://[broken"}, "GET"),
        ("POST /leads", {"url.full": "https://api.example/x"}, "POST /leads"),
    ],
)
def test_a_call_is_named_by_whom_it_called(name, attributes, text):
    assert words.call_name(name, attributes) == text
