"""Leads whose stories are hard to tell: merged, taken out again, told twice, told by clocks that differ, told in batches."""

import hashlib
from datetime import datetime, timedelta

from otlp_requests import START, Span, span, traces
from web_world import FLOW as PLAIN_FLOW
from web_world import KEY

from lineage.ask import Library
from lineage.settle import Settler
from model.flowfile import read_flow
from store.engine import Store

FLOW = read_flow(
    PLAIN_FLOW.text.replace("title: Scored,", "title: Scored, gate: {attribute: lead.score, at_least: 60},")
)
BATCH = ("H-batch-1", "H-batch-2", "H-batch-3")
TWIN_ADDRESS = "grace@acme.example"
SKEW_S = 2.3


class Story:
    """One entry of one lead, a span a line; seconds count from its capture."""

    def __init__(self, began: datetime, lead: str, entry: str, **words) -> None:
        self._at = (began - START).total_seconds()
        self.trace = hashlib.sha256(entry.encode()).hexdigest()[:32]
        self._usual = {"lead": lead, "entry": entry, "flow": FLOW.name, "trace": self.trace}
        self._words = {"lead.campaign": "pricing-page", "lead.segment": "smb", "lead.source": "organic"} | words
        self.spans: list[Span] = []

    def hop(self, service: str, name: str, at: float, *, words=None, **how) -> Span:
        told = {**self._words, **(words or {})}
        self.spans.append(span(name, service=service, at=self._at + at, **{**self._usual, "attributes": told, **how}))
        return self.spans[-1]

    def captured(self, **words) -> "Story":
        self.hop("web-forms", "POST /forms", 0, words={"lead.event": "FormSubmitted", **words})
        return self

    def scored(self, at=0.5, score=80) -> "Story":
        self.hop("consent", "POST /consents", at - 0.2)
        self.hop("scoring", "POST /scores", at, words={"lead.event": "ScoreChanged", "lead.score": score})
        return self

    def written(self, at=1.2, **how) -> "Story":
        self.hop("crm-writer", "POST /leads", at, took=0.3, words={"http.response.status_code": 201}, **how)
        return self

    def enrolled(self, at=2.0, **how) -> "Story":
        self.hop("sequencer", "POST /enrolments", at, words={"lead.event": "SequenceEnrolled"}, **how)
        return self

    def merged(self, into: str, at: float) -> "Story":
        self.hop("identity", "POST /merges", at, words={"lead.event": "IdentityMerged", "lead.merged_into": into})
        return self

    def unmerged(self, at: float) -> "Story":
        self.hop("identity", "DELETE /merges", at, words={"lead.event": "IdentityUnmerged"})
        return self


def tell(now: datetime) -> list[Span]:
    early, lately = now - timedelta(minutes=50), now - timedelta(minutes=20)
    return [
        *_merged(early, lately),
        *_chain(early),
        *_taken_back(lately),
        *_twins(early, lately),
        *_skewed(lately),
        *_batch(lately),
        *_left_again(early),
        *_scored_late(lately),
    ]


def _merged(early: datetime, lately: datetime) -> list[Span]:
    """H-old fills in the form; the CRM knows the person as H-new, who came in once before and goes on with it."""
    before = Story(early, "H-new", "H-new-1").captured().scored().written().enrolled()
    story = Story(lately, "H-old", "H-old-1").captured().scored().merged("H-new", 1)
    return [*before.spans, *story.written(lead="H-new").enrolled(lead="H-new").spans]


def _chain(early: datetime) -> list[Span]:
    first = Story(early, "H-a", "H-a-1").captured().merged("H-b", 3)
    second = Story(early, "H-b", "H-b-1").captured().scored().merged("H-c", 60)
    return [*first.spans, *second.spans, *Story(early, "H-c", "H-c-1").captured().scored().written().enrolled().spans]


def _taken_back(lately: datetime) -> list[Span]:
    host = Story(lately, "H-host", "H-host-1").captured().scored().written().enrolled()
    return [*host.spans, *Story(lately, "H-guest", "H-guest-1").captured().merged("H-host", 3).unmerged(90).spans]


def _twins(early: datetime, lately: datetime) -> list[Span]:
    same = {"lead.email.token": KEY.token("email", TWIN_ADDRESS), "lead.email.mask": "g•••@acme.example"}
    first = Story(early, "H-twin-1", "H-twin-1-1").captured(**same).scored().written().enrolled()
    return [*first.spans, *Story(lately, "H-twin-2", "H-twin-2-1").captured(**same).scored().spans]


def _skewed(lately: datetime) -> list[Span]:
    """The CRM's clock is slow: what the writer called had begun before the call."""
    story = Story(lately, "H-skew", "H-skew-1").captured().scored()
    call = story.hop("crm-writer", "POST", 1.2, kind="client", took=0.4)
    story.hop("crm-writer", "POST /leads", 1.2 - SKEW_S, parent=call.span_id, took=0.3)
    return story.enrolled().spans


def _batch(lately: datetime) -> list[Span]:
    """A nightly job writes three leads in one trace; what it does for each names no lead, and one of them fails."""
    stories = [Story(lately, lead, f"{lead}-1").captured().scored() for lead in BATCH]
    trace = hashlib.sha256(b"batch").hexdigest()[:32]
    at = (lately - START).total_seconds() + 5
    job = span("write batch", service="crm-writer", at=at, took=3, trace=trace, kind="internal")
    told = [job]
    for number, story in enumerate(stories):
        one = story.hop("crm-writer", "POST /leads", 5.1 + number, trace=trace, parent=job.span_id, error=number == 1)
        status = 401 if number == 1 else 201
        told.append(
            span("POST", service="crm-writer", at=at + 0.2 + number, trace=trace, parent=one.span_id, kind="client",
                 error=number == 1, attributes={"http.response.status_code": status, "server.address": "crm.example"})
        )  # fmt: skip
        if number != 1:
            story.enrolled(at=10)
    return [*told, *(one for story in stories for one in story.spans)]


def _left_again(early: datetime) -> list[Span]:
    story = Story(early, "H-left", "H-left-1").captured().scored().written().enrolled()
    story.hop("preferences", "POST /unsubscribe", 600, words={"lead.event": "Unsubscribed"})
    return story.spans


def _scored_late(lately: datetime) -> list[Span]:
    """The score that would have passed came a minute after the gate was asked."""
    story = Story(lately, "H-late", "H-late-1").captured().scored(score=41)
    story.hop("enrichment", "POST /scores", 61, words={"lead.event": "ScoreUpdated", "lead.score": 80})
    return story.spans


def fill(store: Store, now: datetime) -> None:
    store.land("traces", traces(*tell(now)), "hard")
    settler = Settler(store, lambda: {FLOW.name: FLOW})
    while settler.tick():
        pass


def tokens(text: str) -> list[str]:
    return [KEY.token("email", text)] if "@" in text else []


def library(store: Store) -> Library:
    return Library(store, lambda: {FLOW.name: FLOW}, tokens)
