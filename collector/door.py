"""The door: body → inflate → parse → check → scrub → spool → answer. HTTP, gRPC and the web's events share it."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, cast

import structlog
from google.protobuf.message import DecodeError, Message

from collector import metrics
from collector.check import SENTENCES, UNDECODABLE, remove_bad_records
from collector.errors import SpoolFailed
from collector.held import Hold
from collector.inflate import IDENTITY, inflate
from collector.limits import DoorLimits
from collector.otlp import Signal, parse
from collector.otlp_json import parse_json
from collector.salvage import salvage
from collector.scrub import Scrubber
from collector.spool import Spool

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
log = structlog.get_logger("collector.door")
_PACKED_RATIO: Final = 8  # what telemetry usually shrinks by; it only decides which thread parses


@dataclass(frozen=True, slots=True)
class Export:
    """One export request as it came in."""

    signal: Signal
    body: bytes
    media: str = PROTOBUF
    encoding: str = IDENTITY


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was acknowledged of a request, and what was refused, by reason."""

    signal: Signal
    accepted: int
    refused: Counter[str] = field(default_factory=Counter)

    def response(self) -> Message:
        """The Export…ServiceResponse; partial_success is set only if something was refused."""
        response: Any = self.signal.response()
        if self.refused:
            setattr(response.partial_success, self.signal.rejected_field, self.refused.total())
            response.partial_success.error_message = self.sentence
        return cast("Message", response)

    @property
    def sentence(self) -> str:
        parts = ", ".join(f"{count} with {SENTENCES[reason]}" for reason, count in self.refused.most_common())
        return f"{self.refused.total()} {self.signal.noun} refused: {parts}"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A request ready for the spool. An empty payload means there is nothing to store."""

    receipt: Receipt
    payload: bytes


class Door:
    def __init__(self, spool: Spool, scrubber: Scrubber, limits: DoorLimits) -> None:
        self._spool = spool
        self._scrubber = scrubber
        self._limits = limits
        self._closed = False
        self._parsers = ThreadPoolExecutor(limits.parser_threads, thread_name_prefix="door-parser")

    async def take(self, export: Export, hold: Hold) -> Receipt:
        """Durable when it returns. Raises a DoorError if the request was not taken."""
        if self._closed:
            raise SpoolFailed("leadtrace is stopping; send it again")
        ready = await self._prepared(export, hold)
        if ready.payload:
            await asyncio.wrap_future(self._spool.append(export.signal.name, ready.payload))
        return _counted(ready)

    def take_message(self, signal: Signal, message: Message, timeout_s: float) -> Receipt:
        """The same road for a request made in this process, from any thread but the event loop's."""
        ready = self._ready(signal, message, Counter(), None)
        if ready.payload:
            try:
                self._spool.append(signal.name, ready.payload).result(timeout_s)
            except TimeoutError as exc:
                raise SpoolFailed(f"the spool did not answer within {timeout_s:g} s; send it again later") from exc
        return _counted(ready)

    def close(self) -> None:
        self._closed = True
        self._parsers.shutdown()

    async def _prepared(self, export: Export, hold: Hold) -> _Ready:
        likely_bytes = len(export.body) * (1 if export.encoding == IDENTITY else _PACKED_RATIO)
        if likely_bytes <= self._limits.off_loop_bytes:
            return self._prepare(export, hold)
        return await asyncio.get_running_loop().run_in_executor(self._parsers, self._prepare, export, hold)

    def _prepare(self, export: Export, hold: Hold) -> _Ready:
        body = inflate(export.encoding, export.body, self._limits.max_body_bytes, hold.take)
        metrics.request_bytes.labels(export.signal.name).inc(len(body))
        if export.media == JSON:
            message, lost = parse_json(export.signal, body)
            original = None
        else:
            message, lost = _parse_or_salvage(export.signal, body)
            original = None if lost else body
        return self._ready(export.signal, message, Counter({UNDECODABLE: lost} if lost else {}), original)

    def _ready(self, signal: Signal, message: Message, refused: Counter[str], original: bytes | None) -> _Ready:
        """Checked and scrubbed. The sender's own bytes are kept unless something had to be taken out or replaced."""
        accepted, bad = remove_bad_records(signal, message)
        receipt = Receipt(signal, accepted, refused + bad)
        if not accepted:
            return _Ready(receipt, b"")
        payload = original if original is not None and not bad else message.SerializeToString()
        if self._scrubber.suspects(payload):
            metrics.scrubbed.labels(signal.name).inc()
            self._scrubber.scrub(message)
            payload = message.SerializeToString()
        return _Ready(receipt, payload)


def _parse_or_salvage(signal: Signal, body: bytes) -> tuple[Message, int]:
    try:
        return parse(signal, body), 0
    except DecodeError:
        return salvage(signal, body)


def _counted(ready: _Ready) -> Receipt:
    receipt = ready.receipt
    metrics.accepted.labels(receipt.signal.name).inc(receipt.accepted)
    if receipt.refused:
        log.warning("records_refused", signal=receipt.signal.name, **receipt.refused)
    for reason, count in receipt.refused.items():
        metrics.refused.labels(receipt.signal.name, reason).inc(count)
    return receipt
