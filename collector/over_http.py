"""OTLP over HTTP: a bare ASGI application. A request is named, read, taken and answered; errors are one table."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

import structlog
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from collector import metrics
from collector.door import JSON, PROTOBUF, Door, Export
from collector.errors import (
    DoorError,
    SlowBody,
    TooLarge,
    Unauthenticated,
    UnknownPath,
    WrongMediaType,
    WrongMethod,
    answer_to,
    report_bug,
    status_of,
)
from collector.held import HeldBytes, Hold
from collector.inflate import ENCODINGS, IDENTITY
from collector.limits import DoorLimits
from collector.otlp import SIGNALS, Signal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Authorize = Callable[[str | None], bool]

#: application/protobuf is the type's registered name (IANA); OTLP says application/x-protobuf. Answers use the asker's.
MEDIA_TYPES: Final = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}
_BY_PATH: Final = {signal.path: signal for signal in SIGNALS.values()}
_NO_METRICS: Final = "leadtrace takes traces and logs, not metrics; send metrics elsewhere"
log = structlog.get_logger("collector.http")


class Response(NamedTuple):
    status: int
    media_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class HttpDoor:
    """The ASGI application for port 4318."""

    def __init__(self, door: Door, held: HeldBytes, authorize: Authorize, limits: DoorLimits) -> None:
        self._door = door
        self._held = held
        self._authorize = authorize
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive, self._limits)
            await _send(send, request, await self._answer(request))
        elif scope["type"] == "lifespan":
            await _live(receive, send)

    async def _answer(self, request: "Request") -> Response:
        try:
            response = await self._export(request)
        except DoorError as exc:
            if not isinstance(exc, SlowBody):
                await request.drain()
            response = self._refusal(request, exc)
        except Exception as exc:  # noqa: BLE001  the sender gets an answer, the log where, and neither the values
            report_bug(log, exc)
            response = self._refusal(request, exc)
        metrics.requests.labels("http", request.signal_name, response.status).inc()
        return response

    async def _export(self, request: "Request") -> Response:
        signal = request.signal()
        if not self._authorize(request.header(b"authorization")):
            raise Unauthenticated("a valid token is needed: Authorization: Bearer …")
        media, encoding = request.media(), request.encoding()
        with self._held.hold() as hold:
            body = await request.body(hold)
            receipt = await self._door.take(Export(signal, body, media, encoding), hold)
        return Response(200, request.media_type, _marshal(media, receipt.response()))

    def _refusal(self, request: "Request", error: Exception) -> Response:
        answer = answer_to(error)
        media_type = request.media_type if request.media_type in MEDIA_TYPES else JSON
        body = _marshal(MEDIA_TYPES[media_type], status_of(error, retry_after_s=self._limits.retry_after_s))
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if answer.retryable:
            headers = ((b"retry-after", str(self._limits.retry_after_s).encode()),)
        elif answer.http == 405:
            headers = ((b"allow", b"POST"),)
        elif answer.http == 401:
            headers = ((b"www-authenticate", b"Bearer"),)
        return Response(answer.http, media_type, body, headers)


class Request:
    """One HTTP request, read once, and only as far as its limits."""

    def __init__(self, scope: Scope, receive: Receive, limits: DoorLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.media_type = (self.header(b"content-type") or "").partition(";")[0].strip().lower()
        self.complete = False

    def header(self, name: bytes) -> str | None:
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def signal_name(self) -> str:
        signal = _BY_PATH.get(self.path)
        return signal.name if signal else "none"

    def signal(self) -> Signal:
        signal = _BY_PATH.get(self.path)
        if signal is None:
            known = ", ".join(f"POST {path}" for path in _BY_PATH)
            raise UnknownPath(_NO_METRICS if self.path == "/v1/metrics" else f"nothing is taken here, only {known}")
        if self.method != "POST":
            raise WrongMethod(f"{signal.path} takes POST only")
        return signal

    def media(self) -> str:
        if self.media_type not in MEDIA_TYPES:
            raise WrongMediaType(f"the content type must be {PROTOBUF} or {JSON}")
        return MEDIA_TYPES[self.media_type]

    def encoding(self) -> str:
        encoding = (self.header(b"content-encoding") or "").strip().lower() or IDENTITY
        if encoding == "none":
            return IDENTITY
        if encoding not in ENCODINGS:
            raise WrongMediaType(f"the content encoding must be one of {', '.join(ENCODINGS)}")
        return encoding

    async def body(self, hold: Hold) -> bytes:
        """The whole body. Raises TooLarge before reading where its length is told, SlowBody when it does not come."""
        if self._told_bytes() > self._limits.max_body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                return await self._read(hold)
        except TimeoutError as exc:
            raise SlowBody(f"the body was not there after {self._limits.body_timeout_s:g} s") from exc

    async def _read(self, hold: Hold) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while not self.complete:
            chunk = await self._next_chunk()
            size += len(chunk)
            if size > self._limits.max_body_bytes:
                raise self._too_large()
            hold.take(len(chunk))
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def drain(self) -> None:
        """Throw away what a refused sender is still sending, within bounds: it reads the answer only afterwards."""
        if self.header(b"expect"):
            return  # it waits to be asked for the body, and is not
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                while not self.complete and size <= 2 * self._limits.max_body_bytes:
                    size += len(await self._next_chunk())
        except (TimeoutError, SlowBody):
            return

    async def _next_chunk(self) -> bytes:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self.complete = True
            raise SlowBody("the sender went away before the body's end")
        self.complete = not event.get("more_body", False)
        chunk: bytes = event.get("body", b"")
        return chunk

    def _told_bytes(self) -> int:
        told = self._headers.get(b"content-length", b"0")
        return int(told) if told.isdigit() else 0

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is over the limit of {self._limits.max_body_bytes} bytes")


def _marshal(media: str, message: Message) -> bytes:
    return json.dumps(MessageToDict(message)).encode() if media == JSON else message.SerializeToString()


async def _send(send: Send, request: Request, response: Response) -> None:
    headers = [
        (b"content-type", response.media_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
    ]
    if not request.complete:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


async def _live(receive: Receive, send: Send) -> None:
    """The ASGI lifespan: whoever made the collector starts and stops it, so there is nothing to do but answer."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
