"""scoring: a number for each lead, and the gate to sales."""

import asyncio

from opentelemetry import trace

from demo.messages import LEAD_ENRICHED, LEAD_QUALIFIED, ConsentStatus, Lead
from demo.people import segment_of
from demo.service import Service
from demo.services.consent import status_of

GATE = 60
BASE = 30
SIZE_POINTS = {"smb": 20, "mid": 30, "enterprise": 40}
TITLE_POINTS = {"VP Marketing": 20, "Head of Growth": 20, "Student": -20}
OTHER_TITLE_POINTS = 15
CONSENT_LOOKS = 40
LOOK_EVERY_S = 0.1


class Scoring:
    def __init__(self, service: Service) -> None:
        self._service = service
        service.on(LEAD_ENRICHED, "/scores")(self.rate)

    async def rate(self, lead: Lead) -> None:
        score = score_of(lead)
        trace.get_current_span().set_attributes({"lead.event": "ScoreChanged", "lead.score": score})
        if score >= GATE and await self._consent_of(lead) == "granted":
            await self._service.publish(LEAD_QUALIFIED, lead.model_copy(update={"score": score}))

    async def _consent_of(self, lead: Lead) -> ConsentStatus:
        """Consent is decided in parallel with all this; wait for it a little."""
        for _ in range(CONSENT_LOOKS):
            status = await status_of(lead, self._service)
            if status != "unknown":
                return status
            await asyncio.sleep(LOOK_EVERY_S)
        return "unknown"


def score_of(lead: Lead) -> int:
    """Size counts only when the vendor confirmed it; without it nobody passes the gate."""
    size = 0 if lead.employees is None else SIZE_POINTS[segment_of(lead.employees)]
    return BASE + size + TITLE_POINTS.get(lead.title, OTHER_TITLE_POINTS)
