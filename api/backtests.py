"""What an edited objective file would have told, before it counts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.asked import Clock, only_known
from lineage.backtests import Backtest, BacktestError, BacktestsAnswer
from lineage.window import MAX_TEXT, window

MAX_FILE_BYTES = 1024 * 1024
DEFAULT_SINCE = "28d"

Since = Annotated[str, Query(max_length=MAX_TEXT, description="From when on: 28d, 2026-11-01.", examples=["28d"])]


def backtests_router(backtest: Backtest, *, clock: Clock) -> APIRouter:
    """One POST route; the guard asks for an admin's token."""
    router = APIRouter(prefix="/api/v1", tags=["objectives"], dependencies=[Depends(only_known)])

    @router.post("/slos/backtest", summary="What would this objective file have told?")
    async def walk(request: Request, since: Since = DEFAULT_SINCE) -> BacktestsAnswer:
        """The body is an OpenSLO file. Its objectives are walked over the stored history; nothing is changed."""
        now = clock()
        asked = window(since, None, now=now)
        text = await _body(request)
        try:
            return await run_in_threadpool(backtest, text, asked.since, asked.until)
        except BacktestError as error:
            raise HTTPException(400, str(error)) from error

    return router


async def _body(request: Request) -> str:
    taken = bytearray()
    async for piece in request.stream():
        taken += piece
        if len(taken) > MAX_FILE_BYTES:
            raise HTTPException(413, f"An objective file has at most {MAX_FILE_BYTES} bytes.")
    try:
        return taken.decode()
    except UnicodeDecodeError as error:
        raise HTTPException(400, "The body is not UTF-8 text.") from error
