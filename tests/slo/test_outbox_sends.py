"""The outbox on a real store and real receivers: at least once, under one id, each receiver for itself."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from telling_alerts import alert, at, key, state
from vendors import Answer, alertmanager, anything, pagerduty, serving, slack

from slo.notify import post as posting
from slo.notify.alertmanager import Alertmanager
from slo.notify.pagerduty import PagerDuty
from slo.notify.post import Target
from slo.notify.slack import Slack
from slo.outbox import AT_ONCE_A_RECEIVER, GIVE_UP_AFTER, Outbox, latest
from slo.receivers import Receivers
from store import alerts
from store import outbox as kept
from store.alerts import Addressed, Committed
from store.errors import StoreUnavailable
from store.outbox import Pending, Receipt


class World:
    """An outbox with a clock that stands still until it is set."""

    def __init__(self, store, **vendors):
        self.store, self.vendors, self.minute = store, vendors, 0.0
        self.receivers = Receivers(
            {
                name: PagerDuty(name, "K" * 32, Target(one.url, allow_private=True))
                if one.check is pagerduty
                else Slack(name, Target(one.url, allow_private=True))
                for name, one in vendors.items()
            }
        )
        self.outbox = self.another()
        self.version = 0

    def another(self) -> Outbox:
        made = Outbox(self.store, lambda: self.receivers, lambda: at(self.minute), jitter=lambda: 1.0)
        made.allow(True)
        made.refresh()
        return made

    def commit(self, receiver, *, incident="i-1", one="t-1", send_at=None, **changed):
        """News of an incident for one receiver, as the loop commits it."""
        told = alert(id=one, incident=incident, at=at(self.minute), key=key(incident), changes=(), **changed)
        to = Addressed(f"m-{one}-{receiver}", receiver, send_at or at(self.minute))
        self.version += 1
        step = Committed(one, told.at, state(key=told.key, incident=incident), incident, told.happening, told, (to,))
        with self.outbox.lock:
            alerts.commit(self.store, [step], version=self.version)
            self.outbox.add([Pending(to.message, receiver, to.send_at, told.at, (told,))])
        return to.message

    def turn(self, minute=None) -> int:
        self.minute = self.minute if minute is None else minute
        started = self.outbox.turn()
        self.outbox.wait()
        self.outbox.turn()  # writes the receipts
        self.outbox.wait()
        return started

    def deliveries(self) -> dict:
        return {one.message: (one.state, one.attempts) for one in kept.deliveries(self.store, most=100)}


@pytest.fixture
def world(store):
    with serving(pagerduty) as pager, serving(slack) as channel:
        made = World(store, pager=pager, channel=channel)
        yield made
        made.outbox.stop()


def test_what_was_committed_is_sent_once(world):
    message = world.commit("pager")
    world.turn()
    world.turn(1)
    assert len(world.vendors["pager"].good) == 1
    assert world.deliveries() == {message: ("sent", 1)}


def test_a_message_is_not_sent_before_it_is_due(world):
    world.commit("channel", send_at=at(0.5))
    assert world.turn(0.4) == 0
    assert world.turn(0.5) == 1


def test_tries_go_on_ever_more_slowly_up_to_every_quarter_of_an_hour(world):
    message = world.commit("pager")
    world.vendors["pager"].script += [Answer(500)] * 12
    waits = []
    for _ in range(12):
        world.turn()
        (waiting,) = kept.pending(world.store)
        waits.append((waiting.send_at - at(world.minute)).total_seconds())
        world.minute = (waiting.send_at - at(0)) / timedelta(minutes=1)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    world.turn()
    assert world.deliveries() == {message: ("sent", 13)}
    assert len({one["dedup_key"] for one in world.vendors["pager"].good}) == 1


def test_a_wait_that_a_receiver_asks_for_is_kept(world):
    world.commit("pager")
    world.vendors["pager"].script.append(Answer(429, headers={"Retry-After": "120"}))
    world.turn()
    assert world.turn(1.9) == 0
    assert world.turn(2) == 1


def test_what_is_refused_for_good_is_dead_with_what_the_receiver_said(world):
    world.commit("channel")
    world.vendors["channel"].script.append(Answer(410, b"channel_is_archived"))
    world.turn()
    (dead,) = kept.deliveries(world.store, state="dead", most=10)
    assert (dead.attempts, dead.error) == (1, "it answered 410: channel_is_archived")
    assert world.turn(30) == 0


def test_after_a_day_a_message_is_given_up(world):
    message = world.commit("pager")
    world.vendors["pager"].script += [Answer(500)] * 2
    world.turn()
    world.turn(GIVE_UP_AFTER / timedelta(minutes=1))
    assert world.deliveries() == {message: ("dead", 2)}


def test_a_dead_message_is_sent_again_when_somebody_asks(world):
    message = world.commit("channel")
    world.vendors["channel"].script.append(Answer(404, b"no_service"))
    world.turn()
    kept.record(world.store, [Receipt(message, "channel", "waiting", 1, at(60), at(60))])
    world.minute = 60
    world.outbox.refresh()
    world.turn()
    assert world.deliveries() == {message: ("sent", 2)}


def test_news_of_an_incident_arrives_in_order_and_other_incidents_do_not_wait(world):
    world.commit("pager", one="t-1")
    world.vendors["pager"].script.append(Answer(500))
    world.turn()
    world.commit("pager", one="t-2", happening="resolved")
    world.commit("pager", one="t-3", incident="i-2")
    world.turn()
    assert [one["dedup_key"][-3:] for one in world.vendors["pager"].good] == ["i-1", "i-2"]  # i-1 was answered 500
    world.turn(1)
    world.turn(1)
    actions = [one["event_action"] for one in world.vendors["pager"].good if one["dedup_key"].endswith("i-1")]
    assert actions == ["trigger", "trigger", "resolve"]
    assert {state for state, _ in world.deliveries().values()} == {"sent"}


def test_a_slow_receiver_holds_up_no_other_and_has_a_few_messages_under_way_at_most(world):
    gate = threading.Event()
    inside = world.vendors["channel"]
    inside.check = lambda _: (gate.wait(20), Answer(200))[1]
    for number in range(AT_ONCE_A_RECEIVER + 3):
        world.commit("channel", one=f"t-{number}", incident=f"i-{number}")
    world.commit("pager", one="t-p", incident="i-p")
    assert world.outbox.turn() == AT_ONCE_A_RECEIVER + 1
    assert world.vendors["pager"].arrived.wait(10)
    assert world.outbox.turn() == 0
    gate.set()
    world.outbox.wait()
    assert world.turn() == 3


def test_after_a_restart_what_waits_is_sent_under_the_same_id(world):
    message = world.commit("pager")
    world.vendors["pager"].script.append(Answer(503))
    world.turn()
    world.outbox.stop()
    world.outbox = world.another()
    world.turn(1)
    assert world.deliveries() == {message: ("sent", 2)}
    assert len({one["dedup_key"] for one in world.vendors["pager"].good}) == 1


def test_a_receipt_that_cannot_be_written_is_written_later_and_nothing_is_sent_twice(world, monkeypatch):
    def away(*_):
        raise StoreUnavailable("away")

    message = world.commit("pager")
    with monkeypatch.context() as broken:
        broken.setattr(kept, "record", away)
        world.turn()
        world.outbox.refresh()
        world.turn(1)
    world.outbox.refresh()
    world.turn(2)
    assert len(world.vendors["pager"].requests) == 1
    assert world.deliveries() == {message: ("sent", 1)}


def test_a_message_to_a_receiver_that_is_not_in_the_file_waits_for_it(world):
    message = world.commit("pager")
    receivers, world.receivers = world.receivers, Receivers()
    world.turn()
    assert kept.deliveries(world.store, most=1)[0].error.startswith("no receiver of this name")
    world.receivers = receivers
    world.turn(1)
    assert world.deliveries() == {message: ("sent", 2)}


def test_a_mistake_in_a_notifier_is_a_failed_try(world, monkeypatch):
    message = world.commit("channel")
    monkeypatch.setattr("slo.notify.slack.post_of", lambda _: 1 / 0)
    world.turn()
    assert world.deliveries() == {message: ("waiting", 1)}
    assert kept.deliveries(world.store, most=1)[0].error == "leadtrace failed: ZeroDivisionError"


def test_without_the_lease_nothing_is_sent(world):
    world.commit("pager")
    world.outbox.allow(False)
    assert world.turn() == 0
    world.outbox.allow(True)
    assert world.turn() == 1


def test_a_message_is_open_until_it_is_due_and_taken(world):
    message = world.commit("channel", send_at=at(0.5))
    assert world.outbox.is_open(message, at(0.2))
    assert not world.outbox.is_open(message, at(0.5))
    world.turn(0.5)
    assert not world.outbox.is_open(message, at(0.2))


def test_news_that_joins_a_message_is_sent_with_it(world):
    world.commit("channel", one="t-1", send_at=at(0.5))
    told = alert(id="t-2", incident="i-2", headline="Campaign autumn: 3 leads stored twice")
    world.outbox.add([Pending("m-t-1-channel", "channel", at(0.2), at(0.1), (told,))])
    assert world.turn(0.2) == 1
    assert "Campaign autumn" in str(world.vendors["channel"].good[0])


def test_an_alertmanager_is_kept_up_and_its_failures_are_tried_only_the_next_time(store, monkeypatch):
    monkeypatch.setattr(posting, "CONNECT_S", 2.0)
    with serving(alertmanager) as vendor:
        world = World(store)
        target = Target(vendor.url, allow_private=True)
        world.receivers = Receivers({"am": Alertmanager("am", (target,)), "channel": Slack("channel", target)})
        vendor.script.append(Answer(500))
        for _ in range(2):
            world.outbox.keep_up("am", [alert()])
            world.outbox.wait()
        world.outbox.keep_up("channel", [alert()])
        world.outbox.keep_up("am", [])
        world.outbox.wait()
        assert len(vendor.requests) == 2
        world.outbox.stop()


def test_news_that_nobody_heard_before_it_changed_is_told_once():
    fired, worse, over = alert(severity="ticket"), alert(happening="escalated"), alert(happening="resolved")
    assert latest([fired, worse]) == (replace(worse, happening="fired"),)
    assert latest([worse, over]) == (over,)
    assert latest([fired, alert(incident="i-2")]) == (fired, alert(incident="i-2"))


def test_stopping_starts_nothing_more(store):
    with serving(anything) as vendor:
        world = World(store, channel=vendor)
        world.commit("channel")
        world.outbox.stop()
        assert world.outbox.turn() == 0
        assert vendor.requests == []
