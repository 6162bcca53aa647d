"""A hop: one thing one system did, or refused to do, with one lead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model import attributes as names
from model.kept import kept

if TYPE_CHECKING:
    from model.shape import Shape

NS = 1_000_000_000
MS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ns: int) -> datetime:
    """The aware UTC datetime of nanoseconds since the epoch, to the microsecond."""
    return _EPOCH + timedelta(0, 0, at_ns // 1000)


def ns_of(at: datetime) -> int:
    """Nanoseconds since the epoch, of a datetime that tells microseconds."""
    return int(at.timestamp() * 1_000_000) * 1000


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something a span says happened while it ran; an exception, mostly."""

    at_ns: int
    name: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Hop:
    """A span or an event of a lead's journey.

    Times are nanoseconds since the epoch, as the sender's clock said; `at` is the same as an aware datetime. Attribute
    values are text (docs/conventions.md says how numbers, arrays and bytes are written).
    """

    lead: str
    trace_id: str
    hop_id: str
    parent_id: str
    signal: str
    at_ns: int
    duration_ns: int
    service: str
    name: str
    kind: str = "unspecified"
    status: str = "unset"
    status_message: str = ""
    service_version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    shape: "Shape | None" = field(default=None, compare=False, repr=False)

    @kept
    def at(self) -> datetime:
        return moment(self.at_ns)

    @property
    def end_ns(self) -> int:
        return self.at_ns + self.duration_ns

    @kept
    def entry(self) -> str:
        """The entry's correlation id, where the hop carries one."""
        return self.attributes.get(names.CORRELATION_ID, "")

    @kept
    def flow(self) -> str:
        return self.attributes.get(names.FLOW, "")

    @kept
    def event(self) -> str:
        """What happened, by name: a span's `lead.event`, or the event name of a log record."""
        return self.attributes.get(names.EVENT) or (self.name if self.signal == "event" else "")

    @kept
    def outcome(self) -> str:
        return self.attributes.get(names.OUTCOME, "").lower()

    @property
    def reason(self) -> str:
        """The canonical cause or the vendor's own code, verbatim."""
        return self.attributes.get(names.REASON, "")

    @property
    def system(self) -> str:
        return self.attributes.get(names.SYSTEM, "")

    @property
    def attempt(self) -> int:
        """Which try this is, from 1; 0 where nobody counted."""
        for name in (names.ATTEMPT, "http.request.resend_count"):
            text = self.attributes.get(name, "")
            if text.isdecimal():
                return int(text) + (0 if name == names.ATTEMPT else 1)
        return 0

    @property
    def http_status(self) -> int:
        """The HTTP status that was answered, by the stable or the older convention; 0 where there was none."""
        for name in ("http.response.status_code", "http.status_code"):
            text = self.attributes.get(name, "")
            if text.isdecimal():
                return int(text)
        return 0

    @kept
    def key(self) -> tuple[str, str]:
        return (self.trace_id, self.hop_id)
