"""The whole stack in one process: vendors, bus, services, each behind its own port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from opentelemetry.sdk.trace import TracerProvider

from demo.bus import Bus
from demo.hosting import NO_TLS, Host
from demo.outbox import Outbox
from demo.service import Service
from demo.services.consent import Consent
from demo.services.crm_writer import CrmWriter
from demo.services.enrichment import Enrichment
from demo.services.identity import Identity
from demo.services.outbox_relay import OutboxRelay
from demo.services.routing import Routing
from demo.services.scoring import Scoring
from demo.services.sequencer import Sequencer
from demo.services.web_forms import WebForms
from demo.telemetry import Otlp
from demo.vendors import CrmApi, EnrichmentApi

CRM_WRITER_BEFORE = "2.4.0"
CRM_WRITER_AFTER = "2.4.1"
NEXT_CRM_WRITER = "crm-writer (next)"
DRAIN_S = 3.0
LOOK_EVERY_S = 0.05
UNSEEN = ("bus", "crm-api", "enrichment-api")

VERSIONS = {
    "web-forms": "5.1.2",
    "outbox-relay": "1.3.0",
    "consent": "3.0.4",
    "identity": "2.8.0",
    "enrichment": "1.9.1",
    "scoring": "4.2.0",
    "routing": "1.6.3",
    "crm-writer": CRM_WRITER_BEFORE,
    "sequencer": "3.3.0",
}


class Stack:
    """Use `running_stack`. The stack is driven by its URLs; `unfinished` and `flush` are the operator's view."""

    def __init__(self, otlp: Otlp, folder: Path) -> None:
        self._host = Host([*UNSEEN, *VERSIONS, NEXT_CRM_WRITER])
        self.urls = self._host.urls
        self._operator = httpx.AsyncClient(trust_env=False, verify=NO_TLS)
        self._bus = Bus()
        self._crm = CrmApi()
        self._outboxes = [Outbox(folder / "web-forms.sqlite"), Outbox(folder / "web-forms.sqlite")]
        self._services = self._build(otlp)
        self._relay = OutboxRelay(self._services["outbox-relay"], self._outboxes[1])
        self._relaying: asyncio.Task[None] | None = None

    @property
    def services(self) -> list[dict[str, str]]:
        """Name and version of every service that exports telemetry."""
        return [{"name": service.name, "version": service.version} for service in self._services.values()]

    @property
    def unfinished(self) -> int:
        """Leads not announced yet, and messages some service is still working on; 0 means nothing more happens."""
        return self._outboxes[1].waiting() + self._bus.pending

    async def start(self) -> None:
        apps = {"bus": self._bus.app, "crm-api": self._crm.app, "enrichment-api": EnrichmentApi().app}
        apps.update({name: service.app for name, service in self._services.items()})
        await asyncio.gather(*(self._host.serve(name, app) for name, app in apps.items()))
        for name, service in self._services.items():
            if name != NEXT_CRM_WRITER:
                await self._subscribe(service, self.urls[name])
        self._relaying = asyncio.create_task(self._relay.run())

    async def settle(self, timeout_s: float) -> None:
        """Return when nothing moves any more; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.unfinished:  # noqa: ASYNC110  (two counters of two parties, watched from outside)
                await asyncio.sleep(LOOK_EVERY_S)

    async def roll_out_crm_writer(self) -> None:
        """From now on the newer instance of crm-writer gets the messages; the older had some, if there were any."""
        while self.unfinished and not self._crm.was_asked:  # noqa: ASYNC110  (as in `settle`)
            await asyncio.sleep(LOOK_EVERY_S)
        await self._subscribe(self._services[NEXT_CRM_WRITER], self.urls[NEXT_CRM_WRITER])

    async def flush(self) -> None:
        """Return when every ended span has been offered to the collector."""
        await self._for_each_provider(lambda provider: provider.force_flush())

    async def close(self) -> None:
        """Let what is under way finish for a little while, then stop everything and send the last spans."""
        with contextlib.suppress(TimeoutError):
            await self.settle(DRAIN_S)
        if self._relaying is not None:
            self._relaying.cancel()
            await asyncio.gather(self._relaying, return_exceptions=True)
        await self._bus.close()
        await self._host.close()
        await asyncio.gather(*(service.close() for service in self._services.values()), self._operator.aclose())
        for outbox in self._outboxes:
            outbox.close()
        await self._for_each_provider(lambda provider: provider.shutdown())

    def _build(self, otlp: Otlp) -> dict[str, Service]:
        services = {name: Service(name, version, otlp=otlp, urls=self.urls) for name, version in VERSIONS.items()}
        services[NEXT_CRM_WRITER] = Service("crm-writer", CRM_WRITER_AFTER, otlp=otlp, urls=self.urls)
        WebForms(services["web-forms"], self._outboxes[0])
        Consent(services["consent"])
        Identity(services["identity"])
        Enrichment(services["enrichment"])
        Scoring(services["scoring"])
        Routing(services["routing"])
        CrmWriter(services["crm-writer"])
        CrmWriter(services[NEXT_CRM_WRITER])
        Sequencer(services["sequencer"])
        return services

    async def _subscribe(self, service: Service, url: str) -> None:
        for subscription in service.subscriptions:
            endpoint = {"topic": subscription.topic, "url": url + subscription.path}
            answer = await self._operator.put(f"{self.urls['bus']}/subscriptions/{service.name}", json=endpoint)
            answer.raise_for_status()

    async def _for_each_provider(self, act: Callable[[TracerProvider], object]) -> None:
        """All at once and off the loop: exporting blocks."""
        await asyncio.gather(*(asyncio.to_thread(act, service.provider) for service in self._services.values()))


@contextlib.asynccontextmanager
async def running_stack(otlp: Otlp, folder: Path) -> AsyncIterator[Stack]:
    """A stack that answers on every port, and is stopped and flushed at the end."""
    stack = Stack(otlp, folder)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.close()
