"""Each segment is in the store once: store away, poison, deaths in the middle."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from telemetry import Landing, running, span, traces, wait_for

from collector import frames, metrics
from collector.limits import GIB, LoaderLimits, SpoolLimits
from collector.loader import Loader
from collector.quarantine import Quarantine, QuarantineFullError
from collector.spool import Spool
from store.errors import InsertRefused, StoreUnavailable

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Stage:
    """A spool with one sealed segment of the given requests, a loader, and a store."""

    def __init__(self, folder, *payloads: bytes, signal="traces", quarantine_bytes=GIB):
        self.store = Landing()
        self.told = []
        self.quarantine = Quarantine(folder / "q", quarantine_bytes, now=lambda: NOW)
        self.spool = Spool(folder / "s", SpoolLimits(segment_age_s=60), self.quarantine.keep_damaged)
        self.spool.start()
        for future in [self.spool.append(signal, payload) for payload in payloads]:
            future.result(5)
        self.spool.stop()
        limits = LoaderLimits(first_retry_s=0.005, max_retry_s=0.01, quarantine_bytes=quarantine_bytes)
        self.loader = Loader(self.spool, self.quarantine, self.store, limits, on_quarantine=self.told.append)

    def load(self, drain_s: float = 5) -> bool:
        self.loader.start(("traces", "logs"))
        drained = self.loader.stop(drain_s)
        self.spool.close()
        return drained

    def landed(self) -> list[bytes]:
        return [payload for _, payload in self.store.landed.values()]


def refusing(*poison: bytes):
    def refuse(_signal, payload, _token):
        if any(bad in payload for bad in poison):
            raise InsertRefused("Code: 636. Cannot parse")

    return refuse


def test_a_segment_is_one_insert_under_its_name_and_then_gone(tmp_path):
    stage = Stage(tmp_path, b"one ", b"two ", b"three")
    name = stage.spool._sealed[0].name
    assert stage.load()
    assert stage.store.landed == {name: ("traces", b"one two three")}
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["lock"]
    assert stage.spool.bytes == 0


def test_a_store_that_is_away_is_asked_again_with_the_same_token(tmp_path):
    stage = Stage(tmp_path, b"one")
    away = iter([True] * 5)

    def come_back(*_insert):
        if next(away, False):
            raise StoreUnavailable("away")

    stage.store.refuse = come_back
    assert stage.load()
    assert len(stage.store.tries) == 6
    assert len(set(stage.store.tries)) == 1


def test_an_error_nobody_foresaw_is_tried_again_because_that_loses_nothing(tmp_path):
    stage = Stage(tmp_path, b"one")
    wrong = iter([ZeroDivisionError("!"), OSError("!")])

    def break_down(*_insert):
        for error in wrong:
            raise error

    stage.store.refuse = break_down
    assert stage.load()
    assert stage.landed() == [b"one"]


def test_stopping_while_the_store_is_away_keeps_the_segment_for_the_next_start(tmp_path):
    stage = Stage(tmp_path, b"one")

    def away(*_insert):
        raise StoreUnavailable("away")

    stage.store.refuse = away
    assert not stage.load(drain_s=0.05)
    again = Stage(tmp_path)
    assert again.load()
    assert list(again.store.landed) == [stage.store.tries[0]]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16])
def test_one_poison_request_is_quarantined_and_its_neighbours_go_in_once(tmp_path, count):
    for bad in range(count):
        folder = tmp_path / str(bad)
        stage = Stage(folder, *[b"<%d>" % n for n in range(count)])
        stage.store.refuse = refusing(b"<%d>" % bad)
        assert stage.load()
        assert b"".join(stage.landed()) == b"".join(b"<%d>" % n for n in range(count) if n != bad)
        (record,) = stage.told
        assert (record.signal, record.reason, record.at) == (
            "traces",
            "Code: 636. Cannot parse",
            "2026-11-23T00:00:00.000+00:00",
        )
        assert frames.scan((folder / "q" / record.file).read_bytes()).payloads == [b"<%d>" % bad]
        assert stage.quarantine.records() == [record]


def test_several_poison_requests_are_each_quarantined(tmp_path):
    stage = Stage(tmp_path, *[b"<%d>" % n for n in range(9)])
    stage.store.refuse = refusing(b"<0>", b"<5>", b"<8>")
    stage.load()
    assert [record.segment.rpartition(".")[2] for record in stage.told] == ["0-1", "5-6", "8-9"]
    assert b"".join(stage.landed()) == b"<1><2><3><4><6><7>"


def test_the_tokens_of_a_halved_segment_are_the_same_at_every_try(tmp_path):
    tries = []
    for again in ("a", "b"):
        stage = Stage(tmp_path / again, *[b"<%d>" % n for n in range(5)])
        stage.store.refuse = refusing(b"<3>")
        name = stage.spool._sealed[0].name
        stage.load()
        tries.append([token.replace(name, "") for token in stage.store.tries])
    assert tries[0] == tries[1] == ["", ".0-2", ".2-5", ".2-3", ".3-5", ".3-4", ".4-5"]


def test_a_full_quarantine_stops_loading_and_loses_nothing(tmp_path):
    stage = Stage(tmp_path, b"<0>", b"<1>", quarantine_bytes=10)
    stage.store.refuse = refusing(b"<0>")
    assert not stage.load(drain_s=0.05)
    assert stage.spool.segments == 1
    with pytest.raises(QuarantineFullError):
        stage.quarantine.keep_request("traces", "x", bytes(100), "y")


def test_a_listener_that_fails_does_not_stop_the_loading(tmp_path):
    stage = Stage(tmp_path, b"<0>", b"<1>")
    stage.store.refuse = refusing(b"<0>")
    stage.loader._on_quarantine = lambda _record: 1 / 0
    assert stage.load()
    assert stage.landed() == [b"<1>"]


def test_a_half_written_count_of_deaths_counts_from_the_start(tmp_path):
    for number, noise in enumerate((b"", b"{", b"[]", b'{"0-1": "x"}', b"\xff")):
        stage = Stage(tmp_path / str(number), b"one")
        stage.spool._sealed[0].path.with_suffix(".deaths").write_bytes(noise)
        assert stage.load()
        assert stage.landed() == [b"one"]


def test_a_slow_signal_does_not_hold_up_the_other(tmp_path):
    stage = Stage(tmp_path, b"a trace")
    release = threading.Event()

    def wait(signal, *_insert):
        if signal == "traces":
            release.wait(5)

    stage.store.refuse = wait
    stage.spool.close()
    second = Spool(tmp_path / "s", SpoolLimits(segment_age_s=0.01), stage.quarantine.keep_damaged)
    second.start()
    loader = Loader(second, stage.quarantine, stage.store, LoaderLimits())
    loader.start(("traces", "logs"))
    second.append("logs", b"a log").result(5)
    wait_for(lambda: stage.landed() == [b"a log"])
    release.set()
    second.stop()
    assert loader.stop(5)
    second.close()


def test_bits_that_flip_after_the_start_are_noticed_before_the_insert(tmp_path):
    stage = Stage(tmp_path, b"one", b"two", b"three")
    path = stage.spool._sealed[0].path
    path.write_bytes(path.read_bytes().replace(b"two", b"owt"))
    assert stage.load()
    assert stage.landed() == [b"one"]
    assert [record.file.rpartition(".")[2] for record in stage.quarantine.records()] == ["damaged"]


KILLER = """
import os, sys
from pathlib import Path
sys.path.insert(0, "tests/collector")
from collector.limits import LoaderLimits, SpoolLimits
from collector.loader import Loader
from collector.quarantine import Quarantine
from collector.spool import Spool
from datetime import UTC, datetime

folder = Path(sys.argv[1])

def land(signal, payload, token):
    if b"<deadly>" in payload:
        os.kill(os.getpid(), 9)
    with (folder / "landed").open("ab") as file:
        file.write(payload)

quarantine = Quarantine(folder / "q", 1 << 30, now=lambda: datetime.now(UTC))
spool = Spool(folder / "s", SpoolLimits(), quarantine.keep_damaged)
spool.start()
loader = Loader(spool, quarantine, land, LoaderLimits())
loader.start(("traces",))
spool.stop()
loader.stop(5)
"""


@pytest.mark.torture
def test_a_request_that_kills_the_process_ends_in_the_quarantine_not_in_a_crash_loop(tmp_path):
    stage = Stage(tmp_path, b"<a>", b"<b>", b"<deadly>", b"<c>")
    stage.spool.close()
    starts = 0
    while subprocess.run([sys.executable, "-c", KILLER, str(tmp_path)], check=False).returncode:
        starts += 1
        assert starts < 10
    assert starts == 5  # thrice whole, once for each half that held it
    (record,) = [json.loads(path.read_text()) for path in (tmp_path / "q").glob("*.frames.json")]
    assert record["reason"] == "the process died while inserting it"
    assert (tmp_path / "landed").read_bytes().count(b"<c>") == 1
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["lock"]


def test_a_poison_request_among_good_ones_through_the_whole_road(tmp_path):
    store, told = Landing(), []
    store.refuse = refusing(b"poison")
    with running(tmp_path, store=store, on_quarantine=told.append) as road:
        for name in ("good", "poison", "better"):
            assert road.post_traces(traces(span(name))).status_code == 200
        assert {s.name for s in road.landed(2)} == {"good", "better"}
        wait_for(lambda: told)
        assert road.collector.status().quarantined == 1


def test_the_loader_makes_room_on_a_full_disk(tmp_path, monkeypatch):
    stage = Stage(tmp_path, b"one")
    monkeypatch.setattr("collector.deaths.Path.write_text", _no_space)
    assert stage.load()
    assert stage.landed() == [b"one"]


def _no_space(*_args, **_kwargs):
    raise OSError(28, os.strerror(28))


def test_a_segment_whose_file_was_removed_is_told_and_does_not_stop_what_comes_after(tmp_path):
    stage = Stage(tmp_path, b"one")
    before = metrics.segments_lost.labels("traces")._value.get()
    stage.spool._sealed[0].path.unlink()
    assert stage.load()
    assert stage.landed() == []
    assert metrics.segments_lost.labels("traces")._value.get() == before + 1
    assert stage.spool.bytes == 0
