"""What a request may ask for: each parameter with its bounds, read once, at the door."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError

from lineage.window import MAX_TEXT, Window, window
from store.counts import Slice

Clock = Callable[[], datetime]

MAX_QUERY = 1_000
MAX_NAME = 200
MAX_LEAD = 1_000
MAX_FILTER = 500

Lead = Annotated[
    str,
    Path(
        max_length=MAX_LEAD,
        description="The lead's id, or another key that belongs to it alone (correlation id, e-mail, CRM id). "
        "Percent-encode everything in it, slashes too.",
        examples=["L-1042", "ada@acme.example"],
    ),
]
FlowName = Annotated[str, Path(max_length=MAX_NAME, description="The flow's name.", examples=["demo-request"])]
TraceId = Annotated[
    str,
    Path(
        pattern=r"^[0-9A-Fa-f]{1,64}$",
        description="The trace's id in hex.",
        examples=["5b8efff798038103d269b633813fc60c"],
    ),
]
Cursor = Annotated[
    str | None, Query(pattern=r"^\d{1,6}$", description="`next` of the page before; leave out for the first page.")
]
SearchText = Annotated[
    str,
    Query(
        max_length=MAX_QUERY,
        description="The start of a lead id, correlation id, e-mail address or CRM id, or a whole trace id. "
        "Empty: the latest leads.",
        examples=["L-10", "ada@acme.example"],
    ),
]
OfFlow = Annotated[
    str | None, Query(max_length=MAX_NAME, description="The flow to answer for; without it the latest entry's.")
]
OfEntry = Annotated[
    str | None,
    Query(max_length=MAX_LEAD, description="The entry (correlation id) to answer for; else the latest."),
]
Since = Annotated[
    str | None,
    Query(
        max_length=MAX_TEXT,
        description="The first moment of capture: a length back from now (`24h`, `7d`), a date, or a time with its "
        "zone. Default: 7 days before `until`.",
        examples=["7d", "2026-11-24", "2026-11-24T09:00:00Z"],
    ),
]
Until = Annotated[
    str | None,
    Query(
        max_length=MAX_TEXT,
        description="The moment of capture to stop before, written like `since`; a plain date includes that day. "
        "Default: now.",
        examples=["now", "2026-11-25"],
    ),
]
Campaign = Annotated[str, Query(max_length=MAX_FILTER, description="Only entries of this campaign.")]
Segment = Annotated[str, Query(max_length=MAX_FILTER, description="Only entries of this segment.")]
Source = Annotated[str, Query(max_length=MAX_FILTER, description="Only entries from this source.")]
Cause = Annotated[
    str,
    Query(max_length=MAX_FILTER, description="List the leads this cause stopped.", examples=["crm.rate_limit"]),
]
Step = Annotated[str, Query(max_length=MAX_FILTER, description="List the leads that stopped at this step.")]
OfStatus = Annotated[
    str,
    Query(
        pattern="^(entered|skipped|blocked|pending|unknown)?$",
        description="List the leads with this status.",
        examples=["blocked"],
    ),
]


@dataclass(frozen=True, slots=True)
class Part:
    """Which of a flow's entries to count."""

    when: Window
    campaign: str
    segment: str
    source: str

    def of(self, flow: str) -> Slice:
        return Slice(flow, self.when.since, self.when.until, self.campaign, self.segment, self.source)


def part_reader(clock: Clock) -> Callable[..., Part]:
    """A dependency that reads which entries to count; its times are relative to the clock."""

    def read(
        since: Since = None, until: Until = None, campaign: Campaign = "", segment: Segment = "", source: Source = ""
    ) -> Part:
        return Part(window(since, until, now=clock()), campaign, segment, source)

    return read


def only_known(request: Request) -> None:
    """A dependency that refuses a parameter which the route does not have: of a misspelt filter the answer would be
    about something else.
    """
    known = set(_read_by(request.scope["route"].dependant))
    said = f"there is no such parameter here; {', '.join(sorted(known)) or 'none'} can be asked for"
    errors = [
        {"loc": ("query", name), "msg": said} for name in dict.fromkeys(request.query_params) if name not in known
    ]
    if errors:
        raise RequestValidationError(errors)


def _read_by(handler: Dependant) -> Iterator[str]:
    """The query parameters that a handler reads, and what it depends on."""
    yield from (one.alias for one in handler.query_params)
    for dependency in handler.dependencies:
        yield from _read_by(dependency)
