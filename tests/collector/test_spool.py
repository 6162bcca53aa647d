"""What was acknowledged survives: torn tails, flipped bits, full disks, kills."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telemetry import wait_for

from collector import frames
from collector.errors import SpoolFailed, SpoolFull
from collector.limits import SpoolLimits
from collector.segments import Names, Segment
from collector.spool import Spool, SpoolInUseError

LONG = os.environ.get("LEADTRACE_TORTURE") == "long"


class Kept(list):
    """A quarantine that only remembers."""

    def __call__(self, signal, segment, damaged, reason):
        self.append((signal, damaged))


def spool_in(folder: Path, *, kept=None, clock=time.time_ns, **limits) -> Spool:
    limits = {"segment_age_s": 0.01, **limits}
    return Spool(folder, SpoolLimits(**limits), kept if kept is not None else Kept(), now_ns=clock)


def write(folder: Path, *payloads: bytes, **limits) -> None:
    """Append, acknowledge, and close."""
    spool = spool_in(folder, **limits)
    spool.start()
    for future in [spool.append("traces", payload) for payload in payloads]:
        future.result(5)
    spool.close()


def contents(spool: Spool) -> list[bytes]:
    return [payload for segment in spool._sealed for payload in frames.scan(segment.read()).payloads]


def recovered(folder: Path, kept=None) -> list[bytes]:
    spool = spool_in(folder, kept=kept)
    spool.close()
    return contents(spool)


def the_segment(folder: Path) -> Path:
    (path,) = [path for path in folder.iterdir() if path.suffix in {".open", ".sealed"}]
    return path


def left_open(folder: Path, content: bytes) -> Path:
    """A segment as a kill leaves it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{1:020d}-{os.urandom(8).hex()}-traces.open"
    path.write_bytes(content)
    return path


# Frames.


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_frames_read_back_are_what_was_written(payloads):
    file = b"".join(frames.frame(payload) for payload in payloads)
    assert frames.scan(file) == (payloads, len(file), False)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
@settings(max_examples=300)
def test_a_flipped_bit_never_yields_a_request_that_was_not_written(payloads, data):
    file = bytearray(b"".join(frames.frame(payload) for payload in payloads))
    bit = data.draw(st.integers(0, len(file) * 8 - 1))
    file[bit // 8] ^= 1 << bit % 8
    scan = frames.scan(bytes(file))
    assert scan.payloads == payloads[: len(scan.payloads)]
    assert len(scan.payloads) < len(payloads)
    assert not scan.torn


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(noise):
    scan = frames.scan(noise)
    assert scan.good_bytes <= len(noise)


def test_an_empty_request_survives_and_zeros_are_no_request():
    assert frames.scan(frames.frame(b"") + bytes(64)) == ([b""], frames.HEADER_BYTES, True)


# Recovery.


def test_a_tail_torn_at_any_byte_is_cut_at_the_last_whole_frame(tmp_path):
    whole, last = frames.frame(b"first") + frames.frame(b"second"), frames.frame(b"never acknowledged")
    for end in range(len(last)):
        kept = Kept()
        folder = tmp_path / str(end)
        left_open(folder, whole + last[:end])
        assert recovered(folder, kept) == [b"first", b"second"]
        assert kept == []
        assert the_segment(folder).read_bytes() == whole


def test_blocks_that_were_never_written_read_as_zeros_and_are_cut(tmp_path):
    kept = Kept()
    left_open(tmp_path / "s", frames.frame(b"first") + bytes(4096))
    assert recovered(tmp_path / "s", kept) == [b"first"]
    assert kept == []


def test_every_flipped_bit_keeps_what_precedes_and_moves_the_rest_to_the_quarantine(tmp_path):
    before, hit, after = frames.frame(b"before"), frames.frame(b"hit"), frames.frame(b"after")
    for bit in range(len(hit) * 8):
        damaged = bytearray(hit)
        damaged[bit // 8] ^= 1 << bit % 8
        kept = Kept()
        folder = tmp_path / str(bit)
        left_open(folder, before + bytes(damaged) + after)
        assert recovered(folder, kept) == [b"before"]
        assert kept == [("traces", bytes(damaged) + after)]


def test_a_sealed_segment_that_lost_its_end_is_damage_not_a_torn_tail(tmp_path):
    path = left_open(tmp_path / "s", frames.frame(b"one") + frames.frame(b"two")[:-1])
    path.rename(path.with_suffix(".sealed"))
    kept = Kept()
    assert recovered(tmp_path / "s", kept) == [b"one"]
    assert len(kept) == 1


def test_a_damaged_segment_is_set_aside_whole_when_the_quarantine_cannot_take_it(tmp_path):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = left_open(tmp_path / "s", frames.frame(b"one") + b"LTF1" + bytes(40))
    assert recovered(tmp_path / "s", full) == []
    assert path.with_suffix(".damaged").exists()


def test_a_segment_of_nothing_is_removed(tmp_path):
    path = left_open(tmp_path / "s", b"")
    assert recovered(tmp_path / "s") == []
    assert not path.exists()


def test_recovering_twice_finds_the_same(tmp_path):
    left_open(tmp_path / "s", frames.frame(b"first") + b"LTF1")
    assert recovered(tmp_path / "s") == recovered(tmp_path / "s") == [b"first"]


def test_requests_survive_a_restart_in_order_under_the_same_name(tmp_path):
    write(tmp_path / "s", b"one", b"two", b"three")
    name = the_segment(tmp_path / "s").stem
    assert recovered(tmp_path / "s") == [b"one", b"two", b"three"]
    assert the_segment(tmp_path / "s").stem == name


# Writing.


def test_names_sort_by_time_and_never_repeat_when_the_clock_goes_back():
    clock = iter([500, 400, 400, 600])
    names = [Names(lambda: next(clock), after_ns=450)]
    made = [names[0].next("traces") for _ in range(4)]
    assert made == sorted(made)
    assert len(set(made)) == 4
    assert [Segment(Path(f"{name}.open"), 0).born_ns for name in made] == [500, 501, 502, 600]


def test_a_restart_after_the_clock_went_back_still_sorts_new_segments_last(tmp_path):
    write(tmp_path / "s", b"old")
    spool = spool_in(tmp_path / "s", clock=lambda: 5)
    spool.start()
    spool.append("traces", b"new").result(5)
    spool.close()
    assert contents(spool) == [b"old", b"new"]


def test_a_segment_is_sealed_by_age_and_by_size(tmp_path):
    spool = spool_in(tmp_path / "s", segment_age_s=0.02, segment_bytes=10_000)
    spool.start()
    spool.append("traces", b"x").result(5)
    assert spool.next_sealed("traces", 1).size_bytes == frames.HEADER_BYTES + 1
    spool.close()
    spool = spool_in(tmp_path / "t", segment_age_s=60, segment_bytes=1000)
    spool.start()
    for _ in range(3):
        spool.append("logs", bytes(600)).result(5)
    assert spool.next_sealed("logs", 1).size_bytes == 2 * (frames.HEADER_BYTES + 600)
    assert spool.next_sealed("traces", 0) is None
    spool.close()


def test_a_second_process_cannot_open_the_spool(tmp_path):
    spool = spool_in(tmp_path / "s")
    with pytest.raises(SpoolInUseError, match="another leadtrace writes the spool"):
        spool_in(tmp_path / "s")
    spool.close()
    spool_in(tmp_path / "s").close()


def test_the_spool_is_bounded_and_room_comes_back_with_each_discarded_segment(tmp_path):
    spool = spool_in(tmp_path / "s", max_bytes=250)
    spool.start()
    for _ in range(2):
        spool.append("traces", bytes(100)).result(5)
    with pytest.raises(SpoolFull):
        spool.append("traces", bytes(100))
    while segment := spool.next_sealed("traces", 0.2):
        spool.discard(segment)
    assert spool.bytes == 0
    spool.append("traces", bytes(100)).result(5)
    spool.close()


def test_what_waits_on_disk_counts_against_the_bound_after_a_restart(tmp_path):
    write(tmp_path / "s", bytes(200))
    spool = spool_in(tmp_path / "s", max_bytes=250)
    with pytest.raises(SpoolFull):
        spool.append("traces", bytes(100))
    spool.close()


def test_a_stopped_spool_takes_nothing(tmp_path):
    spool = spool_in(tmp_path / "s")
    spool.start()
    spool.stop()
    with pytest.raises(SpoolFailed):
        spool.append("traces", b"x")
    spool.close()


def test_the_age_of_the_oldest_request_counts_from_its_segments_birth(tmp_path):
    now = [1_000_000_000]
    spool = spool_in(tmp_path / "s", clock=lambda: now[0])
    spool.start()
    assert spool.oldest_age_s == 0
    spool.append("traces", b"x").result(5)
    now[0] += 3_000_000_000
    assert spool.oldest_age_s == 3
    now[0] = 0
    assert spool.oldest_age_s == 0
    spool.close()


def test_a_sender_who_gives_up_does_not_disturb_the_writer(tmp_path):
    spool = spool_in(tmp_path / "s")
    spool.start()
    assert not spool.append("traces", b"given up").cancel()
    spool.append("traces", b"next").result(5)
    spool.close()
    assert contents(spool) == [b"given up", b"next"]


def test_files_of_others_in_the_folder_are_left_alone(tmp_path):
    write(tmp_path / "s", b"one")
    for name in ("notes.open", "x.sealed", f"{1:020d}-traces.open"):
        (tmp_path / "s" / name).write_bytes(b"not ours")
    assert len(recovered(tmp_path / "s")) == 1
    assert (tmp_path / "s" / "notes.open").read_bytes() == b"not ours"


# Disks that refuse.


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_failed_write_or_fsync_acknowledges_nothing_and_the_next_one_works(tmp_path, monkeypatch, call, error):
    spool = spool_in(tmp_path / "s", segment_age_s=60)
    spool.start()
    spool.append("traces", b"before").result(5)
    real = getattr(os, call)
    failures = iter([True])

    def fail_once(*args):
        if next(failures, False):
            if call == "write":
                real(args[0], bytes(args[1])[:5])  # a full disk takes a part
            raise OSError(error, os.strerror(error))
        return real(*args)

    monkeypatch.setattr(os, call, fail_once)
    with pytest.raises(SpoolFailed):
        spool.append("traces", b"lost").result(5)
    spool.append("traces", b"after").result(5)
    monkeypatch.undo()
    spool.close()
    assert contents(spool) == [b"before", b"after"]
    assert len({segment.name for segment in spool._sealed}) == 2, "never write behind a failed fsync"
    assert spool.bytes == sum(segment.size_bytes for segment in spool._sealed)
    assert recovered(tmp_path / "s") == [b"before", b"after"]


def test_a_disk_that_stays_broken_refuses_everything_and_leaves_no_files(tmp_path, monkeypatch):
    spool = spool_in(tmp_path / "s")
    spool.start()

    def broken(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    for _ in range(5):
        with pytest.raises(SpoolFailed):
            spool.append("traces", b"lost").result(5)
    monkeypatch.undo()
    assert spool.bytes == 0
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["lock"]
    spool.append("traces", b"kept").result(5)
    spool.close()
    assert recovered(tmp_path / "s") == [b"kept"]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    write(tmp_path / "s", b"a request longer than three bytes")
    monkeypatch.undo()
    assert recovered(tmp_path / "s") == [b"a request longer than three bytes"]


def test_an_error_nobody_foresaw_fails_its_requests_and_not_the_writer(tmp_path, monkeypatch):
    spool = spool_in(tmp_path / "s")
    spool.start()
    monkeypatch.setattr("collector.frames.header_of", lambda _payload: 1 / 0)
    with pytest.raises(SpoolFailed):
        spool.append("traces", b"lost").result(5)
    monkeypatch.undo()
    spool.append("traces", b"kept").result(5)
    spool.close()
    assert contents(spool) == [b"kept"]


# Kills.

APPENDER = """
import sys, os
from pathlib import Path
from collector.limits import SpoolLimits
from collector.spool import Spool

spool = Spool(Path(sys.argv[1]), SpoolLimits(segment_bytes=20_000, segment_age_s=0.02), lambda *_: None)
spool.start()
number = int(sys.argv[2])
while True:
    group = [(n, spool.append("traces", b"%d " % n + os.urandom(n % 700))) for n in range(number, number + 20)]
    number += 20
    for n, future in group:
        future.result()
        os.write(2, b"%d\\n" % n)
"""


@pytest.mark.torture
def test_every_acknowledged_request_survives_kill_9_exactly_once(tmp_path):
    chance = random.Random(7)
    acknowledged: list[int] = []
    for round_ in range(300 if LONG else 6):
        child = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(tmp_path / "s"), str(round_ * 1_000_000)],
            stdout=subprocess.DEVNULL,  # where the log goes
            stderr=subprocess.PIPE,
        )
        acknowledged.append(int(child.stderr.readline()))
        time.sleep(chance.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stderr.read().split(b"\n")[:-1]]
        child.stderr.close()
        child.wait()
    found = Counter(int(payload.split(b" ")[0]) for payload in recovered(tmp_path / "s"))
    assert set(acknowledged) <= set(found)
    assert set(found.values()) == {1}


def test_a_copy_of_the_folder_at_any_moment_holds_what_was_acknowledged_by_then(tmp_path):
    spool = spool_in(tmp_path / "s", segment_age_s=0.005)
    spool.start()
    for number in range(40):
        spool.append("traces", b"%d" % number).result(5)
        copy = tmp_path / f"copy{number}"
        wait_for(lambda copy=copy: _copied(tmp_path / "s", copy))
        assert {int(payload) for payload in recovered(copy)} >= set(range(number + 1))
    spool.close()


def _copied(folder: Path, copy: Path) -> bool:
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(folder, copy)
    except shutil.Error:  # a rename came between
        return False
    return True
