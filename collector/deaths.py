"""How often the process died while inserting a segment, remembered beside it.

A request that kills the engine would kill it again at every start. The count is written before an insert and taken back
after it, so what remains at a start are deaths.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SUFFIX: Final = ".deaths"


class Deaths:
    """The deaths of one segment, by the run of requests that was being inserted."""

    def __init__(self, segment: Path) -> None:
        self._file = segment.with_suffix(SUFFIX)
        self._counts = self._read()

    def of(self, part: range) -> int:
        return self._counts.get(_key(part), 0)

    @contextlib.contextmanager
    def watch(self, part: range) -> Iterator[None]:
        """Count a death unless the block is left alive, whichever way."""
        before = self.of(part)
        self._write(part, before + 1)
        try:
            yield
        finally:
            self._write(part, before)

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, int]:
        try:
            counts = json.loads(self._file.read_bytes())
            return {part: int(deaths) for part, deaths in counts.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # none yet, or half written: counting starts again
            return {}

    def _write(self, part: range, deaths: int) -> None:
        self._counts[_key(part)] = deaths
        with contextlib.suppress(OSError):  # a full disk must not stop the loader, who makes room on it
            self._file.write_text(json.dumps(self._counts))  # no fsync: it outlives the process, that is enough


def _key(part: range) -> str:
    return f"{part.start}-{part.stop}"
