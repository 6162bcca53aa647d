"""The one true sentence. A marketer reads it first, so it names the lead, what became of it, and why, in plain words."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from model.causes import ABSENT, GAP, UNMAPPED, causes
from model.flow import Flow, Step
from model.verdict import Contribution, Status


def headline(
    *,
    lead: str,
    status: Status,
    flow: Flow,
    step: Step,
    cause: str,
    detail: str,
    raw_reason: str,
    contributing: Sequence[Contribution],
    entered_after: timedelta | None,
    late: bool,
    due_at: datetime | None,
) -> str:
    """The sentence for a verdict; ends with a full stop."""
    if status is Status.ENTERED:
        return _entered(lead, flow, entered_after, late=late)
    if status is Status.PENDING:
        return _pending(lead, step, cause, contributing, due_at)
    return f"{lead} never entered the sequence: {_why(step, cause, detail, raw_reason)}{_before(contributing, step)}."


def _entered(lead: str, flow: Flow, entered_after: timedelta | None, *, late: bool) -> str:
    took = f" {spoken(entered_after)} after capture" if entered_after is not None else ""
    if late:
        return f"{lead} entered the sequence{took}, later than the {spoken(flow.deadline)} it should take."
    return f"{lead} entered the sequence{took}."


def _pending(
    lead: str, step: Step, cause: str, contributing: Sequence[Contribution], due_at: datetime | None
) -> str:
    until = f"; it has until {due_at:%H:%M:%S} UTC" if due_at is not None else ""
    known = causes().get(cause)
    trouble = next((one for one in reversed(contributing) if one.step == step.name and one.cause != GAP), None)
    if trouble is not None:
        return f"{lead} has not entered the sequence yet: {clause(trouble.cause)} at {called(step)}, and a retry may still succeed{until}."
    if known is not None and cause != "pending.processing":
        return f"{lead} has not entered the sequence yet: {known.clause}{until}."
    return f"{lead} has not entered the sequence yet: waiting for {called(step)}{until}."


def _why(step: Step, cause: str, detail: str, raw_reason: str) -> str:
    if cause == ABSENT:
        return f"nothing was heard from {called(step)} by its deadline"
    if cause == UNMAPPED:
        said = f" (“{raw_reason}”)" if raw_reason else " without a reason that is known"
        return f"{called(step)} stopped it{said}"
    text = clause(cause)
    return f"{text} ({detail})" if detail else text


def _before(contributing: Sequence[Contribution], step: Step) -> str:
    """The most telling thing that went wrong besides, with its step where that is another one."""
    other = next((one for one in contributing if one.cause != GAP), None)
    if other is None:
        return ""
    at = f" (at {other.step})" if other.step != step.name else ""
    return f"; besides, {clause(other.cause)}{at}"


def clause(cause: str) -> str:
    known = causes().get(cause)
    return known.clause if known else f"something stopped it ({cause or 'no reason was given'})"


def called(step: Step) -> str:
    """The step as people call it: its title in quotes, else its name."""
    return f"“{step.title}”" if step.title else f"the step “{step.name}”"


def spoken(length: timedelta) -> str:
    """A duration in at most two units: `3 min 20 s`, `850 ms`."""
    ms = int(length.total_seconds() * 1000)
    if ms < 1000:
        return f"{ms} ms"
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    parts: list[str] = []
    rest = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
