"""Looking at an edited flow file before it counts, and judging again by it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.answers import Applied
from api.asked import Clock, FlowName, Part, only_known, part_reader
from lineage import rejudge
from lineage.ask import Library
from lineage.rejudge import Preview
from model.flowfile import FlowProblems, read_flow

MAX_FILE_BYTES = 1024 * 1024


def flow_edits_router(library: Library, *, clock: Clock) -> APIRouter:
    """POST routes; the guard asks for an admin's token."""
    router = APIRouter(prefix="/api/v1", tags=["flows"], dependencies=[Depends(only_known)])
    Asked = Annotated[Part, Depends(part_reader(clock))]  # noqa: N806  a type

    @router.post("/flow-preview", summary="What would this flow file have said?")
    async def preview(request: Request, part: Asked) -> Preview:
        """The body is a flow file. It is judged against entries captured since `since`; nothing is changed."""
        text = await _body(request)
        try:
            flow = read_flow(text, "the body")
        except FlowProblems as error:
            raise HTTPException(400, str(error)) from error
        since = part.of(flow.name).since
        return await run_in_threadpool(rejudge.preview, library, flow, since, now=clock())

    @router.post("/flows/{flow}/apply", summary="Judge again by the version in force")
    def apply(flow: FlowName, part: Asked) -> Applied:
        """Entries captured since `since` are judged by the flow file as it is now, within seconds."""
        return Applied(flow=flow, leads=rejudge.apply(library, flow, part.of(flow).since, now=clock()))

    return router


async def _body(request: Request) -> str:
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > MAX_FILE_BYTES:
            raise HTTPException(413, f"A flow file has at most {MAX_FILE_BYTES} bytes.")
    try:
        return taken.decode()
    except UnicodeDecodeError as error:
        raise HTTPException(400, "The body is not UTF-8 text.") from error
