"""The collector: door, spool and loader wired together. `leadtrace serve` and `leadtrace collector` run one."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from google.protobuf.message import Message

from collector import metrics
from collector.door import Door, Receipt
from collector.held import HeldBytes
from collector.limits import DoorLimits, LoaderLimits, SpoolLimits
from collector.loader import Land, Loader
from collector.otlp import SIGNALS
from collector.over_grpc import GrpcDoor
from collector.over_http import Authorize, HttpDoor
from collector.quarantine import Quarantine, QuarantineRecord
from collector.scrub import Scrubber
from collector.spool import Spool
from model.personal import DEFAULT_PERSONAL_KEYS, Kind, PersonalKey

_INJECT_TIMEOUT_S: Final = 10.0
_DOOR_LIMITS: Final = DoorLimits()
_SPOOL_LIMITS: Final = SpoolLimits()
_LOADER_LIMITS: Final = LoaderLimits()


@dataclass(frozen=True, slots=True)
class Status:
    """What the collector holds now."""

    spool_bytes: int
    spool_segments: int
    oldest_age_s: float
    quarantined: int


class Collector:
    """Making it locks and recovers the spool; `start` begins to write and load; the doors are `asgi_app` and gRPC."""

    def __init__(
        self,
        *,
        spool_dir: Path,
        quarantine_dir: Path,
        personal: PersonalKey,
        land: Land,
        authorize: Authorize,
        personal_keys: Mapping[str, Kind] = DEFAULT_PERSONAL_KEYS,
        on_quarantine: Callable[[QuarantineRecord], object] = lambda _record: None,
        door_limits: DoorLimits = _DOOR_LIMITS,
        spool_limits: SpoolLimits = _SPOOL_LIMITS,
        loader_limits: LoaderLimits = _LOADER_LIMITS,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.quarantine = Quarantine(
            quarantine_dir,
            loader_limits.quarantine_bytes,
            now=lambda: datetime.fromtimestamp(now_ns() / 1e9, UTC),
        )
        self._spool = Spool(spool_dir, spool_limits, self.quarantine.keep_damaged, now_ns=now_ns)
        self._loader = Loader(self._spool, self.quarantine, land, loader_limits, on_quarantine=on_quarantine)
        self._door = Door(self._spool, Scrubber(personal, personal_keys), door_limits)
        held = HeldBytes(door_limits.max_held_bytes)
        self.asgi_app = HttpDoor(self._door, held, authorize, door_limits)
        self._grpc = GrpcDoor(self._door, held, authorize, door_limits)

    def start(self) -> None:
        """Begin to write and to load. The doors may open before: requests wait until this."""
        metrics.spool_bytes.set_function(lambda: self._spool.bytes)
        metrics.spool_segments.set_function(lambda: self._spool.segments)
        metrics.spool_oldest_age.set_function(lambda: self._spool.oldest_age_s)
        self._spool.start()
        self._loader.start(tuple(SIGNALS))

    async def start_grpc(self, address: str) -> int:
        """Listen for OTLP/gRPC on `host:port` in this event loop; returns the port."""
        return await self._grpc.start(address)

    async def stop_grpc(self, grace_s: float = 2.0) -> None:
        await self._grpc.stop(grace_s)

    def inject(self, signal: str, message: Message, *, timeout_s: float = _INJECT_TIMEOUT_S) -> Receipt:
        """Take an export request made in this process, such as a webhook's log record, on the same road.

        Durable when it returns. Raises a DoorError that says whether to try again. Not for the event loop's thread.
        """
        return self._door.take_message(SIGNALS[signal], message, timeout_s)

    def stop(self, *, drain_s: float = 5.0) -> bool:
        """Close the doors first. Writes and seals what was taken, loads what it can; False if some is left on disk."""
        self._door.close()
        self._spool.stop()
        drained = self._loader.stop(drain_s)
        self._spool.close()
        return drained

    def status(self) -> Status:
        return Status(self._spool.bytes, self._spool.segments, self._spool.oldest_age_s, len(self.quarantine))
