"""crm-writer: puts the lead into the CRM, with patience but not too much of it."""

import httpx
from opentelemetry import trace

from demo.messages import CRM_WRITTEN, LEAD_ROUTED, Lead
from demo.service import Service
from demo.vendor_client import VendorClient

ATTEMPTS = 4
TIMEOUT_S = 1.5
GAVE_UP = 502
FIELDS = {"email", "name", "phone", "company", "title", "country", "owner", "score", "sandbox"}


class CrmWriter:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._vendor = VendorClient("crm-api", service.provider, timeout_s=TIMEOUT_S, keep_bodies=True)
        service.closing.append(self._vendor.close)
        service.on(LEAD_ROUTED, "/leads")(self.write)

    async def write(self, lead: Lead) -> int | None:
        """502 sends the message to the bus's dead letters: the retries were ours to make."""
        url = f"{self._service.urls['crm-api']}/leads"
        record = {**lead.model_dump(include=FIELDS), "external_id": lead.correlation_id}
        try:
            answer = await self._vendor.post(url, record, key=lead.correlation_id, attempts=ATTEMPTS)
        except httpx.TransportError:
            return GAVE_UP
        if not answer.is_success:
            return GAVE_UP
        await self._announce(lead, answer)
        return None

    async def _announce(self, lead: Lead, answer: httpx.Response) -> None:
        """Only for a record that has an id: a write the CRM skipped ends here, and nobody is told."""
        crm_id = answer.json()["result"][0].get("id")
        if crm_id is None:
            return
        trace.get_current_span().set_attribute("lead.event", "CrmWritten")
        await self._service.publish(CRM_WRITTEN, lead.model_copy(update={"crm_id": crm_id}))
