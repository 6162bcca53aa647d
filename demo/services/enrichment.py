"""enrichment: asks a vendor about the lead's company. Good to have; a lead goes on without it."""

import httpx

from demo.messages import IDENTITY_RESOLVED, LEAD_ENRICHED, Lead
from demo.service import Service
from demo.vendor_client import VendorClient

ATTEMPTS = 2
TIMEOUT_S = 1.5


class Enrichment:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._vendor = VendorClient("enrichment-api", service.provider, timeout_s=TIMEOUT_S)
        service.closing.append(self._vendor.close)
        service.on(IDENTITY_RESOLVED, "/enrichments")(self.enrich)

    async def enrich(self, lead: Lead) -> None:
        employees = await self._employees_of(lead)
        await self._service.publish(LEAD_ENRICHED, lead.model_copy(update={"employees": employees}))

    async def _employees_of(self, lead: Lead) -> int | None:
        url = f"{self._service.urls['enrichment-api']}/v1/companies/find"
        query = {"domain": lead.domain, "sandbox": lead.sandbox}
        try:
            answer = await self._vendor.post(url, query, key=lead.correlation_id, attempts=ATTEMPTS)
        except httpx.TransportError:
            return None
        return int(answer.json()["employees"]) if answer.is_success else None
