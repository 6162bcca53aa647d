"""What every service of the stack is made of: an app, an HTTP client, a tracer, a way to publish and to subscribe."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, Request, Response
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.trace import SpanKind

from demo.hosting import NO_TLS
from demo.messages import Lead, Message
from demo.telemetry import Otlp, provider_for

MESSAGING_SYSTEM = "demo-bus"
INTERNAL_TIMEOUT_S = 15.0
ACKNOWLEDGED = 204

Reaction = Callable[[Lead], Awaitable[int | None]]


@dataclass(frozen=True)
class Subscription:
    """The bus pushes each message of `topic` to `path` of `service`."""

    service: str
    topic: str
    path: str


class Service:
    """One instrumented service; `urls` says where its neighbours listen."""

    def __init__(self, name: str, version: str, *, otlp: Otlp, urls: dict[str, str]) -> None:
        self.name = name
        self.version = version
        self.urls = urls
        self.subscriptions: list[Subscription] = []
        self.closing: list[Callable[[], Awaitable[None]]] = []
        self.provider = provider_for(name, version, otlp)
        self.tracer = self.provider.get_tracer(f"{name}.code", version)
        self.app = FastAPI(openapi_url=None)
        self.http = httpx.AsyncClient(timeout=INTERNAL_TIMEOUT_S, trust_env=False, verify=NO_TLS)
        FastAPIInstrumentor.instrument_app(self.app, tracer_provider=self.provider, exclude_spans=["send", "receive"])
        HTTPXClientInstrumentor.instrument_client(self.http, tracer_provider=self.provider)

    def on(self, topic: str, path: str) -> Callable[[Reaction], Reaction]:
        """Call the decorated reaction for each lead of `topic`; it may return another HTTP status than 204."""

        def register(react: Reaction) -> Reaction:
            async def deliver(lead: Lead, request: Request) -> Response:
                trace.get_current_span().set_attributes(
                    {
                        "messaging.system": MESSAGING_SYSTEM,
                        "messaging.operation.type": "process",
                        "messaging.destination.name": topic,
                        "messaging.consumer.group.name": self.name,
                        "messaging.message.id": request.headers["message-id"],
                    }
                )
                return Response(status_code=await react(lead) or ACKNOWLEDGED)

            self.app.post(path)(deliver)
            self.subscriptions.append(Subscription(self.name, topic, path))
            return react

        return register

    async def publish(self, topic: str, lead: Lead) -> None:
        """Hand the lead to the bus; raises httpx.HTTPError when the bus did not take it."""
        message_id = str(uuid.uuid4())
        attributes = {
            "messaging.system": MESSAGING_SYSTEM,
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": topic,
            "messaging.message.id": message_id,
        }
        with self.tracer.start_as_current_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            message = Message(id=message_id, headers=headers, lead=lead)
            answer = await self.http.post(f"{self.urls['bus']}/topics/{topic}", json=message.model_dump())
            answer.raise_for_status()

    async def close(self) -> None:
        for close in self.closing:
            await close()
        await self.http.aclose()
