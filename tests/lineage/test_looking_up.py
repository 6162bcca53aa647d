"""Looking a lead up by what somebody typed or a link says."""

from datetime import UTC, datetime

import pytest
from otlp_requests import span, traces
from telling_hops import FLOWS

from lineage.ask import Library, NotFoundError, look_up, search

NOW = datetime.now(UTC)


@pytest.fixture
def library(store):
    store.land("traces", traces(*(span("x", lead=lead) for lead in ("L-1", " blanks around "))), "s")
    return Library(store, lambda: FLOWS)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        pytest.param(" L-1\t", "L-1", id="typed with blanks"),
        pytest.param(" blanks around ", " blanks around ", id="an id that has them"),
    ],
)
def test_blanks_around_an_id_count_only_where_the_id_has_them(library, text, lead):
    assert look_up(library, text, now=NOW).lead == lead
    assert [one.lead for one in search(library, text, now=NOW).leads] == [lead]


def test_an_id_that_has_blanks_around_is_not_found_without_them(library):
    with pytest.raises(NotFoundError, match="No lead is known by “blanks around”"):
        look_up(library, "blanks around", now=NOW)
