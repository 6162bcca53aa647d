"""The whole road, into the real engine: what the door accepts, ClickHouse takes, once."""

import random

import pytest
from telemetry import Landing, log_record, logs, running, span, traces, wait_for
from test_fuzz import GOOD, prepared

from collector.door import Export
from collector.otlp import SIGNALS
from store.errors import StoreUnavailable

ODD = {"": "", "b": b"\xff", "l": [], "m": {"n": {"o": ["", "x"]}}, "n": -(2**63), "t": True, "twice": "1"}


class RealLanding(Landing):
    def __init__(self, store) -> None:
        super().__init__()
        self.refuse = store.land


def count(store, table: str) -> int:
    return int(store.command(f"SELECT count() FROM {table} FINAL"))


def test_odd_but_legal_telemetry_is_in_the_engine_and_nothing_in_quarantine(tmp_path, store):
    requests = [
        traces(span("odd", span_id=b"00000001", attributes=ODD), resource=ODD),
        traces(span("", span_id=b"00000002", links=[{}], events=[{}])),
        traces(span("late", span_id=b"00000003", start_time_unix_nano=2**63 - 1)),
        traces(span("epoch", span_id=b"00000004")),
    ]
    with running(tmp_path, store=RealLanding(store)) as road:
        for request in requests:
            assert road.post_traces(request).status_code == 200
        assert road.post_logs(logs(log_record(attributes=ODD), log_record("x" * 100_000))).status_code == 200
        wait_for(lambda: road.collector.status().spool_bytes == 0, timeout_s=20)
        assert road.collector.status().quarantined == 0
    assert count(store, "spans") == len(requests)


def test_a_segment_inserted_again_after_a_crash_adds_nothing(tmp_path, store):
    landing = RealLanding(store)
    answers = iter([StoreUnavailable("the answer was lost on its way")] * 2)

    def insert_and_lose_the_answer(*insert):
        store.land(*insert)
        for lost in answers:
            raise lost

    landing.refuse = insert_and_lose_the_answer
    with running(tmp_path, store=landing) as road:
        road.post_traces(traces(*[span(span_id=n.to_bytes(8, "big")) for n in range(1, 101)]))
        wait_for(lambda: road.collector.status().spool_bytes == 0, timeout_s=20)
    assert len(landing.tries) == 3
    assert int(store.command("SELECT count() FROM spans")) == 100


@pytest.mark.torture
def test_whatever_damaged_request_the_door_accepts_the_engine_takes(store):
    chance = random.Random(3)
    for number in range(40):
        name = chance.choice(sorted(SIGNALS))
        body = bytearray(GOOD[name])
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        ready = prepared(Export(SIGNALS[name], bytes(body)))
        if ready is not None and ready.payload:
            store.land(name, ready.payload, f"damaged-{number}")
