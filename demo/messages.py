"""What travels between the services: a lead, inside a message of a topic."""

from typing import Literal

from pydantic import BaseModel

LEAD_CREATED = "LeadCreated"
IDENTITY_RESOLVED = "IdentityResolved"
LEAD_ENRICHED = "LeadEnriched"
LEAD_QUALIFIED = "LeadQualified"
LEAD_ROUTED = "LeadRouted"
CRM_WRITTEN = "CrmWritten"

ConsentStatus = Literal["unknown", "granted", "missing", "opted_out"]


class Submission(BaseModel):
    """What a visitor's browser posts; the last three are hidden fields of the form."""

    email: str
    name: str
    phone: str
    company: str
    title: str
    country: str
    company_size: int  # employees, as the visitor says
    consent: bool
    campaign: str
    source: str
    sequence: str = "inbound-demo"
    sandbox: str = ""  # magic value for the vendors' sandboxes, as with a payment provider's test cards


class Lead(Submission):
    """A submission with what the services have learned about it since."""

    lead_id: str
    correlation_id: str
    flow: str
    employees: int | None = None
    score: int | None = None
    owner: str | None = None
    crm_id: str | None = None

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


class Message(BaseModel):
    """A message as the bus takes it: `headers` carry the trace context and the baggage of its producer."""

    id: str
    headers: dict[str, str]
    lead: Lead
