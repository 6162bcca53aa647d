"""Whom else a cause stopped: right for each lead, and counted once for all that ask within some seconds."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from lineage.affected import AffectedBy
from lineage.kept import Kept
from model.verdict import Status, Verdict
from store import verdicts

NOON = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)


def blocked(lead, at=0.0, *, entry="", cause="crm.auth", status=Status.BLOCKED):
    since = NOON + timedelta(minutes=at)
    return Verdict(
        lead=lead, flow="webinar", entry=entry or f"{lead}-1", status=status, captured_at=since, since=since,
        deadline_at=since, last_hop_at=since, cause=cause, step="crm", campaign="spring",
    )  # fmt: skip


@pytest.fixture
def write(store):
    def written(*made, gone=()):
        rows = [*map(verdicts.row_of, made), *map(verdicts.withdrawn, gone)]
        verdicts.write(store, rows, decided_at=datetime.now(UTC))

    return written


def test_others_are_counted_without_the_lead_that_asks(store, write):
    one, two, three = blocked("L-1"), blocked("L-2", 5), blocked("L-3", 9)
    write(one, two, three, blocked("L-4", cause="crm.rate_limit"), blocked("L-5", status=Status.SKIPPED))
    affected = AffectedBy(store)
    assert affected.others(one, [one]) == (2, two.since)
    assert affected.others(three, [three]) == (2, one.since)


def test_a_lead_whose_verdict_is_not_written_yet_has_all_the_others(store, write):
    write(blocked("L-1"), blocked("L-2", 5))
    assert AffectedBy(store).others(blocked("L-9", 7), []) == (2, NOON)


def test_a_lead_that_was_stopped_twice_is_one_and_alone(store, write):
    first, second = blocked("L-1", entry="a"), blocked("L-1", 30, entry="b")
    write(first, second)
    assert AffectedBy(store).others(second, [second, first]) == (0, None)


def test_what_is_further_than_a_day_away_does_not_count(store, write):
    one = blocked("L-1")
    write(one, blocked("L-2", 26 * 60), blocked("L-3", -26 * 60), blocked("L-4", 23 * 60))
    assert AffectedBy(store).others(one, [one])[0] == 1


def test_all_who_ask_within_some_seconds_get_one_count(store, write):
    one, two = blocked("L-1"), blocked("L-2", 5)
    write(one, two)
    affected, fresh = AffectedBy(store), AffectedBy(store, keep_s=0)
    assert affected.others(one, [one])[0] == fresh.others(one, [one])[0] == 1
    write(blocked("L-3", 7))
    assert (affected.others(two, [two])[0], fresh.others(two, [two])[0]) == (1, 2)


def test_withdrawn_verdicts_count_no_more(store, write):
    one, two = blocked("L-1"), blocked("L-2", 5)
    write(one, two)
    write(gone=[two])
    assert AffectedBy(store).others(one, [one]) == (0, None)


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_an_answer_is_made_again_when_it_is_too_old():
    clock, made = Clock(), iter(range(10))
    kept = Kept(keep_s=10, most=5, clock=clock)
    assert [kept.get("a", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    clock.now_s = 10
    assert kept.get("a", lambda: next(made)) == 1


def test_of_too_many_the_one_asked_for_longest_ago_goes():
    kept = Kept(keep_s=10, most=2, clock=Clock())
    for name in "ab":
        kept.get(name, lambda name=name: name)
    kept.get("a", lambda: "anew")
    kept.get("c", lambda: "c")
    assert (kept.get("a", lambda: "anew"), kept.get("b", lambda: "anew")) == ("a", "anew")


def test_what_fails_is_raised_and_asked_again():
    kept = Kept(keep_s=10, most=2, clock=Clock())
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 7) == 7


def test_who_asks_while_it_is_made_waits_and_makes_nothing():
    kept, started, go = Kept(keep_s=10, most=2), threading.Event(), threading.Event()
    found = []

    def slow():
        started.set()
        go.wait(5)
        return "made once"

    first = threading.Thread(target=lambda: found.append(kept.get("a", slow)))
    first.start()
    started.wait(5)
    second = threading.Thread(target=lambda: found.append(kept.get("a", lambda: "made twice")))
    second.start()
    go.set()
    first.join()
    second.join()
    assert found == ["made once", "made once"]
