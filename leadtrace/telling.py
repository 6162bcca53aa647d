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
