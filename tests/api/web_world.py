"""A small world for the API and the pages: leads of every kind, told as real OTLP, landed and settled by real code."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lineage.ask import Library
from lineage.settle import Settler
from model.flowfile import read_flow
from model.personal import PersonalKey
from store import changes, refusals
from store.changes import Change, ToldChange
from store.engine import Store
from store.refusals import Refusal

KEY = PersonalKey(b"a key for tests, of 32 bytes and more")
WEIRD = 'a/b c%2F"<script>alert(1)</script>'
EVIL = "<script>alert('planted')</script>"
HOSTILE = f"W-hostile{EVIL}"
CHANGED = "W-changed"
UNMAPPED = "W-unmapped"
FINE = tuple(f"W-fine-{number}" for number in range(12))
DEPLOYED = "crm-writer 2.4.1 deployed"
SNOW = "ünï ☃"
LOOKS_LIKE_WHY = "x/why"
LONG = "W-long"
LONG_HOPS = 503
ADDRESS = "ada@acme.example"

FLOW = read_flow("""
apiVersion: leadtrace/v1
kind: Flow
metadata: {name: demo-request, title: Demo request to sales sequence, owner: growth}
spec:
  goal: enrol
  deadline: 10m
  steps:
    - {name: capture, kind: capture, title: Form submitted, owner: web, match: [{event: FormSubmitted}]}
    - {name: consent, kind: consent, title: Consent recorded, after: [capture], within: 5m, owner: privacy, match: [{service: consent}]}
    - {name: score, kind: score, title: Scored, after: [capture], within: 5m, owner: growth, match: [{event: ScoreChanged}]}
    - {name: crm, kind: crm, title: Written to the CRM, after: [score, consent], within: 5m, owner: revops, playbook: "https://playbooks.acme.example/crm", match: [{service: crm-writer, name: "POST /leads*"}]}
    - {name: enrol, kind: sequence, title: Entered the sequence, after: [crm], within: 5m, owner: sales-ops, match: [{event: SequenceEnrolled}]}
""")


_USUAL = {"campaign": "pricing-page", "segment": "smb", "source": "organic", "flow": FLOW.name}


class Teller:
    """Tells hops as one OTLP request. Times are seconds after the entry began."""

    def __init__(self, *, spans_before: int = 0) -> None:
        self.request = ExportTraceServiceRequest()
        self._count = spans_before

    def entry(self, lead, began: datetime, *, entry="", **told):
        """`told` are the words that every hop of it carries, such as its campaign."""
        return Telling(self, lead, began, entry or f"{lead}-1", _USUAL | told)

    @property
    def bytes(self) -> bytes:
        return self.request.SerializeToString()

    def hop(self, service, name, start: datetime, took_s, attributes, *, trace, status=0, error="", version="1.0.0"):
        self._count += 1
        resource = self.request.resource_spans.add()
        _add(resource.resource.attributes, {"service.name": service, "service.version": version})
        span = resource.scope_spans.add().spans.add(
            trace_id=trace,
            span_id=self._count.to_bytes(8, "big"),
            name=name,
            kind=2,
            start_time_unix_nano=int(start.timestamp() * 1e6) * 1000,
            end_time_unix_nano=int((start.timestamp() + took_s) * 1e6) * 1000,
        )
        span.status.code = status
        _add(span.attributes, attributes)
        if error:
            event = span.events.add(name="exception", time_unix_nano=span.start_time_unix_nano)
            _add(event.attributes, {"exception.type": "VendorError", "exception.message": error})


class Telling:
    """One entry, told hop by hop."""

    def __init__(self, teller, lead, began, entry, told) -> None:
        self.teller, self.lead, self.began = teller, lead, began
        self.trace = hashlib.sha256(f"{lead} {entry}".encode()).digest()[:16]
        self.base = {
            "lead.id": lead,
            "lead.correlation_id": entry,
            **{f"lead.{name}": value for name, value in told.items()},
        }

    def hop(self, service, name, at_s, took_s=0.04, *, status=0, error="", version="1.0.0", **attributes):
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        self.teller.hop(
            service,
            name,
            self.began + timedelta(seconds=at_s),
            took_s,
            self.base | named,
            trace=self.trace,
            status=status,
            error=error,
            version=version,
        )
        return self

    def captured(self, **more):
        return self.hop("web-forms", "POST /forms", 0, lead__event="FormSubmitted", **more)

    def scored(self):
        self.hop("consent", "POST /consents", 0.3)
        return self.hop("scoring", "POST /scores", 0.5, lead__event="ScoreChanged", lead__score=80)

    def written(self):
        return self.hop("crm-writer", "POST /leads", 1.2, 0.3, http__response__status_code=201)

    def refused(self):
        for attempt in (1, 2, 3):
            self.hop(
                "crm-writer",
                "POST /leads",
                attempt * 2,
                0.2,
                status=2,
                error="REQUEST_LIMIT_EXCEEDED",
                version="2.4.1",
                http__response__status_code=429,
                lead__attempt=attempt,
                lead__system="crm-api",
            )
        return self

    def failed(self, system, reason, *, name="POST /leads", **more):
        """The CRM's system fails with a code of its own."""
        named = {"lead__outcome": "failed", "lead__reason": reason, "lead__system": system}
        return self.hop("crm-writer", name, 1, 0.2, status=2, **named, **more)

    def enrolled(self, at_s=2.0):
        return self.hop("sequencer", "POST /enrolments", at_s, lead__event="SequenceEnrolled")


def _add(attributes, values) -> None:
    for key, value in values.items():
        added = attributes.add(key=key).value
        if isinstance(value, int):
            added.int_value = value
        else:
            added.string_value = value


def tell_everything(now: datetime) -> Teller:
    """Leads of every kind. What the CRM refused came from version 7 of the form, what it took from version 6."""
    teller = Teller()
    early, lately = now - timedelta(minutes=40), now - timedelta(minutes=20)
    email = {"lead__email__token": KEY.token("email", ADDRESS), "lead__email__mask": "a•••@acme.example"}
    teller.entry("W-entered", early).captured(lead__crm__id="00Q7", **email).scored().written().enrolled()
    teller.entry("W-late", early, campaign="webinar", source="partner").captured().scored().written().enrolled(at_s=900)
    teller.entry("W-skipped", lately, segment="enterprise").captured().hop(
        "consent", "POST /consents", 0.3, lead__outcome="skipped", lead__reason="consent.missing"
    )
    for lead in FINE:
        teller.entry(lead, early, campaign="webinar").captured(form__version="6").scored().written().enrolled()
    for lead in ("W-blocked", "W-blocked-2", "W-blocked-3", CHANGED, WEIRD, SNOW, LOOKS_LIKE_WHY):
        teller.entry(lead, lately).captured(form__version="7").scored().refused()
    teller.entry("W-pending", now - timedelta(seconds=20)).captured()
    teller.entry("W-unknown", lately, flow="no-such-flow").hop("web-forms", "POST /forms", 0)
    teller.entry("W-twice", early).captured(form__version="7").scored().refused()
    teller.entry("W-twice", lately, entry="W-twice-2").captured().scored().written().enrolled()
    teller.entry("W-merged", lately).captured().hop(
        "identity", "POST /merges", 1, lead__event="IdentityMerged", lead__merged_into="W-entered"
    )
    teller.entry(UNMAPPED, lately).captured().scored().failed("acme-crm", "E,77")
    teller.entry(HOSTILE, lately, entry=EVIL, campaign=EVIL, segment=EVIL).captured(
        **{f"form.{EVIL}": EVIL}
    ).scored().failed(EVIL, EVIL, name=f"POST /leads {EVIL}", version=EVIL, error=EVIL)
    long = teller.entry(LONG, early).captured()
    for number in range(LONG_HOPS - 1):
        long.hop("poller", f"GET /status/{number % 7}", 1 + number * 0.5, 0.2)
    return teller


def tell_later(now: datetime) -> Teller:
    """What arrives after everything was judged once: the lead that was refused went through after all."""
    teller = Teller(spans_before=100_000)
    teller.entry(CHANGED, now - timedelta(minutes=20)).written().enrolled(at_s=30)
    return teller


def fill(store: Store, now: datetime) -> None:
    """Land everything, settling until nothing is due, and tell what changed and what was refused."""
    for token, teller in (("world", tell_everything(now)), ("later", tell_later(now))):
        store.land("traces", teller.bytes, token)
        settler = Settler(store, lambda: {FLOW.name: FLOW})
        while settler.tick():
            pass
    deployed = Change(
        now - timedelta(minutes=41), "deploy", DEPLOYED, service="crm-writer", link="https://ci.example/7"
    )
    changes.record(store, [ToldChange("/ci", "7", deployed)])
    refuse_something(store)


def refuse_something(store: Store) -> None:
    at = datetime.now(UTC)
    refusals.record(
        store,
        [
            Refusal(at, "refused", "traces", "span without a trace id", 3, "service crm-writer"),
            Refusal(at, "quarantined", "logs", EVIL, 1, f"segment 7 {EVIL}"),
        ],
    )


def tokens(text: str) -> Sequence[str]:
    return [KEY.token("email", text)] if "@" in text else []


def library(store: Store) -> Library:
    return Library(store, lambda: {FLOW.name: FLOW}, tokens)


def now() -> datetime:
    return datetime.now(UTC)
