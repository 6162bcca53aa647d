"""outbox-relay: announces saved leads, at least once, inside the trace in which they were captured."""

import asyncio

import httpx
from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind

from demo.messages import LEAD_CREATED
from demo.outbox import Outbox, OutboxRow
from demo.service import MESSAGING_SYSTEM, Service

POLL_EVERY_S = 0.05
BATCH = 50


class OutboxRelay:
    def __init__(self, service: Service, outbox: Outbox) -> None:
        self._service = service
        self._outbox = outbox

    async def run(self) -> None:
        """Relay until cancelled. A row is marked after the bus took it, so a crash between the two repeats it."""
        while True:
            for row in self._outbox.unpublished(BATCH):
                try:
                    await self._relay(row)
                except httpx.HTTPError:
                    break  # the row stays; its span has the error
                self._outbox.mark_published(row.id)
            await asyncio.sleep(POLL_EVERY_S)

    async def _relay(self, row: OutboxRow) -> None:
        attributes = {
            "messaging.system": MESSAGING_SYSTEM,
            "messaging.operation.type": "receive",
            "messaging.operation.name": "receive",
            "messaging.destination.name": "outbox",
            "messaging.message.id": str(row.id),
        }
        token = context.attach(propagate.extract(row.headers))
        try:
            with self._service.tracer.start_as_current_span(
                "receive outbox", kind=SpanKind.CONSUMER, attributes=attributes
            ):
                await self._service.publish(LEAD_CREATED, row.lead)
        finally:
            context.detach(token)
