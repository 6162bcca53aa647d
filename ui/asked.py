"""What a page may be asked for: each parameter with its bounds. A form's empty field means that it was left out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query

from lineage.window import MAX_TEXT, Window, window
from store.counts import Slice

FILTERS = ("campaign", "segment", "source")

Clock = Callable[[], datetime]

Lead = Annotated[str, Path(max_length=1_000)]
FlowName = Annotated[str, Path(max_length=200)]
TraceId = Annotated[str, Path(pattern=r"^[0-9A-Fa-f]{1,64}$")]
Text = Annotated[str, Query(max_length=200)]
Long = Annotated[str, Query(max_length=1_000)]
Time = Annotated[str, Query(max_length=MAX_TEXT)]
Cursor = Annotated[str, Query(pattern=r"^\d{0,6}$")]
Show = Annotated[str, Query(pattern="^(one|all)?$")]
First = Annotated[int, Query(ge=0, le=100_000)]
OfStatus = Annotated[str, Query(pattern="^(entered|skipped|blocked|pending|unknown)?$")]


def behind(cause: Long = "", step: Text = "", status: OfStatus = "") -> dict[str, str]:
    """A dependency: which number of a funnel to show the leads behind."""
    return {"cause": cause, "step": step, "status": status}


@dataclass(frozen=True, slots=True)
class Part:
    """Which of a flow's entries a page is about: as it was written (`said`), and what that means."""

    when: Window
    said: dict[str, str]

    def of(self, flow: str) -> Slice:
        chosen = {name: self.said[name] for name in FILTERS}
        return Slice(flow, self.when.since, self.when.until, **chosen)


def part_reader(clock: Clock) -> Callable[..., Part]:
    """A dependency that reads which entries to count; its times are relative to the clock."""

    def read(since: Time = "", until: Time = "", campaign: Long = "", segment: Long = "", source: Long = "") -> Part:
        said = {"since": since, "until": until, "campaign": campaign, "segment": segment, "source": source}
        return Part(window(since, until, now=clock()), said)

    return read
