"""What is counted for people who run the flows: alignment, differences, codes that nobody mapped."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.answers import Differences, UnmappedCodes
from api.asked import Cause, Clock, FlowName, OfStatus, Part, Step, only_known, part_reader
from api.problems import MEDIA_TYPE, Problem
from lineage import measures, tally
from lineage.ask import Library
from lineage.measures import Alignment
from store.measures import Stopped

_NONE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "No flow has that name; `detail` lists them."}
}


def measures_router(library: Library, *, clock: Clock) -> APIRouter:
    """Routes under /api/v1 that measure."""
    router = APIRouter(prefix="/api/v1", tags=["measures"], dependencies=[Depends(only_known)])
    Asked = Annotated[Part, Depends(part_reader(clock))]  # noqa: N806  a type

    @router.get("/flows/{flow}/alignment", responses=_NONE, summary="The numbers that marketing and sales agree on")
    def alignment(flow: FlowName, part: Asked) -> Alignment:
        """Response time, acceptance, completeness, recovery, interventions, time to answer and explained rate."""
        of = part.of(flow)
        tally.expect_flow(library, of)
        return measures.alignment(library, of)

    @router.get("/flows/{flow}/differences", responses=_NONE, summary="What do the affected have in common?")
    def differences(flow: FlowName, part: Asked, cause: Cause, step: Step = "", status: OfStatus = "") -> Differences:
        """Values that the entries with this cause share more often than the others, with lift and 95 % interval."""
        of = part.of(flow)
        tally.expect_flow(library, of)
        found = measures.differences(library, of, Stopped(status or "blocked", cause, step))
        return Differences(flow=flow, cause=cause, step=step, differences=found)

    @router.get("/codes/unmapped", summary="Vendors' codes that nobody has mapped")
    def unmapped() -> UnmappedCodes:
        """Each with the leads it stopped and the line that would map it, once its cause is filled in."""
        return UnmappedCodes(codes=measures.unmapped_codes(library))

    return router
