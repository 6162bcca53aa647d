"""POST /api/v1/changes: people and pipelines tell what changed, as CloudEvents."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.answers import Taken
from api.asked import only_known
from model.cloudevents import CloudEvent, CloudEventError, read_events
from store import changes
from store.changes import Change, ToldChange
from store.engine import Store

MAX_BODY_BYTES = 1024 * 1024
MAX_TEXT = 300
_WHAT = ("what", "title", "description", "message", "summary")
_EARLIEST, _LATEST = 2000, 2200


def changes_router(store: Store, *, clock: Callable[[], datetime], scrub: Callable[[str], str]) -> APIRouter:
    """`scrub` takes personal data out of what people write."""
    router = APIRouter(prefix="/api/v1", tags=["changes"], dependencies=[Depends(only_known)])

    @router.post("/changes", status_code=202, summary="Tell what changed")
    async def take(request: Request) -> Taken:
        """CloudEvents 1.0, binary, structured or batched. `data` may say `what`, `service`, `flow`, `campaign`, `link`.

        The same `source` and `id` sent again is the same change.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        events = _events(headers, await _body(request))
        told = [_told(event, clock(), scrub) for event in events]
        await run_in_threadpool(changes.record, store, told)
        return Taken(taken=len(told))

    return router


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for part in request.stream():
        taken += part
        if len(taken) > MAX_BODY_BYTES:
            raise HTTPException(413, f"The body is larger than {MAX_BODY_BYTES} bytes. Send fewer changes at once.")
    return bytes(taken)


def _events(headers: dict[str, str], body: bytes) -> list[CloudEvent]:
    try:
        return read_events(headers, body)
    except CloudEventError as error:
        raise HTTPException(400, f"{error}.") from error


def _told(event: CloudEvent, now: datetime, scrub: Callable[[str], str]) -> ToldChange:
    def said(name: str) -> str:
        return _text(event.data.get(name), scrub)

    at = event.time if event.time is not None and _EARLIEST <= event.time.year < _LATEST else now
    what = next((text for name in _WHAT if (text := said(name))), "")
    kind = event.type.rsplit(".", 1)[-1][:64]
    change = Change(
        at=at,
        kind=kind,
        what=what or scrub(" ".join(part for part in (kind, event.subject, said("version")) if part))[:MAX_TEXT],
        service=said("service"),
        flow=said("flow"),
        campaign=said("campaign"),
        link=_link(said("link") or said("url")),
    )
    return ToldChange(scrub(event.source)[:MAX_TEXT], scrub(event.id)[:MAX_TEXT], change)


def _text(value: Any, scrub: Callable[[str], str]) -> str:
    return scrub(str(value))[:MAX_TEXT] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _link(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""
