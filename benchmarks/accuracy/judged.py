"""Asks for verdicts on generated leads, in memory, and compares them with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.accuracy.shapes import SHAPES
from benchmarks.accuracy.told import BEGINS_S, SECOND, Case, Said, Truth, Value
from lineage.judging import judge_lead
from model.flow import Flow
from model.flowfile import read_flow
from model.hop import Hop, SpanEvent
from model.verdict import Verdict

FLOWS: Mapping[str, Flow] = {shape.name: read_flow(shape.yaml, f"{shape.name}.yaml") for shape in SHAPES}


def text(value: Value) -> str:
    """As the store writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def ns(at: float) -> int:
    return BEGINS_S * SECOND + round(at * 1_000_000) * 1_000


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(BEGINS_S, UTC) + timedelta(seconds=at)


def hop(said: Said, lead: str) -> Hop:
    return Hop(
        lead=lead, trace_id=said.trace, hop_id=said.id, parent_id=said.parent, signal=said.signal, at_ns=ns(said.at),
        duration_ns=round(said.took * SECOND), service=said.service, name=said.name, kind=said.kind if said.signal == "span" else "unspecified",
        status=said.status, status_message=said.message, attributes={key: text(value) for key, value in said.attributes.items()},
        events=tuple(SpanEvent(ns(at), name, {key: text(value) for key, value in told.items()}) for at, name, told in said.events),
        links=tuple(said.links),
    )  # fmt: skip


def hops(case: Case, *, doubles: bool = False) -> list[Hop]:
    """The lead's hops in order of arrival; without doubles, as the store gives each once."""
    made = [hop(said, case.lead) for said in case.said]
    return made if doubles else list({one.key: one for one in made}.values())


def verdicts(case: Case, *, order: Sequence[Hop] | None = None) -> list[Verdict]:
    return judge_lead(case.lead, order if order is not None else hops(case), FLOWS, moment(case.now))


@dataclass(frozen=True)
class Answer:
    """One truth beside the verdict that was given for it. `wrong` is '' or what is wrong, in a word."""

    case: Case
    truth: Truth
    verdict: Verdict | None
    wrong: str
    unknowable: str

    @property
    def status_right(self) -> bool:
        return self.verdict is not None and self.verdict.status.value in self.truth.statuses

    @property
    def cause_asked(self) -> bool:
        return bool(self.truth.causes)

    @property
    def cause_right(self) -> bool:
        return self.verdict is not None and self.verdict.cause in self.truth.causes

    @property
    def healthy(self) -> bool:
        return self.truth.statuses == {"entered"}

    @property
    def contributing_right(self) -> bool:
        told = {(one.cause, one.step) for one in self.verdict.contributing} if self.verdict else set()
        return all((cause, step) in told or _is_own_bug(cause, step, told) for cause, step in self.truth.contributing)


def _is_own_bug(cause: str, step: str, told: set[tuple[str, str]]) -> bool:
    """A span that records its own exception and answers 500 may be told by either."""
    bugs = {"unknown.vendor_unspecified", "campaign.engine_failed", "capture.transform_failed"}
    return cause in bugs and ("delivery.http_error", step) in told


def answers(case: Case, given: Sequence[Verdict]) -> list[Answer]:
    """Each truth of a case with its verdict."""
    return [_answer(case, truth, given) for truth in case.truths]


def _answer(case: Case, truth: Truth, given: Sequence[Verdict]) -> Answer:
    fits = [one for one in given if one.flow == truth.flow and truth.entry in {"", one.entry}]
    unknowable = case.unknowable(truth)
    if len(fits) != 1:
        worst = next((one for one in fits if one.status.value not in truth.statuses), fits[0] if fits else None)
        return Answer(case, truth, worst, "no verdict" if not fits else f"{len(fits)} entries of one", unknowable)
    verdict = fits[0]
    wrong = ""
    if verdict.status.value not in truth.statuses:
        wrong = "status"
    elif truth.causes and verdict.cause not in truth.causes:
        wrong = "cause"
    elif truth.step and verdict.step != truth.step and verdict.status.value != "entered":
        wrong = "step"
    return Answer(case, truth, verdict, wrong, unknowable)
