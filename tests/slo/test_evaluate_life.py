"""The life of an incident on the shipped engine: fire, escalate, ease, freeze, end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import outages
import pytest
from outages import DAY, HOUR, INTERVAL, MINUTE, START, Outage, Run, group_counts

from model.alert import AlertKey
from model.budget import Count, Feed, GroupCounts
from model.decisions import Correction
from model.objective import Group, Tier
from slo.burn import tiers_for
from slo.evaluate import retired

SPRING: Group = (("campaign", "spring"),)
AUTUMN: Group = (("campaign", "autumn"),)
PAGE_FAST, PAGE_SLOW, TICKET_FAST, TICKET_SLOW = tiers_for(30 * DAY)
SPEAKS, SILENT = Feed("crm-writer", START), Feed("crm-writer", START, silent_since=START)
LOST = AlertKey("enrolled", "g1", (), "measurement_lost")


def over(run: Run, outage: Outage, since: datetime, until: datetime, feeds: Sequence[Feed] = ()) -> None:
    now = since
    while now <= until:
        run.at(now, [outage.counts(now)], feeds)
        now += INTERVAL


def total_outage(minutes: float, **options: object) -> Outage:
    return Outage(Fraction(1), until=START + MINUTE * minutes, **options)  # type: ignore[arg-type]


def broken(group: Group, bad: int = 200, total: int = 1_000) -> GroupCounts:
    """A group that fails in every window alike."""
    return group_counts(group, {5 * MINUTE: Count(total - bad, bad, bad)}, Count(10**6, 100, 100))


def healthy(group: Group = ()) -> GroupCounts:
    return group_counts(group, {5 * MINUTE: Count(1_000)}, Count(10**6))


def silent(group: Group, bad: int = 100) -> GroupCounts:
    """A group without a unit in its short windows, whose failures are still in the long ones."""
    return group_counts(group, {6 * HOUR: Count(0, bad, bad)}, Count(10**6, bad, bad))


def fired(*tiers: Tier) -> Run:
    run = Run(outages.objective(tiers=tiers or None))
    run.at(START, [broken(())])
    assert run.firing() == {(): "page"}
    return run


# ── firing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_says_which_tier_fired_on_which_counts_and_whom_it_names() -> None:
    told = fired().told[0]
    assert (told.happening, told.before, told.after, told.since) == ("fired", "ok", "page", START)
    assert told.reason == "page 1h/5m: 200 of 1000 bad, 200 of 1000 in the short window"
    assert told.burn is not None
    assert (told.burn.tier, told.burn.severity, told.burn.group) == ("page 1h/5m", "page", ())
    assert (told.burn.long_burn, told.burn.short_burn, told.burn.threshold) == (20.0, 20.0, 14.4)
    assert told.burn.chance < 1e-4
    assert [one.group for one in told.at_risk] == [()]


def test_a_page_inhibits_the_tickets_that_burn_with_it() -> None:
    assert [one.after for one in fired().told] == ["page"]


def test_a_slow_burn_is_a_ticket_that_escalates_to_a_page_within_the_same_incident() -> None:
    run = Run(outages.objective("0.99"))
    slow = Outage(Fraction(35, 1000))
    over(run, slow, START + 14 * HOUR, START + 21 * HOUR)
    assert run.firing() == {(): "ticket"}
    run.at(START + 22 * HOUR, [broken(())])
    assert run.happenings == ["fired", "escalated"]
    assert run.told[0].incident == run.told[1].incident
    assert run.told[1].before == "ticket"


def test_a_group_that_may_fail_less_than_ten_times_a_period_never_pages_alone() -> None:
    small = replace(broken(SPRING), period=Count(900, 99, 99))
    run = Run(outages.objective())
    run.at(START, [healthy(), small])
    assert run.firing() == {SPRING: "ticket"}
    assert run.told[0].severity == "ticket"


def test_a_small_group_that_breaks_the_whole_is_named_by_its_page() -> None:
    small = replace(broken(SPRING), period=Count(900, 99, 99))
    run = Run(outages.objective())
    run.at(START, [broken(()), small])
    assert run.firing() == {SPRING: "page"}
    assert run.told[0].burn is not None
    assert run.told[0].burn.group == ()


def test_a_campaign_of_one_day_is_counted_as_if_it_went_on() -> None:
    """400 leads on the first day are 12,000 a month, of which 120 may fail: enough to page."""
    young = group_counts((), {5 * MINUTE: Count(0, 100, 100)}, Count(300, 100, 100), first_unit_at=START - HOUR)
    run = Run(outages.objective("0.99"))
    run.at(START, [young])
    assert run.firing() == {(): "page"}


def test_half_an_outage_by_day_is_told_by_what_it_spends_where_its_ratio_is_too_low() -> None:
    """At 95 % a ratio of 50 % is 10 times too fast, under the page's 14.4; but an hour of 2,000 spends 2 % of 864,000."""
    busy = group_counts((), {5 * MINUTE: Count(100, 100, 100), HOUR: Count(1_000, 1_000, 1_000)}, Count(864_000))
    quiet = replace(busy, period=Count(1_300_000))
    for counts, firing in ((busy, {(): "page"}), (quiet, {})):
        run = Run(outages.objective("0.95", tiers=[PAGE_FAST]))
        run.at(START, [counts])
        assert run.firing() == firing


@pytest.mark.parametrize("count", [Count(0, 500, 2), Count(10_000, 200, 200)], ids=["two failures", "could be chance"])
def test_what_does_not_pass_the_gate_is_not_told(count: Count) -> None:
    run = Run(outages.objective("0.98"))
    run.at(START, [group_counts((), {5 * MINUTE: count})])
    assert not run.told


# ── ending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_incident_ends_when_its_short_window_stayed_clear_for_two_evaluations() -> None:
    run = fired()
    for step in (1, 2):
        run.at(START + step * INTERVAL, [healthy()])
        assert run.happenings == ["fired", "resolved"][:step]
    assert run.told[-1].reason == "page 1h/5m: its short window stayed clear"
    assert run.told[-1].incident == run.told[0].incident
    assert run.firing() == {}


def test_a_short_window_that_burns_again_starts_the_wait_anew() -> None:
    run = fired()
    for step, counts in enumerate((healthy(), broken(()), healthy()), start=1):
        run.at(START + step * INTERVAL, [counts])
    assert run.happenings == ["fired"]


def test_a_page_eases_to_a_ticket_when_only_slower_tiers_go_on() -> None:
    run = fired()
    slower = group_counts((), {5 * MINUTE: Count(1_000), 2 * HOUR: Count(900, 100, 100)}, Count(10**6, 100, 100))
    for step in (1, 2):
        run.at(START + step * INTERVAL, [slower])
    assert run.happenings == ["fired", "eased"]
    assert run.firing() == {(): "ticket"}


def test_silence_ends_nothing() -> None:
    run = fired()
    now = START
    while now < START + 6 * HOUR:
        now += 5 * MINUTE
        run.at(now, [silent(())], [SPEAKS])
    assert run.happenings == ["fired"]


def test_a_few_good_leads_end_a_total_outage_at_low_traffic_but_not_a_partial_one() -> None:
    """One good lead proves that not everything fails; where half of them fail it takes five in a row."""
    for long, happenings in ((Count(1, 20, 20), ["fired", "resolved"]), (Count(20, 20, 20), ["fired"])):
        run = fired(PAGE_FAST)
        little = group_counts((), {5 * MINUTE: Count(1), 30 * MINUTE: long, HOUR: long}, Count(10**6))
        for step in (1, 2):
            run.at(START + step * INTERVAL, [little])
        assert run.happenings == happenings


def test_where_the_short_window_has_too_few_units_a_longer_one_tells() -> None:
    run = fired(PAGE_FAST)
    some = group_counts((), {5 * MINUTE: Count(1), 30 * MINUTE: Count(30), HOUR: Count(30, 20, 20)}, Count(10**6))
    for step in (1, 2):
        run.at(START + step * INTERVAL, [some])
    assert run.happenings == ["fired", "resolved"]


def test_an_incident_whose_group_had_no_unit_in_any_window_is_closed_as_quiet() -> None:
    run = fired()
    run.at(START + 4 * DAY, [group_counts((), {}, Count(10, 100, 100))], [SPEAKS])
    assert run.happenings == ["fired", "resolved"]
    assert "quiet, not as mended" in run.told[-1].reason


def test_an_hour_without_a_unit_closes_nothing_where_no_window_is_longer() -> None:
    """Only the page of an hour is asked: a night without leads says nothing, four weeks without one do."""
    run = fired(PAGE_FAST)
    silent_for = {length: Count() for length in (5 * MINUTE, HOUR)}
    run.at(START + DAY, [GroupCounts((), silent_for, Count(500, 20, 20))], [SPEAKS])
    assert run.happenings == ["fired"]
    run.at(START + 30 * DAY, [GroupCounts((), silent_for, Count())], [SPEAKS])
    assert run.happenings == ["fired", "resolved"]
    assert "not as mended" in run.told[-1].reason


def test_a_second_trouble_is_a_second_incident() -> None:
    run = fired()
    for step, counts in enumerate((healthy(), healthy(), broken(())), start=1):
        run.at(START + step * INTERVAL, [counts])
    assert run.happenings == ["fired", "resolved", "fired"]
    assert run.told[0].incident != run.told[2].incident


# ── measurement ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_feed_freezes_the_incident_and_is_told_by_name_as_a_ticket() -> None:
    run = fired()
    run.at(START + INTERVAL, [healthy()], [SILENT, Feed("web-forms", START)])
    assert run.happenings == ["fired", "fired", "frozen"]
    assert run.states[LOST].firing == "ticket"
    assert run.states[LOST].reason == "nothing comes from crm-writer"
    for step in range(2, 50):
        run.at(START + step * INTERVAL, [healthy()], [SILENT])
    assert {state.key.kind: state.firing for state in run.states.values()} == {
        "burn": "page",
        "measurement_lost": "ticket",
    }
    assert len(run.told) == 3


def test_nothing_fires_while_a_feed_is_lost() -> None:
    run = Run(outages.objective())
    run.at(START, [broken(())], [SILENT])
    assert [one.key for one in run.told] == [LOST]
    assert run.told[0].severity == "ticket"


def test_when_the_feed_speaks_again_the_incident_thaws_and_must_be_seen_clear_anew() -> None:
    run = fired()
    run.at(START + INTERVAL, [healthy()])
    run.at(START + 2 * INTERVAL, [healthy()], [SILENT])
    run.at(START + 3 * INTERVAL, [healthy()], [SPEAKS])
    assert run.happenings == ["fired", "fired", "frozen", "resolved", "thawed"]
    assert run.told[3].key == LOST
    assert run.firing() == {(): "page"}
    run.at(START + 4 * INTERVAL, [healthy()], [SPEAKS])
    assert run.happenings[-1] == "resolved"
    assert run.firing() == {}


def test_a_second_lost_feed_is_told_with_the_first() -> None:
    run = Run(outages.objective())
    run.at(START, [healthy()], [SILENT])
    run.at(START + INTERVAL, [healthy()], [SILENT, Feed("web-forms", None, START)])
    assert run.happenings == ["fired", "repeated"]
    assert run.told[-1].reason == "nothing comes from crm-writer, web-forms"


def test_counts_that_are_not_there_freeze_and_end_nothing() -> None:
    run = fired()
    run.at(START + INTERVAL, [])
    assert run.happenings == ["fired", "frozen"]
    run.at(START + 2 * INTERVAL, [broken(())])
    assert run.happenings == ["fired", "frozen", "thawed"]
    assert run.firing() == {(): "page"}


# ── groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_incident_of_a_part_goes_on_under_the_whole_when_all_parts_fail() -> None:
    run = Run(outages.objective())
    run.at(START, [healthy(), broken(SPRING), healthy(AUTUMN)])
    run.at(START + INTERVAL, [broken((), 400, 2_000), broken(SPRING), broken(AUTUMN)])
    assert run.firing() == {(): "page"}
    assert run.happenings == ["fired", "escalated"]
    assert run.told[0].incident == run.told[1].incident
    assert run.told[1].key.group == ()
    assert {one.group for one in run.told[1].at_risk} == {SPRING, AUTUMN}
    assert run.told[1].reason.startswith("not only campaign spring: ")


def test_two_incidents_of_parts_become_one_of_the_whole_and_the_younger_says_so() -> None:
    winter: Group = (("campaign", "winter"),)
    run = Run(outages.objective())
    run.at(START, [healthy(), broken(SPRING), healthy(AUTUMN), healthy(winter)])
    run.at(START + INTERVAL, [healthy(), broken(SPRING), broken(AUTUMN), healthy(winter)])
    run.at(START + 2 * INTERVAL, [broken((), 600, 3_000), *map(broken, (SPRING, AUTUMN, winter))])
    assert run.firing() == {(): "page"}
    assert run.happenings == ["fired", "fired", "escalated", "resolved"]
    assert run.told[2].incident == run.told[0].incident
    assert run.told[3].incident == run.told[1].incident
    assert run.told[3].reason == "told together with everything"


def test_a_part_that_goes_on_failing_keeps_the_incident_of_the_whole_open_and_is_named() -> None:
    run = Run(outages.objective())
    run.at(START, [broken((), 400, 2_000), broken(SPRING), broken(AUTUMN)])
    for step in (1, 2, 3):
        run.at(START + step * INTERVAL, [healthy(), broken(SPRING), healthy(AUTUMN)])
    assert run.firing() == {(): "page"}
    assert run.happenings == ["fired"]


# ── definitions and corrections ─────────────────────────────────────────────────────────────────────────────────────


def test_an_objective_defined_anew_closes_its_old_incidents_with_a_reason() -> None:
    run = fired()
    run.objective = outages.defined_anew(run.objective)
    run.at(START + INTERVAL, [healthy()])
    assert run.happenings == ["fired", "resolved"]
    assert run.told[1].reason == "the objective was defined anew; counting began again"
    assert run.told[1].key.generation == "g1"


def test_a_changed_target_keeps_the_incident() -> None:
    run = fired()
    run.objective = replace(run.objective, target=Fraction("0.98"))
    run.at(START + INTERVAL, [broken(())])
    assert run.happenings == ["fired"]


def test_an_objective_taken_away_closes_its_incidents() -> None:
    run = fired()
    ends = retired("enrolled", run.states.values(), START + INTERVAL)
    assert [told.happening for _, told in ends if told] == ["resolved"]
    assert retired("another", run.states.values(), START) == []


def correction(group: Group = (), *, since: datetime = START, length: timedelta = HOUR) -> Correction:
    return Correction("c1", "enrolled", since, since + length, "ada", "vendor maintenance", START, group)


def test_a_corrected_group_does_not_fire_until_the_correction_ends() -> None:
    run = Run(outages.objective())
    spring = correction(SPRING)
    run.at(START, [healthy(), broken(SPRING)], corrections=[spring])
    assert not run.told
    run.at(START + HOUR, [healthy(), broken(SPRING)], corrections=[spring])
    assert run.firing() == {SPRING: "page"}


def test_other_groups_fire_all_the_same() -> None:
    run = Run(outages.objective())
    run.at(START, [healthy(), broken(SPRING), broken(AUTUMN)], corrections=[correction(SPRING)])
    assert run.firing() == {AUTUMN: "page"}


def test_a_correction_freezes_what_it_covers_and_says_who_and_why() -> None:
    run = Run(outages.objective())
    run.at(START, [healthy(), broken(SPRING)])
    run.at(START + INTERVAL, [healthy(), healthy(SPRING)], corrections=[correction()])
    assert run.happenings == ["fired", "frozen"]
    assert run.told[1].reason == "vendor maintenance (ada)"
    run.at(START + HOUR, [healthy(), healthy(SPRING)], corrections=[correction()])
    assert run.happenings == ["fired", "frozen", "thawed"]


@pytest.mark.parametrize(
    "other",
    [
        replace(correction(), objective="another"),
        replace(correction(), removed_at=START),
        correction(since=START - 2 * HOUR),
        correction(since=START + HOUR),
    ],
    ids=["another objective's", "withdrawn", "over", "to come"],
)
def test_a_correction_that_is_not_in_force_holds_nothing(other: Correction) -> None:
    run = Run(outages.objective())
    run.at(START, [broken(())], corrections=[other])
    assert run.firing() == {(): "page"}


# ── an engine that was away ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_engine_that_was_down_for_three_hours_ends_what_is_over() -> None:
    run = Run(outages.objective("0.99"))
    outage = total_outage(30)
    over(run, outage, START, START + 20 * MINUTE)
    assert run.firing() == {(): "page"}
    over(run, outage, START + 200 * MINUTE, START + 201 * MINUTE)
    assert run.happenings == ["fired", "resolved"]


def test_an_engine_that_was_down_for_three_hours_goes_on_with_what_lasts() -> None:
    run = Run(outages.objective("0.99"))
    outage = total_outage(600)
    over(run, outage, START, START + 20 * MINUTE)
    over(run, outage, START + 200 * MINUTE, START + 210 * MINUTE)
    assert run.happenings == ["fired"]


def test_an_engine_that_was_down_finds_at_once_what_began_meanwhile_and_nothing_that_is_over() -> None:
    lasting, over_already = Run(outages.objective("0.99")), Run(outages.objective("0.99"))
    over(lasting, total_outage(600), START + 180 * MINUTE, START + 180 * MINUTE)
    over(over_already, total_outage(20), START + 180 * MINUTE, START + 180 * MINUTE)
    assert lasting.firing() == {(): "page"}
    assert over_already.firing() == {}
