"""Segments: the spool's files, and what a start makes of those that the last run left.

A segment is `<name>.open` while it is written and `<name>.sealed` afterwards. Its name is also the token under which
its INSERT is deduplicated, so a name is never used twice: nanoseconds, then chance, then the signal.
"""

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from collector import frames, metrics

OPEN: Final = ".open"
SEALED: Final = ".sealed"
DAMAGED: Final = ".damaged"
DAMAGE: Final = "a frame's checksum does not hold: the disk changed what was written"
_FILE: Final = re.compile(rf"\d{{20}}-[0-9a-f]{{16}}-[a-z]+({OPEN}|{SEALED})")
log = structlog.get_logger("collector.spool")

#: Keeps bytes that cannot be used, for people to look at: (signal, segment, bytes, reason).
KeepDamaged = Callable[[str, str, bytes, str], object]


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment. Its first `size_bytes` are whole frames; anything after was never acknowledged."""

    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        return self.path.name.partition(".")[0]

    @property
    def signal(self) -> str:
        return self.name.rpartition("-")[2]

    @property
    def born_ns(self) -> int:
        return int(self.name.partition("-")[0])

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(self.size_bytes)


class Names:
    """Names that sort by time and never repeat, also where the clock goes backwards."""

    def __init__(self, now_ns: Callable[[], int], after_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._last_ns = after_ns

    def next(self, signal: str) -> str:
        self._last_ns = max(self._now_ns(), self._last_ns + 1)
        return f"{self._last_ns:020d}-{secrets.token_hex(8)}-{signal}"


class Recovered(NamedTuple):
    """What a start found: segments ready for the loader, oldest first, and the newest name's time."""

    segments: list[Segment]
    last_ns: int


def recover(folder: Path, keep_damaged: KeepDamaged) -> Recovered:
    """Seal what the last run left open, cut torn tails, move damaged ends away. Never fails for a damaged file."""
    found = sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))
    segments = [segment for path in found if (segment := _recover_file(path, keep_damaged))]
    sync_folder(folder)
    return Recovered(segments, max((Segment(path, 0).born_ns for path in found), default=0))


def _recover_file(path: Path, keep_damaged: KeepDamaged) -> Segment | None:
    file = path.read_bytes()
    whole = frames.scan(file)
    lost = len(file) - whole.good_bytes
    if lost and whole.torn and path.suffix == OPEN:
        metrics.spool_cut_bytes.inc(lost)
        log.warning("torn_tail_cut", segment=path.stem, bytes=lost, kept_requests=len(whole.payloads))
    elif lost:
        segment = Segment(path, len(file))
        try:
            keep_end(segment, file[whole.good_bytes :], keep_damaged)
        except OSError as exc:
            path.rename(path.with_suffix(DAMAGED))
            log.error("damaged_segment_set_aside", segment=path.stem, bytes=len(file), error=repr(exc))
            return None
    if not whole.payloads:
        path.unlink()
        return None
    if lost:
        _cut(path, whole.good_bytes)
    return seal(Segment(path, whole.good_bytes))


def keep_end(segment: Segment, damaged: bytes, keep_damaged: KeepDamaged) -> None:
    """Move the end of a segment that cannot be read out of the way, loudly."""
    keep_damaged(segment.signal, segment.name, damaged, DAMAGE)
    metrics.spool_damaged_bytes.inc(len(damaged))
    log.error("segment_damaged", segment=segment.name, bytes=len(damaged))


def seal(segment: Segment) -> Segment:
    """The rename needs no fsync: under either name a start takes the segment for the same one."""
    sealed = segment.path.with_suffix(SEALED)
    segment.path.rename(sealed)
    return Segment(sealed, segment.size_bytes)


def sync_folder(folder: Path) -> None:
    """Make creations, renames and deletions in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
