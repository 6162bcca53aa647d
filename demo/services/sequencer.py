"""sequencer: the goal. Enrols the lead in a sequence of e-mails, or says why not."""

from opentelemetry import trace

from demo.messages import CRM_WRITTEN, Lead
from demo.service import Service
from demo.services.consent import status_of

PAUSED_SEQUENCES = frozenset({"winter-nurture"})
CONFLICT = 409


class Sequencer:
    def __init__(self, service: Service) -> None:
        self._service = service
        service.on(CRM_WRITTEN, "/enrolments")(self.enrol)

    async def enrol(self, lead: Lead) -> int | None:
        if await status_of(lead, self._service) == "opted_out":
            _skip("consent.opted_out_all")
            return None
        if lead.sequence in PAUSED_SEQUENCES:
            _skip("campaign.paused")
            return CONFLICT
        trace.get_current_span().set_attribute("lead.event", "SequenceEnrolled")
        return None


def _skip(reason: str) -> None:
    trace.get_current_span().set_attributes(
        {"lead.event": "EnrollmentSkipped", "lead.outcome": "skipped", "lead.reason": reason}
    )
