"""identity: one person, one lead id, however often they come back."""

import itertools

from fastapi.responses import JSONResponse

from demo.messages import IDENTITY_RESOLVED, LEAD_CREATED, Lead
from demo.service import Service

FIRST_LEAD = 1001


class Identity:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._lead_ids: dict[str, str] = {}
        self._numbers = itertools.count(FIRST_LEAD)
        service.app.get("/people")(self.recognise)
        service.on(LEAD_CREATED, "/identities")(self.resolve)

    async def recognise(self, email: str) -> JSONResponse:
        """Known people keep their id. The e-mail travels in a query string, as it does in too many real stacks."""
        known = email in self._lead_ids
        if not known:
            self._lead_ids[email] = f"L-{next(self._numbers)}"
        return JSONResponse({"lead_id": self._lead_ids[email], "known": known})

    async def resolve(self, lead: Lead) -> None:
        await self._service.publish(IDENTITY_RESOLVED, lead)
