"""Every error as a problem document (RFC 9457), a sentence for people and a type for programs.

What was raised                 status  type
NotFoundError                   404     /problems/not-found
WindowError, bad parameters     400     /problems/bad-parameter
NotPossibleError                400     /problems/not-possible
StoreUnavailable                503     /problems/engine-away      with Retry-After
HTTPException                   its own /problems/{reason phrase}
anything else                   500     /problems/bug              without internals
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lineage.ask import NotFoundError
from lineage.budgets import NotPossibleError
from lineage.window import WindowError
from store.errors import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class Problem(BaseModel):
    """RFC 9457. `errors` names each bad parameter and its mend."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "No lead is known by “L-9”. Search for the start of its id, or for its e-mail address.",
                "instance": "/api/v1/leads/L-9",
            }
        }
    )

    type: str = Field(description="What kind of problem this is; a program's key.")
    title: str = Field(description="The kind in words, the same for every occurrence.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong here, as a sentence for a person.")
    instance: str = Field(description="The path that was asked.")
    errors: list[dict[str, str]] | None = Field(default=None, description="Each bad parameter and its mend.")


@dataclass(frozen=True, slots=True)
class _Said:
    kind: str
    status: int
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(request: Request, exc: Exception) -> JSONResponse:
    """The answer for whatever was raised; register it for every exception under /api."""
    said = _said(exc)
    body: dict[str, Any] = {
        "type": f"/problems/{said.kind}",
        "title": HTTPStatus(said.status).phrase,
        "status": said.status,
        "detail": said.detail,
        "instance": request.url.path,
    }
    if said.errors:
        body["errors"] = [dict(error) for error in said.errors]
    return JSONResponse(body, said.status, dict(said.headers), media_type=MEDIA_TYPE)


def _said(exc: Exception) -> _Said:
    match exc:
        case NotFoundError() | NotPossibleError():
            kind, status = ("not-found", 404) if isinstance(exc, NotFoundError) else ("not-possible", 400)
            return _Said(kind, status, str(exc))
        case WindowError():
            return _bad([{"parameter": exc.parameter, "problem": exc.what, "mend": exc.mend}])
        case RequestValidationError():
            return _bad([_bad_parameter(error) for error in exc.errors()])
        case StoreUnavailable():
            detail = "The database does not answer just now; nothing is lost. Ask again in a few seconds."
            return _Said("engine-away", 503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        case HTTPException():
            return _of_http(exc)
    return _Said("bug", 500, "Something went wrong inside leadtrace; its log says what.")


def _bad(errors: Sequence[Mapping[str, str]]) -> _Said:
    detail = " ".join(f"{error['parameter']}: {error['problem']}. {error['mend']}" for error in errors)
    return _Said("bad-parameter", 400, detail, errors)


def _bad_parameter(error: Mapping[str, Any]) -> dict[str, str]:
    parameter = str(error["loc"][-1])
    problem = str(error["msg"]).rstrip(".")
    mend = f"Leave {parameter} out, or keep to what /api/openapi.json says of it."
    return {"parameter": parameter, "problem": problem, "mend": mend}


def _of_http(exc: HTTPException) -> _Said:
    status = HTTPStatus(exc.status_code)
    detail = {
        404: "There is nothing at this address. /api/openapi.json lists every route.",
        405: "This address does not take that method.",
    }.get(status, "")
    if not detail or exc.detail != status.phrase:  # a sentence of the raiser's own says more
        detail = exc.detail
    return _Said(status.phrase.lower().replace(" ", "-"), status, detail, headers=exc.headers or {})
