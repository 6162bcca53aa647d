"""The agenda is read in order, each line once, also what becomes visible late, never more than fits at once."""

from datetime import UTC, datetime, timedelta

import pytest

from lineage.due import DueLines
from store import agenda
from store.agenda import Shard

NOW = datetime.now(UTC).replace(microsecond=0)
THEN = NOW - timedelta(seconds=5)


@pytest.fixture
def due(store):
    """Reads until nothing is left; gives the leads of all lines in order, and of those that appeared late."""
    lines = DueLines(store, Shard(), overlap=timedelta(seconds=60), most=10)

    def read(*, pages=100):
        due, late = [], []
        for _ in range(pages):
            found = lines.read(NOW)
            assert len(found.due) <= 10
            lines.handled(found)
            due += [line.lead for line in found.due]
            late += [line.lead for line in found.late]
            if not found.more:
                break
        return due, late

    return read


def leads(first, count):
    return [f"L-{number:03}" for number in range(first, first + count)]


def remind(store, at, some):
    agenda.remind(store, [(at, lead) for lead in some])


def test_each_line_is_read_once(store, due):
    remind(store, THEN, leads(0, 5))
    remind(store, THEN + timedelta(seconds=1), leads(5, 5))
    assert due() == (leads(0, 10), [])
    assert due() == ([], [])


def test_a_moment_with_more_lines_than_fit_is_read_to_its_end(store, due):
    remind(store, THEN, leads(0, 35))
    assert due() == (leads(0, 35), [])
    assert due() == ([], [])


def test_what_becomes_visible_behind_the_cursor_is_read_with_the_rest_of_its_moment(store, due):
    remind(store, THEN, leads(0, 3))
    remind(store, THEN + timedelta(seconds=1), leads(3, 3))
    due()
    remind(store, THEN, leads(6, 1))
    found, late = due()
    assert found == []
    assert sorted(late) == [*leads(0, 3), *leads(6, 1)]
    assert due() == ([], [])


def test_what_becomes_visible_within_a_moment_that_is_half_read_is_read(store, due):
    remind(store, THEN, leads(10, 15))
    assert due(pages=1) == (leads(10, 10), [])
    remind(store, THEN, leads(0, 2))
    found, late = due()
    assert found == leads(20, 5)
    assert sorted(late) == [*leads(0, 2), *leads(10, 10)]
    assert due() == ([], [])


def test_a_line_that_stands_there_twice_holds_nothing_up(store, due):
    remind(store, THEN, leads(9, 1) * 3)
    remind(store, THEN, leads(0, 9))
    found = DueLines(store, Shard(), overlap=timedelta(seconds=60), most=10).read(NOW)
    assert [line.lead for line in found.due] == [*leads(0, 9), *leads(9, 1) * 3]


def test_a_new_reader_goes_back_a_little(store, due):
    remind(store, THEN, leads(0, 3))
    due()
    remind(store, THEN - timedelta(seconds=50), leads(3, 1))
    found = DueLines(store, Shard(), overlap=timedelta(seconds=60), most=10).read(NOW)
    assert [line.lead for line in found.due] == [*leads(3, 1), *leads(0, 3)]
