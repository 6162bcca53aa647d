"""Round moments at the foot of a chart: whole minutes, hours, days, as many as there is room for."""

from datetime import UTC, datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)),
)
_EDGE = 0.04  # of the width: a label in the middle of its moment would stand over the edge


def round_moments(since: datetime, until: datetime, most: int = 6) -> list[tuple[datetime, str]]:
    """At most so many moments between two, with the label of each; midnights are named by their day."""
    span = (until - since).total_seconds()
    step = next((step for step in _STEPS_S if span / step <= most), _STEPS_S[-1])
    first = -(-since.timestamp() // step) * step
    moments = [datetime.fromtimestamp(first + step * number, UTC) for number in range(most + 1)]
    edge = timedelta(seconds=span * _EDGE)
    return [(at, _label(at, step)) for at in moments if since + edge <= at <= until - edge]


def _label(at: datetime, step: float) -> str:
    if step >= _DAY or (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if step >= _MINUTE else f"{at:%H:%M:%S}"
