"""A push message bus, as a cloud sells it: subscribers get each message by HTTP. It exports no telemetry."""

import asyncio
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, Response
from pydantic import BaseModel

from demo.hosting import NO_TLS
from demo.messages import LEAD_QUALIFIED, Message

MAX_PENDING = 5_000
DELIVERY_ATTEMPTS = 3
DELIVERY_TIMEOUT_S = 30.0
REDELIVER_AFTER_S = 0.2
LOSES_MESSAGES = "bus:lose"


class Endpoint(BaseModel):
    topic: str
    url: str


@dataclass(frozen=True)
class Delivery:
    topic: str
    url: str
    message: Message


class Bus:
    """At-least-once: a subscriber that answers 503, or not at all, gets the message again; any other answer ends it."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.put("/subscriptions/{name}")(self._subscribe)
        self.app.post("/topics/{topic}")(self._accept)
        self._subscribers: dict[str, Endpoint] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._closing = False
        self._http = httpx.AsyncClient(timeout=DELIVERY_TIMEOUT_S, trust_env=False, verify=NO_TLS)

    @property
    def pending(self) -> int:
        """Deliveries whose subscriber has not answered yet."""
        return len(self._deliveries)

    async def close(self) -> None:
        """Drop what is not delivered, and take nothing more."""
        self._closing = True
        for delivery in list(self._deliveries):
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)
        await self._http.aclose()

    async def _subscribe(self, name: str, endpoint: Endpoint) -> Response:
        self._subscribers[name] = endpoint
        return Response(status_code=204)

    async def _accept(self, topic: str, message: Message) -> Response:
        if self._closing or self.pending >= MAX_PENDING:
            return Response(status_code=503, headers={"retry-after": "1"})
        if not _lost(topic, message):
            for subscriber in self._subscribers.values():
                if subscriber.topic == topic:
                    self._start(Delivery(topic, subscriber.url, message))
        return Response(status_code=202)

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        message = delivery.message
        headers = {**message.headers, "message-id": message.id, "message-topic": delivery.topic}
        for _ in range(DELIVERY_ATTEMPTS):
            try:
                answer = await self._http.post(delivery.url, json=message.lead.model_dump(), headers=headers)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code != 503:
                    return
            await asyncio.sleep(REDELIVER_AFTER_S)


def _lost(topic: str, message: Message) -> bool:
    """The planted fault of the bus: it says 202 to a message for routing and forgets it."""
    return topic == LEAD_QUALIFIED and message.lead.sandbox == LOSES_MESSAGES
