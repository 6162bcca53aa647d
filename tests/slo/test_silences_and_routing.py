"""Who is told what, and when: silences, inhibition, repetition, acknowledgement, groups that wait."""

from dataclasses import replace
from datetime import timedelta

import pytest
from telling_alerts import CAMPAIGN, NIGHT, alert, at, key, state

from model.decisions import Silence
from slo.incidents import Memory, keep_up_with
from slo.notify.alertmanager import Alertmanager
from slo.notify.notifier import EVERYTHING
from slo.notify.pagerduty import PagerDuty
from slo.notify.post import Target
from slo.notify.slack import Slack
from slo.receivers import Receivers, Routing
from slo.routing import Batches, Case, Heard, News, inhibited_by, news, receivers_of, silenced_by
from store.alerts import Addressed, Committed

SEGMENT = (*CAMPAIGN, ("segment", "smb"))
RECEIVERS = Receivers(
    {"pager": PagerDuty("pager", "K" * 32, Target("")), "channel": Slack("channel", Target(""))}, Routing()
)
BOTH = ("pager", "channel")


def case(**changed) -> Case:
    usual = Case(
        "i-1", "enrolment", "demo-request", "enrolment", CAMPAIGN, "page", happening="fired", receivers=BOTH,
        at_risk=(CAMPAIGN,), cause="crm.rate_limit",
    )  # fmt: skip
    return replace(usual, **changed)


def heard(happening="fired", severity="page", minute=0) -> dict:
    return {name: Heard(happening, severity, at(minute)) for name in BOTH}


def told(one: Case, minute=0, *, quiet=False) -> News | None:
    return news(one, RECEIVERS, at(minute), quiet=quiet)


def silence(**matchers) -> Silence:
    return Silence("s-1", matchers, "ana", "known", at(-1), at(60), at(-1))


# ── silences ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "matchers",
    [
        {"campaign": "spring-webinar"},
        {"campaign": "spring-*"},
        {"objective": "enrolment", "severity": "page"},
        {"flow": "demo-*", "cause": "crm.*"},
        {"indicator": "enrolment"},
        {"segment": "*"},
    ],
)
def test_a_silence_covers_what_fits_all_its_matchers(matchers):
    assert silenced_by(case(), [silence(**matchers)])


@pytest.mark.parametrize(
    "matchers",
    [
        {"campaign": "autumn-*"},
        {"campaign": "spring-webinar", "severity": "ticket"},
        {"segment": "smb"},
        {"segment": "?*"},
        {"cause": "consent.missing"},
    ],
)
def test_a_silence_that_misses_one_matcher_covers_nothing(matchers):
    assert silenced_by(case(), [silence(**matchers)]) is None


def test_an_alert_about_several_groups_is_silenced_only_when_all_of_them_are():
    autumn = (("campaign", "autumn"),)
    whole = case(group=(), at_risk=(CAMPAIGN, autumn))
    assert silenced_by(whole, [silence(campaign="spring-*")]) is None
    assert silenced_by(whole, [silence(campaign="*n*")])


def test_nothing_is_told_while_it_is_quiet_and_it_is_told_afterwards():
    assert told(case(), quiet=True) is None
    assert told(case(happening=None), 61) == News("repeated", BOTH)


def test_who_heard_of_it_hears_of_its_end_even_while_it_is_quiet():
    over = case(firing=False, happening="resolved", heard={"pager": Heard("fired", "page", NIGHT)})
    assert told(over, 30, quiet=True) == News("resolved", ("pager",))


# ── inhibition ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_speaks_for_tickets_of_the_same_flow_about_the_same_leads():
    ticket = case(incident="i-2", objective="freshness", severity="ticket")
    assert inhibited_by(ticket, [case()])
    assert inhibited_by(replace(ticket, group=SEGMENT), [case()])
    assert inhibited_by(ticket, [case(group=())])


def test_a_page_about_other_leads_or_another_flow_speaks_for_nobody():
    ticket = case(incident="i-2", severity="ticket")
    assert inhibited_by(ticket, [case(flow="other")]) is None
    assert inhibited_by(ticket, [case(group=SEGMENT)]) is None
    assert inhibited_by(ticket, [case(firing=False)]) is None
    assert inhibited_by(case(incident="i-2"), [case()]) is None
    assert inhibited_by(replace(ticket, kind="measurement_lost"), [case()]) is None


# ── what each receiver last heard ───────────────────────────────────────────────────────────────────────────────────


def test_what_fires_is_told_everybody_once():
    assert told(case()) == News("fired", BOTH)
    assert told(case(happening=None, heard=heard()), 1) is None


def test_what_still_fires_is_repeated_after_four_hours():
    standing = case(happening=None, heard=heard())
    assert told(standing, 239) is None
    assert told(standing, 240) == News("repeated", BOTH)


def test_what_is_not_measured_or_about_to_end_is_not_repeated():
    assert told(case(happening=None, heard=heard(), held=True), 300) is None


def test_it_got_worse_is_told_at_once_also_to_receivers_who_hear_only_pages():
    ticket = {"channel": Heard("fired", "ticket", NIGHT)}
    assert told(case(happening="escalated", heard=ticket), 5) == News("escalated", BOTH)


def test_it_eased_is_told_the_pager_and_not_the_channel():
    assert told(case(happening="eased", severity="ticket", heard=heard()), 5) == News("eased", ("pager",))


def test_an_acknowledgement_is_told_once_and_ends_repetition():
    taken = case(happening=None, acknowledged="page", heard=heard())
    assert told(taken, 10) == News("acknowledged", ("pager",))
    after = replace(taken, heard=heard() | {"pager": Heard("acknowledged", "page", at(10))})
    assert told(after, 600) is None


def test_who_took_on_a_ticket_hears_when_it_becomes_a_page():
    assert told(case(happening="escalated", acknowledged="ticket", heard=heard(severity="ticket")), 20) == News(
        "escalated", BOTH
    )
    assert told(case(happening=None, acknowledged="ticket", heard=heard()), 240) == News("repeated", BOTH)


def test_what_got_worse_while_it_was_quiet_is_told_when_it_no_longer_is():
    assert told(case(happening=None, heard=heard(severity="ticket")), 30) == News("repeated", BOTH)


def test_the_end_is_told_once():
    over = case(firing=False, happening="resolved", heard=heard())
    assert told(over, 30) == News("resolved", BOTH)
    assert told(replace(over, heard=heard("resolved")), 31) is None


def test_other_feeds_of_a_lost_measurement_are_told_anew():
    lost = case(kind="measurement_lost", severity="ticket", happening="repeated", heard=heard(severity="ticket"))
    assert told(lost, 3) == News("repeated", BOTH)


def test_a_receiver_that_left_the_file_hears_nothing():
    gone = {"old": Heard("fired", "page", NIGHT)}
    assert told(case(firing=False, happening="resolved", heard=gone), 30) is None


def test_an_alert_whose_receivers_nobody_knows_goes_to_everybody():
    assert receivers_of(["pager", "typo"], RECEIVERS) == ("pager",)
    assert receivers_of(["typo"], RECEIVERS) == BOTH
    assert receivers_of([], RECEIVERS) == BOTH


def test_every_receiver_hears_of_ends():
    kinds = (PagerDuty("p", "", Target("")), Slack("s", Target("")), Alertmanager("a", ()))
    assert all("resolved" in one.tells and one.tells <= EVERYTHING for one in kinds)


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def batches():
    """Addresses alerts to the channel; a message is open until it is due."""
    made = Batches()

    def address(minute=0.0, one="t-1", to="channel", **changed):
        news_of = alert(id=one, at=at(minute), **changed)
        addressed = made.address(
            RECEIVERS.by_name[to], news_of, Routing(), at(minute), lambda _, now: due[-1] > now if due else False
        )
        due.append(addressed.send_at)
        return addressed

    due: list = []
    address.made = made
    return address


def seconds(addressed, minute=0.0) -> float:
    return (addressed.send_at - at(minute)) / timedelta(seconds=1)


def test_a_page_is_due_at_once_and_a_ticket_waits_for_others(batches):
    assert seconds(batches(severity="ticket")) == 30
    assert seconds(batches(one="t-2")) == 0


def test_news_that_comes_while_a_message_waits_joins_it_and_a_page_makes_it_due(batches):
    first = batches(severity="ticket")
    second = batches(0.25, "t-2", severity="ticket", incident="i-2")
    third = batches(0.4, "t-3", incident="i-3")
    assert first.message == second.message == third.message
    assert second.send_at == first.send_at
    assert seconds(third, 0.4) == 0


def test_later_news_waits_an_interval_after_the_message_before(batches):
    batches()
    later = batches(1, "t-2", severity="ticket")
    assert (seconds(later), later.message) == (300, batches(2, "t-3", severity="ticket").message)


def test_a_second_page_of_a_flow_waits_and_a_first_page_does_not_wait_for_tickets(batches):
    batches(severity="ticket")
    assert seconds(batches(1, "t-2"), 1) == 0
    assert seconds(batches(2, "t-3", incident="i-3")) == 360


def test_the_end_of_a_page_holds_up_no_new_page(batches):
    batches(happening="resolved")
    assert seconds(batches(2, "t-2", incident="i-2"), 2) == 0


def test_another_flow_is_another_message(batches):
    assert batches().message != batches(0.1, "t-2", flow="other").message


def test_the_pager_gets_each_incident_by_itself_and_at_once(batches):
    sent = [batches(minute, f"t-{minute}", to="pager", key=key(f"o-{minute}")) for minute in range(3)]
    assert len({one.message for one in sent}) == 3
    assert [seconds(one, minute) for minute, one in enumerate(sent)] == [0, 0, 0]


def test_the_same_news_has_the_same_message_however_often_it_is_worked_out(batches):
    assert (
        batches(to="pager").message
        == Batches().address(RECEIVERS.by_name["pager"], alert(), Routing(), NIGHT, lambda *_: False).message
    )


def test_after_a_restart_the_wait_goes_on(batches):
    again = Batches()
    again.recall(batches(), alert())
    later = again.address(
        RECEIVERS.by_name["channel"], alert(id="t-2", severity="ticket"), Routing(), at(1), lambda *_: False
    )
    assert seconds(later) == 300


def test_an_incident_that_goes_on_under_a_wider_key_ends_under_the_old_one():
    """Alertmanager knows alerts by their labels: the part's alert is told to be over for a while."""
    memory = Memory()
    part = alert(incident="i-1")
    whole = alert(id="t-2", incident="i-1", key=key(group=()), happening="escalated", at=at(5))
    for one, stands in ((part, state()), (whole, state(key=key(group=())))):
        to = (Addressed(f"m-{one.id}", "prometheus", one.at),)
        memory.take([Committed(one.id, one.at, stands, "i-1", one.happening, one, to)])
    told = keep_up_with(memory, "prometheus")
    assert [(one.key.group, one.happening) for one in told] == [(CAMPAIGN, "resolved"), ((), "escalated")]
    memory.forget_ended(at(6))
    assert keep_up_with(memory, "prometheus") == [whole]
