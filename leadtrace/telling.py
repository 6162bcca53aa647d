"""The answer in a terminal: the sentence first, then what a person asks next."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

_SIGNS = {"entered": "✓", "skipped": "○", "blocked": "✗", "pending": "…", "unknown": "?"}


def told(answer: Mapping[str, Any]) -> str:
    """The answer as lines of at most 100 columns."""
    sentence = textwrap.fill(f"{_SIGNS[answer['status']]} {answer['headline']}", 100, subsequent_indent="  ")
    return "\n".join([sentence, "", *_facts(answer), *_lists(answer)])


def _facts(answer: Mapping[str, Any]) -> Iterator[str]:
    cause = answer["cause"]
    if cause:
        raw = f", the vendor said “{answer['raw_reason']}”" if answer["raw_reason"] not in {None, cause} else ""
        yield f"  cause      {cause} ({answer['class']}) at step {answer['step']}{raw}"
    yield f"  flow       {answer['flow']}, entry {answer['entry']}"
    yield f"  captured   {answer['captured_at']}, decided by {answer['since']}"
    if answer["owner"]:
        yield f"  owner      {answer['owner']}" + (f", playbook {answer['playbook']}" if answer["playbook"] else "")
    if answer.get("remedy"):
        yield textwrap.fill(f"  what to do {answer['remedy']}", 100, subsequent_indent=" " * 13)
    also = answer["also_affected"]
    if also["leads"]:
        yield f"  others     {also['leads']} more leads since {also['since']}"


def _lists(answer: Mapping[str, Any]) -> Iterator[str]:
    for change in answer["changes"]:
        yield f"  changed    {change['at']} {change['what']}"
    for other in answer["contributing"]:
        yield f"  besides    {other['cause']} at step {other['step']}"
    for one in answer.get("merges", ()):
        until = f", until {one['until']}" if one["until"] else ""
        yield f"  merged     {one['lead']} into {one['into']} at {one['at']}{until}"
    for note in answer.get("notes", ()):
        yield f"  note       {note}"
    for one in answer["evidence"]:
        yield f"  evidence   {one['at']} {one['service']}: {one['name']} → {one['outcome']} (trace {one['trace_id']})"


def told_preview(answer: Mapping[str, Any]) -> str:
    """What a flow file would have said, as lines."""
    entries, same = answer["entries"], answer["same"]
    cut = " (there are more; these were looked at)" if answer["cut"] else ""
    lines = [f"`{answer['flow']}`: {entries} entries since {answer['since']}{cut}; {same} would be said the same."]
    for turn in answer["turns"]:
        leads = ", ".join(turn["examples"])
        lines.append(f"  {turn['entries']:>6}  {turn['was']} → {turn['would_be']}  (such as {leads})")
    return "\n".join(lines)


def told_alert(alert: Mapping[str, Any], *, link: bool = True) -> str:
    """An alert as lines of at most 100 columns: its title, then the first line of each part of its message."""
    title, *parts = [part.splitlines()[0] for part in alert["text"].strip().split("\n\n")]
    told = [part.partition(": ")[::2] for part in parts]
    lines = [f"! {title}", *(f"  {label.lower():<10} {said}" for label, said in told if link or label != "Link")]
    first, *facts = (textwrap.fill(one, 100, subsequent_indent=" " * 13, break_long_words=False) for one in lines)
    return "\n".join([first, "", *facts])


# ── back-tests ──────────────────────────────────────────────────────────────────────────────────────────────────────


def told_backtest(answer: Mapping[str, Any]) -> str:
    """What objectives would have alerted on, as lines: the sums, then each incident, then what only was before."""
    lines = list(answer["warnings"])
    for one in answer["objectives"]:
        lines += ["", *_walked(one)] if lines else _walked(one)
    return "\n".join(lines)


def _walked(one: Mapping[str, Any]) -> Iterator[str]:
    would, before = one["would"], one["in_force"]
    looks = f"{one['step_s'] // 60} min"
    yield f"`{one['name']}` from {_moment(one['since'])} to {_moment(one['until'])} UTC, looked at every {looks}"
    yield f"  this file  {_sums(would)}"
    if before is not None:
        yield f"  in force   {_sums(before)}"
    if would["counted_from"] is None:
        yield "  Nothing was counted: the flow has no entries in that time, or none that are units of this objective."
    for firing in would["firings"]:
        mark = "" if before is None else "  as in force" if firing["also"] else "  new"
        yield from _firing(firing, mark)
    for firing in before["firings"] if before is not None else ():
        if not firing["also"]:
            yield from _firing(firing, "  no longer")


def _sums(walk: Mapping[str, Any]) -> str:
    left = walk["budget_left"]
    budget = "nothing counted" if left is None else f"budget left {left:.1%}"
    counts = f"{_some(walk['pages'], 'page')}, {_some(walk['tickets'], 'ticket')}"
    return f"{counts}, {_length(walk['firing_s'])} firing; {budget} ({walk['definition']})"


def _firing(firing: Mapping[str, Any], mark: str) -> Iterator[str]:
    until = _moment(firing["resolved_at"]) if firing["resolved_at"] else "still firing"
    group = ", ".join(f"{key} {value}" for key, value in firing["group"].items()) or "everything"
    yield f"  {_moment(firing['fired_at'])} → {until}  {firing['severity']}  {group}{mark}"
    if firing["burn"] is None:
        yield f"      {firing['reason']}"
        return
    causes = ", ".join(f"{one['cause'] or 'no cause'} {one['leads']}" for one in firing["causes"])
    burns = f"{firing['burn']:.1f} times as fast as allowed"
    yield f"      {firing['tier']}: {firing['bad']} of {firing['total']} bad, {burns}"
    yield f"      {_some(firing['leads'], 'lead')}" + (f": {causes}" if causes else "")


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")


def _some(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
