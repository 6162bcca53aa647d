"""consent: knows who may be written to."""

from fastapi import Response
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel

from demo.messages import LEAD_CREATED, ConsentStatus, Lead
from demo.service import Service


class OptOut(BaseModel):
    lead_id: str


class Consent:
    def __init__(self, service: Service) -> None:
        self._status: dict[str, ConsentStatus] = {}
        service.on(LEAD_CREATED, "/consents")(self.record)
        service.app.get("/consents/{lead_id}")(self.look_up)
        service.app.post("/optouts")(self.opt_out)

    async def record(self, lead: Lead) -> None:
        span = trace.get_current_span()
        if self._status.get(lead.lead_id) == "opted_out":
            span.set_attributes({"lead.outcome": "skipped", "lead.reason": "consent.opted_out_all"})
        elif lead.consent:
            self._status[lead.lead_id] = "granted"
            span.set_attribute("lead.event", "ConsentGranted")
        else:
            self._status[lead.lead_id] = "missing"
            span.set_attributes({"lead.outcome": "skipped", "lead.reason": "consent.missing"})

    async def look_up(self, lead_id: str) -> JSONResponse:
        return JSONResponse({"status": self._status.get(lead_id, "unknown")})

    async def opt_out(self, request: OptOut) -> Response:
        self._status[request.lead_id] = "opted_out"
        trace.get_current_span().set_attribute("lead.event", "ConsentWithdrawn")
        return Response(status_code=204)


async def status_of(lead: Lead, service: Service) -> ConsentStatus:
    """What the consent service says of the lead, asked by another service over HTTP."""
    answer = await service.http.get(f"{service.urls['consent']}/consents/{lead.lead_id}")
    answer.raise_for_status()
    status: ConsentStatus = answer.json()["status"]
    return status
