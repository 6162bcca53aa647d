"""Answers that only the API gives; the others are lineage's."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from lineage.answers import Answer, CauseCount, FlowAnswer
from lineage.budgets import BudgetSummary, CorrectionAnswer, SilenceAnswer
from lineage.measures import Difference, UnmappedCode


class Flows(Answer):
    """Every flow, with how its entries of the last 7 days ended."""

    flows: list[FlowAnswer]


class Causes(Answer):
    """What stopped the entries of a flow; `leads` holds those behind the cause, step or status asked for, else null."""

    flow: str
    since: datetime
    until: datetime
    entries: int
    causes: list[CauseCount]
    leads: list[dict[str, Any]] | None = None
    next: str | None = Field(default=None, description="Pass it as `cursor` for the next page; null on the last.")


class RefusalAnswer(Answer):
    """`refused`: hops the door turned away. `quarantined`: a request that the database can never take."""

    at: datetime
    kind: str
    signal: str
    reason: str
    count: int
    detail: str


class Refusals(Answer):
    refusals: list[RefusalAnswer]


class Health(Answer):
    status: Literal["ok"] = "ok"


class Taken(Answer):
    """How many changes were taken."""

    taken: int


class Differences(Answer):
    """What the entries that one cause stopped have in common and the others do not, the surest first."""

    flow: str
    cause: str
    step: str
    differences: list[Difference]


class UnmappedCodes(Answer):
    """Vendors' codes that nobody has mapped, those that stopped most leads first."""

    codes: list[UnmappedCode]


class Applied(Answer):
    """How many leads are judged again by the version in force."""

    flow: str
    leads: int


class Slos(Answer):
    """Every objective in force, those in trouble first."""

    slos: list[BudgetSummary]


class Corrections(Answer):
    """Stretches of time that do not count, the latest first."""

    corrections: list[CorrectionAnswer]


class Silences(Answer):
    """Silences, those that are active first."""

    silences: list[SilenceAnswer]
