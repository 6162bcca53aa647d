"""What is kept of alerts: transitions with their messages, receipts, silences, corrections, who works on it, leases."""

from dataclasses import replace
from datetime import timedelta

from telling_alerts import CAMPAIGN, alert, at, key, state

from model.alert import AlertState
from model.decisions import Acknowledgement, Correction, Silence
from store import alerts, leases, outbox
from store.alerts import Addressed, Committed
from store.outbox import Receipt


def fired(incident="i-1", one="t-1", minute=0, **changed) -> Committed:
    told = alert(id=one, incident=incident, at=at(minute), key=key(incident), **changed)
    stands = state(key=key(incident), incident=incident)
    return Committed(one, at(minute), stands, incident, "fired", told, (Addressed(f"m-{one}", "pager", at(minute)),))


def resolved(incident="i-1", one="t-2", minute=30) -> Committed:
    told = alert(id=one, incident=incident, at=at(minute), key=key(incident), happening="resolved")
    over = AlertState(key(incident), changed_at=at(minute), reason="clear")
    return Committed(one, at(minute), over, incident, "resolved", told, (Addressed(f"m-{one}", "pager", at(minute)),))


def receipt(message, outcome, minute=1, **changed) -> Receipt:
    return replace(Receipt(message, "pager", outcome, 1, at(minute), at(minute)), **changed)


def test_states_and_alerts_are_read_back_as_they_were_written(store):
    step = fired()
    alerts.commit(store, [step], version=1)
    assert alerts.states(store) == [step.state]
    assert alerts.of_incidents(store, ["i-1"]) == {"i-1": [step]}
    assert alerts.last_version(store) == 1


def test_the_latest_state_of_a_key_counts_and_what_says_nothing_is_left_out(store):
    alerts.commit(store, [fired()], version=1)
    quiet = AlertState(key("i-1"))
    alerts.commit(store, [Committed("t-3", at(60), quiet)], version=2)
    assert alerts.states(store) == []


def test_incidents_stand_with_the_firing_ones_first(store):
    alerts.commit(store, [fired(), fired("i-2", "t-5", minute=5, severity="ticket")], version=1)
    alerts.commit(store, [resolved("i-2", "t-6")], version=2)
    found = alerts.incidents(store, most=10)
    assert [(one.id, one.resolved, one.severity) for one in found] == [("i-1", False, "page"), ("i-2", True, "page")]
    assert [one.id for one in alerts.incidents(store, phase="resolved", most=10)] == ["i-2"]
    assert [one.id for one in alerts.incidents(store, objective="i-1", flow="demo-request", most=10)] == ["i-1"]
    assert alerts.firing(store) == 1


def test_a_message_waits_until_it_is_sent_or_dead(store):
    alerts.commit(store, [fired(), fired("i-2", "t-5"), fired("i-3", "t-7")], version=1)
    assert [one.message for one in outbox.pending(store)] == ["m-t-1", "m-t-5", "m-t-7"]
    outbox.record(
        store, [receipt("m-t-1", "sent"), receipt("m-t-5", "dead"), receipt("m-t-7", "failed", next_at=at(9))]
    )
    waiting = outbox.pending(store)
    assert [(one.message, one.attempts, one.send_at, one.since) for one in waiting] == [("m-t-7", 1, at(9), at(0))]
    assert waiting[0].alerts == (fired("i-3", "t-7").alert,)


def test_a_dead_message_waits_again_when_somebody_asks(store):
    alerts.commit(store, [fired()], version=1)
    outbox.record(store, [receipt("m-t-1", "dead")])
    outbox.record(store, [receipt("m-t-1", "waiting", minute=70, next_at=at(70))])
    assert [(one.message, one.send_at) for one in outbox.pending(store)] == [("m-t-1", at(70))]


def test_one_message_may_tell_of_several_alerts_in_the_order_they_were_committed(store):
    both = (Addressed("m-1", "mail", at(0)),)
    alerts.commit(store, [replace(fired("i-2", "t-9"), messages=both)], version=1)
    alerts.commit(store, [replace(fired("i-1", "t-1", minute=1), messages=both)], version=2)
    (waiting,) = outbox.pending(store)
    assert [one.id for one in waiting.alerts] == ["t-9", "t-1"]


def test_deliveries_are_listed_with_what_the_receiver_said(store):
    alerts.commit(store, [fired(), fired("i-2", "t-5", minute=2)], version=1)
    outbox.record(store, [receipt("m-t-1", "dead", error="400 invalid routing key")])
    found = outbox.deliveries(store, most=10)
    assert [(one.message, one.state, one.attempts, one.error) for one in found] == [
        ("m-t-5", "waiting", 0, ""),
        ("m-t-1", "dead", 1, "400 invalid routing key"),
    ]
    assert found[1].said[0].headline == alert().headline
    assert outbox.deliveries(store, state="dead", most=10) == found[1:]
    assert outbox.dead_by_receiver(store) == {"pager": 1}


def test_a_silence_keeps_its_end_and_who_ended_it(store):
    silence = Silence("s-1", {"campaign": "spring-*"}, "ana", "import runs", at(0), at(60), at(0))
    alerts.keep_silence(store, silence)
    assert alerts.silence(store, "s-1") == silence
    ended = replace(silence, removed_at=at(10), removed_by="bo")
    alerts.keep_silence(store, ended)
    assert alerts.silences(store) == [ended]
    assert alerts.silences(store, ended_after=at(61)) == []


def test_a_correction_is_kept_when_it_is_taken_back(store):
    correction = Correction("c-1", "enrolment", at(0), at(60), "ana", "CRM maintenance", at(61), CAMPAIGN)
    alerts.keep_correction(store, correction)
    assert alerts.corrections(store, "enrolment") == [correction]
    withdrawn = replace(correction, removed_at=at(70), removed_by="bo")
    alerts.keep_correction(store, withdrawn)
    assert alerts.corrections(store) == [withdrawn]
    assert alerts.corrections(store, "another") == []


def test_the_first_who_acknowledges_stands_first(store):
    first, second = (Acknowledgement("i-1", at(minute), who, "", "page") for minute, who in ((1, "ana"), (2, "bo")))
    alerts.acknowledge(store, second)
    alerts.acknowledge(store, first)
    assert alerts.acknowledgements(store, ["i-1"]) == {"i-1": [first, second]}


def test_of_two_engines_one_evaluates(store):
    turns = [(leases.holds(store, "alerts", "a"), leases.holds(store, "alerts", "b")) for _ in range(3)]
    assert turns == [(False, False), (True, False), (True, False)]


def test_another_engine_takes_over_a_turn_after_the_first_let_go(store):
    for _ in range(2):
        leases.holds(store, "alerts", "a")
    leases.release(store, "alerts", "a")
    assert [leases.holds(store, "alerts", "b") for _ in range(2)] == [False, True]
    assert not leases.holds(store, "alerts", "a")


def test_an_engine_that_is_silent_for_long_loses_its_lease(store, monkeypatch):
    for _ in range(2):
        leases.holds(store, "alerts", "a")
    monkeypatch.setattr(leases, "PATIENCE_S", -1.0)
    assert [leases.holds(store, "alerts", "b") for _ in range(2)] == [False, True]


def test_an_engine_that_is_alone_holds_at_once(store):
    leases.holds(store, "alerts", "the one before, killed")
    assert leases.holds(store, "alerts", "b", alone=True)


def test_a_silence_is_active_between_its_start_and_its_end():
    silence = Silence("s-1", {"flow": "*"}, "ana", "", at(0), at(60), at(0))
    assert [silence.active(at(minute)) for minute in (-1, 0, 59, 60)] == [False, True, True, False]
    assert not replace(silence, removed_at=at(5)).active(at(6))
    assert silence.ends_at - silence.starts_at == timedelta(hours=1)
