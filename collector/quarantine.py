"""The quarantine: requests that the store will never take, kept for people, with the reason beside them."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from collector import frames
from collector.segments import sync_folder

MAX_REASON_CHARS: Final = 500


class QuarantineFullError(OSError):
    """The quarantine is at its bound; nothing is thrown away to make room."""


@dataclass(frozen=True, slots=True)
class QuarantineRecord:
    signal: str
    segment: str
    """The token the request was tried under: its segment, and its place in it."""
    reason: str
    at: str
    """When, as ISO 8601 in UTC."""
    bytes: int
    file: str
    """The framed request, beside the record."""


class Quarantine:
    def __init__(self, folder: Path, max_bytes: int, *, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._now = now
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def keep_request(self, signal: str, token: str, payload: bytes, reason: str) -> QuarantineRecord:
        """Durable when it returns. The same request kept again, after a crash, replaces itself."""
        return self._keep(signal, token, frames.frame(payload), ".frames", reason)

    def keep_damaged(self, signal: str, segment: str, damaged: bytes, reason: str) -> QuarantineRecord:
        """The end of a segment whose frames cannot be read, as it was."""
        return self._keep(signal, segment, damaged, ".damaged", reason)

    def records(self) -> list[QuarantineRecord]:
        """Everything kept, oldest first."""
        return [QuarantineRecord(**json.loads(path.read_text())) for path in sorted(self._folder.glob("*.json"))]

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.glob("*.json"))

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def _keep(self, signal: str, token: str, content: bytes, suffix: str, reason: str) -> QuarantineRecord:
        if self.size_bytes + len(content) > self._max_bytes:
            raise QuarantineFullError(f"the quarantine {self._folder} is full; look at it and empty it")
        file = f"{token}{suffix}"
        at = self._now().isoformat(timespec="milliseconds")
        record = QuarantineRecord(signal, token, reason[:MAX_REASON_CHARS], at, len(content), file)
        self._write(file, content)
        self._write(f"{file}.json", json.dumps(asdict(record)).encode())
        sync_folder(self._folder)
        return record

    def _write(self, name: str, content: bytes) -> None:
        draft = self._folder / f".{name}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / name)
