"""routing: which salesperson gets the lead."""

from opentelemetry import trace

from demo.messages import LEAD_QUALIFIED, LEAD_ROUTED, Lead
from demo.service import Service

TERRITORIES = {
    "DE": "dach", "SE": "nordics", "FR": "emea-south", "GB": "uk-ireland",
    "US": "north-america", "CA": "north-america", "JP": "apac", "BR": "latam",
}  # fmt: skip


class Routing:
    def __init__(self, service: Service) -> None:
        self._service = service
        service.on(LEAD_QUALIFIED, "/routes")(self.route)

    async def route(self, lead: Lead) -> None:
        owner = f"sdr-{_territory_of(lead)}"
        trace.get_current_span().set_attribute("lead.event", "LeadRouted")
        await self._service.publish(LEAD_ROUTED, lead.model_copy(update={"owner": owner}))


def _territory_of(lead: Lead) -> str:
    """A bug as real code has them: nobody thought of the country, and the message names the person."""
    territory = TERRITORIES.get(lead.country)
    if territory is None:
        raise LookupError(f"no territory for {lead.email}, country {lead.country!r}")
    return territory
