"""The one true sentence. A marketer reads it first: it names the lead, what became of it, and why, in plain words."""

import re
from collections.abc import Sequence
from datetime import timedelta

from model.causes import ABSENT, GAP, UNMAPPED, causes
from model.flow import Flow, Step
from model.verdict import Status, Verdict


def headline(verdict: Verdict, flow: Flow, detail: str = "") -> str:
    """The sentence for a verdict; `detail` is what only the evidence knows, such as the score that failed a gate."""
    if verdict.status is Status.ENTERED:
        return _entered(verdict, flow)
    if verdict.status is Status.PENDING:
        return f"{_who(verdict)} has not entered the sequence yet: {_waiting(verdict, flow)}{_until(verdict)}."
    return f"{_who(verdict)} never entered the sequence: {_why(verdict, flow, detail)}{_besides(verdict, flow)}."


def _who(verdict: Verdict) -> str:
    return named(verdict.lead, verdict.came_as)


def named(lead: str, came_as: Sequence[str]) -> str:
    """The lead, with the ids of merged leads that the entry came in as."""
    more = f" and {len(came_as) - 2} more" if len(came_as) > 2 else ""
    return f"{lead} (came in as {', '.join(came_as[:2])}{more})" if came_as else lead


def _entered(verdict: Verdict, flow: Flow) -> str:
    return entered_sentence(_who(verdict), took(verdict, flow), flow, late=verdict.late)


def entered_sentence(who: str, after: timedelta | None, flow: Flow, *, late: bool) -> str:
    took = f" {spoken(after)} after capture" if after is not None else ""
    than = f", later than the {spoken(flow.deadline)} it should take" if late else ""
    return f"{who} entered the sequence{took}{than}."


def took(verdict: Verdict, flow: Flow) -> timedelta | None:
    """How long it took, where that is known: not by clocks that put the capture behind, nor without its capture."""
    unseen = any(one.cause == GAP and one.step == flow.capture.name for one in verdict.contributing)
    if unseen or verdict.entered_at is None or verdict.entered_at < verdict.captured_at:
        return None
    return verdict.entered_at - verdict.captured_at


def _waiting(verdict: Verdict, flow: Flow) -> str:
    step = flow.by_name[verdict.step]
    trouble = next((one for one in reversed(verdict.contributing) if one.step == step.name and one.cause != GAP), None)
    if trouble is not None and trouble.cause == UNMAPPED:
        return f"{called(step)} failed in a way that is not known, and a retry may still succeed"
    if trouble is not None:
        return f"{clause(trouble.cause)} at {called(step)}, and a retry may still succeed"
    known = causes().get(verdict.cause)
    if known is not None and verdict.cause != "pending.processing":
        return known.clause
    return f"waiting for {called(step)}"


def _until(verdict: Verdict) -> str:
    return f"; it has until {verdict.due_at:%H:%M:%S} UTC" if verdict.due_at is not None else ""


def _why(verdict: Verdict, flow: Flow, detail: str) -> str:
    step = flow.by_name[verdict.step]
    if verdict.cause == ABSENT:
        return f"nothing was heard from {called(step)} by its deadline" + (f": {detail}" if detail else "")
    if verdict.cause == UNMAPPED:
        said = f" (“{verdict.raw_reason}”)" if _is_sayable(verdict.raw_reason) else " without a reason that is known"
        return f"{called(step)} stopped it{said}"
    return f"{clause(verdict.cause)} ({detail})" if detail else clause(verdict.cause)


# An address or a number in what a system said of its own error: the evidence has it, the sentence goes without.
_PERSONAL = re.compile(r"@|(?:\d[ ().-]{0,2}){7}")


def _is_sayable(raw_reason: str) -> bool:
    return bool(raw_reason) and not _PERSONAL.search(raw_reason)


def _besides(verdict: Verdict, flow: Flow) -> str:
    """The most telling thing that went wrong besides, with its step where that is another one. What the stopping step
    waited for may be why it stopped.
    """
    other = next((one for one in verdict.contributing if one.cause != GAP), None)
    if other is None:
        return ""
    at = f" (at {other.step})" if other.step != verdict.step else ""
    link = "before that" if other.step in flow.before[verdict.step] else "besides"
    return f"; {link}, {clause(other.cause)}{at}"


def clause(cause: str) -> str:
    known = causes().get(cause)
    return known.clause if known else f"something stopped it ({cause or 'no reason was given'})"


def title_of(cause: str) -> str:
    known = causes().get(cause)
    return known.title if known else cause


def called(step: Step) -> str:
    """The step as people call it: its title in quotes, else its name."""
    return f"“{step.title}”" if step.title else f"the step “{step.name}”"


def spoken(length: timedelta) -> str:
    """A duration in at most two units: `3 min 20 s`, `850 ms`."""
    ms = int(length.total_seconds() * 1000)
    if ms < 1000:
        return f"{ms} ms"
    if ms < 10_000:
        return f"{ms / 1000:.1f} s".replace(".0 s", " s")
    parts: list[str] = []
    rest = ms // 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
