"""OTLP over gRPC: the same door, on raw message bytes. gRPC itself decompresses and bounds them."""

from collections.abc import Callable
from typing import Any, Final

import grpc
import structlog

from collector import metrics
from collector.door import Door, Export
from collector.errors import DoorError, Unauthenticated, answer_to, report_bug, status_of
from collector.held import HeldBytes
from collector.limits import DoorLimits
from collector.otlp import SIGNALS, Signal

_DETAILS: Final = "grpc-status-details-bin"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_MAX_STREAMS: Final = 64  # requests in flight on one connection; each may hold a whole body
log = structlog.get_logger("collector.grpc")


class GrpcDoor:
    """The TraceService and LogsService for port 4317."""

    def __init__(
        self, door: Door, held: HeldBytes, authorize: Callable[[str | None], bool], limits: DoorLimits
    ) -> None:
        self._door = door
        self._held = held
        self._authorize = authorize
        self._limits = limits
        self._server: grpc.aio.Server | None = None

    async def start(self, address: str) -> int:
        """Listen on `host:port`; returns the port. Raises RuntimeError if the address is taken."""
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._limits.max_body_bytes),
                ("grpc.max_concurrent_streams", _MAX_STREAMS),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._server.add_generic_rpc_handlers([self._service(signal) for signal in SIGNALS.values()])
        port: int = self._server.add_insecure_port(address)
        await self._server.start()
        return port

    async def stop(self, grace_s: float) -> None:
        """Refuse new requests, let those under way end."""
        if self._server is not None:
            await self._server.stop(grace_s)

    def _service(self, signal: Signal) -> Any:
        async def export(body: bytes, context: Any) -> bytes:
            return await self._export(signal, body, context)

        handler = grpc.unary_unary_rpc_method_handler(export)
        return grpc.method_handlers_generic_handler(signal.service, {"Export": handler})

    async def _export(self, signal: Signal, body: bytes, context: Any) -> bytes:
        try:
            response = await self._take(signal, body, dict(context.invocation_metadata() or ()))
        except Exception as exc:
            if not isinstance(exc, DoorError):
                report_bug(log, exc)
            await self._refuse(signal, exc, context)
            raise  # abort() has raised; this tells the type checker
        metrics.requests.labels("grpc", signal.name, "OK").inc()
        return response

    async def _take(self, signal: Signal, body: bytes, metadata: dict[str, Any]) -> bytes:
        if not self._authorize(metadata.get("authorization")):
            raise Unauthenticated("a valid token is needed: authorization: Bearer …")
        with self._held.hold() as hold:
            hold.take(len(body))
            receipt = await self._door.take(Export(signal, body), hold)
        return receipt.response().SerializeToString()

    async def _refuse(self, signal: Signal, error: Exception, context: Any) -> None:
        status = status_of(error, retry_after_s=self._limits.retry_after_s)
        code = _CODES[answer_to(error).rpc]
        metrics.requests.labels("grpc", signal.name, code.name).inc()
        context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
        await context.abort(code, status.message)
