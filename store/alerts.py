"""Alerts as they stand and as they went, and what people decided about them.

`alert_transitions` is the one source: a row is a state that an alert moved to, with what was to be told and to whom.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from model.alert import Alert, AlertState, Happening
from model.decisions import Acknowledgement, Correction, Silence
from model.objective import Group
from store.engine import Store

_STATE = TypeAdapter(AlertState)
_ALERT = TypeAdapter(Alert)
_GROUP = TypeAdapter(Group)
MOST = 500


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message to one receiver that tells of a transition; messages of one id are sent as one."""

    message: str
    receiver: str
    send_at: datetime


@dataclass(frozen=True, slots=True)
class Committed:
    """A state that an alert moved to. `happening` is '' and `alert` None where the move is nothing to tell."""

    id: str
    at: datetime
    state: AlertState
    incident: str = ""
    happening: Happening | Literal[""] = ""
    alert: Alert | None = None
    messages: tuple[Addressed, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One firing from its start to its end. `severity` is the highest it had."""

    id: str
    fired_at: datetime
    changed_at: datetime
    resolved: bool
    severity: str


# ── transitions ─────────────────────────────────────────────────────────────────────────────────────────────────────

_COLUMNS = (
    "id", "version", "at", "incident", "objective", "generation", "group_key", "kind", "flow", "happening", "firing",
    "severity", "live", "headline", "state", "alert", "messages",
)  # fmt: skip


def commit(store: Store, steps: Sequence[Committed], *, version: int) -> None:
    """Make these moves and their messages durable, all or none: one INSERT of one block. `version` must rise."""
    store.insert("alert_transitions", _COLUMNS, [_row(step, version) for step in steps])


def last_version(store: Store) -> int:
    return int(store.rows("alerts_last_version")[0][0])


def states(store: Store) -> list[AlertState]:
    """Where every alert stands that fires; the others are ok."""
    return [_STATE.validate_json(row[0]) for row in store.rows("alerts_states")]


def of_incidents(store: Store, incidents: Sequence[str]) -> dict[str, list[Committed]]:
    """How incidents went, each from its start."""
    found: dict[str, list[Committed]] = {}
    for one, incident, at, happening, state, alert, messages in store.rows(
        "alerts_of_incidents", incidents=list(incidents)
    ):
        found.setdefault(incident, []).append(
            Committed(
                one,
                at,
                _STATE.validate_json(state),
                incident,
                happening,
                _ALERT.validate_json(alert) if alert else None,
                tuple(Addressed(**message) for message in messages),
            )
        )
    return found


def incidents(
    store: Store, *, phase: str = "", objective: str = "", flow: str = "", incident: str = "", skip: int = 0, most: int
) -> list[Incident]:
    """A page of incidents, firing ones first, then the latest; `phase` is firing, resolved, or '' for both."""
    asked = {"phase": phase, "objective": objective, "flow": flow, "incident": incident, "skip": skip, "most": most}
    return [
        Incident(one, fired_at, changed_at, bool(over), worst)
        for one, fired_at, changed_at, over, worst in store.rows("alerts_incidents", **asked)
    ]


def firing(store: Store) -> int:
    """How many incidents are not over."""
    return int(store.rows("alerts_firing")[0][0])


def _row(step: Committed, version: int) -> list[Any]:
    key, alert = step.state.key, step.alert
    return [
        step.id, version, step.at, step.incident, key.objective, key.generation, group_text(key.group), key.kind,
        alert.flow if alert else "", step.happening, step.state.firing, alert.severity if alert else "",
        step.state.firing != "ok", alert.headline if alert else "", _STATE.dump_json(step.state).decode(),
        _ALERT.dump_json(alert).decode() if alert else "",
        [(one.message, one.receiver, one.send_at) for one in step.messages],
    ]  # fmt: skip


def alert_of(text: str) -> Alert:
    return _ALERT.validate_json(text)


def group_text(group: Group) -> str:
    """A group as it stands in a row; equal groups give equal text."""
    return json.dumps(group, ensure_ascii=False, separators=(",", ":"))


# ── what people decided ─────────────────────────────────────────────────────────────────────────────────────────────


def acknowledge(store: Store, said: Acknowledgement) -> None:
    columns = ["incident", "at", "author", "note", "severity"]
    store.insert("acknowledgements", columns, [[said.incident, said.at, said.author, said.note, said.severity]])


def acknowledgements(store: Store, incidents: Iterable[str]) -> dict[str, list[Acknowledgement]]:
    """Who works on these incidents, the first who said so first."""
    found: dict[str, list[Acknowledgement]] = {}
    for row in store.rows("alerts_acknowledgements", incidents=list(incidents)):
        found.setdefault(row[0], []).append(Acknowledgement(*row))
    return found


def keep_silence(store: Store, silence: Silence) -> None:
    """Write a silence, or write it again with its end."""
    columns = [
        "id", "version", "matchers", "author", "reason", "starts_at", "ends_at", "created_at", "removed_at",
        "removed_by",
    ]  # fmt: skip
    row = [
        silence.id, _version(silence.removed_at or silence.created_at), dict(silence.matchers), silence.author,
        silence.reason, silence.starts_at, silence.ends_at, silence.created_at, silence.removed_at,
        silence.removed_by,
    ]  # fmt: skip
    store.insert("silences", columns, [row])


def silences(store: Store, *, ended_after: datetime | None = None, most: int = MOST) -> list[Silence]:
    """Those that stand first, then those that were removed; the last to end first."""
    return _silences(store, ended_after, "", most)


def silence(store: Store, silence_id: str) -> Silence | None:
    found = _silences(store, None, silence_id, 1)
    return found[0] if found else None


def _silences(store: Store, ended_after: datetime | None, one: str, most: int) -> list[Silence]:
    after = ended_after or datetime(1970, 1, 1, tzinfo=UTC)
    return [Silence(*row) for row in store.rows("alerts_silences", ended_after=after, id=one, most=most)]


def keep_correction(store: Store, correction: Correction) -> None:
    """Write a correction, or write it again with who took it back."""
    columns = [
        "id", "version", "objective", "group_key", "starts_at", "ends_at", "author", "reason", "created_at",
        "removed_at", "removed_by",
    ]  # fmt: skip
    row = [
        correction.id, _version(correction.removed_at or correction.created_at), correction.objective,
        group_text(correction.group), correction.starts_at, correction.ends_at, correction.author, correction.reason,
        correction.created_at, correction.removed_at, correction.removed_by,
    ]  # fmt: skip
    store.insert("corrections", columns, [row])


def corrections(store: Store, objective: str = "", *, one: str = "", most: int = MOST) -> list[Correction]:
    """The corrections of an objective, the latest stretch first, those taken back among them; '' gives all."""
    return [
        Correction(
            id=found, objective=of, group=_GROUP.validate_json(group), starts_at=starts_at, ends_at=ends_at,
            author=author, reason=reason, created_at=created_at, removed_at=removed_at, removed_by=removed_by,
        )
        for found, of, group, starts_at, ends_at, author, reason, created_at, removed_at, removed_by in store.rows(
            "alerts_corrections", objective=objective, id=one, most=most
        )
    ]  # fmt: skip


def _version(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
