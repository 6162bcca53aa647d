"""CloudEvents 1.0 over HTTP, in the three modes of its HTTP binding: binary, structured, batched.

Only what the specification requires is required (https://github.com/cloudevents/spec, v1.0.2); unknown attributes are
kept out of the way, never refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_EVENTS = 1_000
_REQUIRED = ("specversion", "id", "source", "type")


class CloudEventError(ValueError):
    """The request holds no usable event; the message says what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event. `time` is aware, and None where the event gives none; `data` is its JSON, {} where it is none."""

    id: str
    source: str
    type: str
    subject: str = ""
    time: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def read_events(headers: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of a request; `headers` by their names in small letters. Raises CloudEventError."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCH:
        listed = _json(body)
        if not isinstance(listed, list) or len(listed) > MAX_EVENTS:
            raise CloudEventError(f"a batch is a JSON list of at most {MAX_EVENTS} events")
        return [_event(one, f"event {at}: ") for at, one in enumerate(listed)]
    if media == STRUCTURED:
        return [_event(_json(body))]
    if "ce-specversion" in headers:
        return [_event(_from_headers(headers, media, body))]
    raise CloudEventError(
        f"`{media or 'no content type'}` is no CloudEvent: send {STRUCTURED}, {BATCH}, or JSON with ce-specversion,"
        " ce-id, ce-source and ce-type headers"
    )


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CloudEventError(f"the body is not JSON: {error}") from error


def _from_headers(headers: Mapping[str, str], media: str, body: bytes) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if body.strip() and (media == "application/json" or media.endswith("+json")):
        attributes["data"] = _json(body)
    return attributes


def _event(given: Any, where: str = "") -> CloudEvent:
    if not isinstance(given, dict):
        raise CloudEventError(f"{where}an event is a JSON object")
    for name in _REQUIRED:
        if not isinstance(given.get(name), str) or not given[name]:
            raise CloudEventError(f"{where}`{name}` is missing or no text; CloudEvents 1.0 requires it")
    if given["specversion"] != "1.0":
        raise CloudEventError(f"{where}specversion `{given['specversion']}` is not 1.0")
    data = given.get("data")
    return CloudEvent(
        id=given["id"],
        source=given["source"],
        type=given["type"],
        subject=str(given.get("subject") or ""),
        time=_time(given.get("time"), where),
        data=data if isinstance(data, dict) else {},
    )


def _time(given: Any, where: str) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError as error:
        raise CloudEventError(f"{where}time `{given}` is not RFC 3339, such as 2026-03-02T09:00:00Z") from error
    if moment.tzinfo is None:
        raise CloudEventError(f"{where}time `{given}` has no zone; add Z or an offset")
    return moment.astimezone(UTC)
