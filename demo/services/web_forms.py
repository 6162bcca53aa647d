"""web-forms: where leads are captured, and where people unsubscribe."""

import uuid

from fastapi import Response
from fastapi.responses import JSONResponse
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from pydantic import BaseModel

from demo.messages import Lead, Submission
from demo.outbox import Outbox
from demo.people import segment_of
from demo.service import Service


class Unsubscription(BaseModel):
    email: str


class WebForms:
    def __init__(self, service: Service, outbox: Outbox) -> None:
        self._service = service
        self._outbox = outbox
        service.app.post("/forms/{form}")(self.submit)
        service.app.post("/unsubscribe")(self.unsubscribe)

    async def submit(self, form: str, submission: Submission) -> JSONResponse:
        """202 once the lead is saved; the outbox relay announces it."""
        lead = await self._recognise(form, submission)
        keys = _keys_of(lead)
        # The server span began before anyone knew which lead this is, so the baggage processor could not mark it.
        span = trace.get_current_span()
        span.set_attributes(keys)
        span.set_attribute("lead.event", "FormSubmitted")
        span.set_attribute("lead.email", lead.email)
        span.set_attribute("lead.name", lead.name)
        span.set_attribute("lead.phone", lead.phone)
        token = context.attach(_with_baggage(keys))
        try:
            self._save(lead)
        finally:
            context.detach(token)
        return JSONResponse({"lead_id": lead.lead_id, "correlation_id": lead.correlation_id}, status_code=202)

    async def unsubscribe(self, request: Unsubscription) -> Response:
        lead_id = self._outbox.lead_id_of(request.email)
        if lead_id is None:
            return Response(status_code=404)
        keys = {"lead.id": lead_id}
        span = trace.get_current_span()
        span.set_attributes({**keys, "lead.event": "Unsubscribed", "lead.email": request.email})
        token = context.attach(_with_baggage(keys))
        try:
            answer = await self._service.http.post(
                f"{self._service.urls['consent']}/optouts", json={"lead_id": lead_id}
            )
        finally:
            context.detach(token)
        return Response(status_code=answer.status_code)

    async def _recognise(self, form: str, submission: Submission) -> Lead:
        answer = await self._service.http.get(
            f"{self._service.urls['identity']}/people", params={"email": submission.email}
        )
        answer.raise_for_status()
        return Lead(
            **submission.model_dump(),
            lead_id=answer.json()["lead_id"],
            correlation_id=str(uuid.uuid4()),
            flow=form,
        )

    def _save(self, lead: Lead) -> None:
        attributes = {"db.system.name": "sqlite", "db.operation.name": "INSERT", "db.collection.name": "leads"}
        with self._service.tracer.start_as_current_span("INSERT leads", kind=SpanKind.CLIENT, attributes=attributes):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            self._outbox.save(lead, headers)


def _keys_of(lead: Lead) -> dict[str, str]:
    return {
        "lead.id": lead.lead_id,
        "lead.correlation_id": lead.correlation_id,
        "lead.flow": lead.flow,
        "lead.campaign": lead.campaign,
        "lead.segment": segment_of(lead.company_size),
        "lead.source": lead.source,
    }


def _with_baggage(keys: dict[str, str]) -> Context:
    current = context.get_current()
    for key, value in keys.items():
        current = baggage.set_baggage(key, value, current)
    return current
