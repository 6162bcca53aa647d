"""For orchestrators and scrapers: is the process alive, can it answer, what does it count."""

from collections.abc import Callable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.answers import Health
from api.problems import RETRY_AFTER_S

Missing = Callable[[], str | None]
"""Says what is still missing before questions can be answered, as a sentence; may raise StoreUnavailable."""


def health_router(
    missing: Missing, *, before_metrics: Callable[[], None] = lambda: None, registry: CollectorRegistry = REGISTRY
) -> APIRouter:
    """/healthz, /readyz and /metrics. `before_metrics` brings up to date what is only read when somebody asks."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Is the process alive?")
    def healthz() -> Health:
        """200 as long as the process answers at all; asks nothing of the database."""
        return Health()

    @router.get("/readyz", summary="Can it answer questions?")
    def readyz() -> Health:
        """200 when the database answers and has every migration; 503 with the reason otherwise."""
        if lacks := missing():
            raise HTTPException(503, lacks, {"Retry-After": str(RETRY_AFTER_S)})
        return Health()

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        before_metrics()
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router
