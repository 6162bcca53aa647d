"""Every error as a page: a sentence, and the way on."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lineage.ask import NotFoundError
from lineage.budgets import NotPossibleError
from lineage.window import WindowError
from store.errors import StoreUnavailable
from ui.render import render

RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error page says. With `retries` the page asks again by itself."""

    status: int
    title: str
    sentence: str
    retries: bool = False


_AWAY = Trouble(
    503,
    "The database is away for a moment",
    "leadtrace cannot read just now. Nothing is lost: what systems send is kept and will appear.",
    retries=True,
)
_BUG = Trouble(500, "Something broke inside leadtrace", "It was written to leadtrace's own log. Trying again may help.")
_NO_PAGE = Trouble(404, "There is no page here", "The address may be mistyped, or the page has moved.")


def error_page(request: Request, exc: Exception) -> HTMLResponse:
    """The page for whatever was raised; register it for every exception outside /api. To htmx it is a short notice."""
    trouble = _trouble(exc)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if trouble.retries else {}
    if request.headers.get("hx-request"):
        shown = {"HX-Retarget": "#notice", "HX-Reswap": "outerHTML", "HX-Reselect": "#notice"}
        return render("notice.html", trouble.status, headers | shown, trouble=trouble)
    plain_url = quote(request.url.path) if trouble.status == 400 and request.url.query else ""
    return render(
        "error.html", trouble.status, headers, trouble=trouble, retry_after_s=RETRY_AFTER_S, plain_url=plain_url
    )


def _trouble(exc: Exception) -> Trouble:
    trouble = _BUG
    match exc:
        case NotFoundError():
            trouble = Trouble(404, "Not found", str(exc))
        case WindowError():
            trouble = Trouble(400, "That time cannot be read", str(exc))
        case NotPossibleError():
            trouble = Trouble(400, "That cannot be done", str(exc))
        case RequestValidationError():
            trouble = Trouble(400, "That address cannot be read", " ".join(map(_sentence, exc.errors())))
        case StoreUnavailable():
            trouble = _AWAY
        case HTTPException(status_code=404):
            trouble = _NO_PAGE
        case HTTPException():
            trouble = Trouble(exc.status_code, exc.detail, "This address does not take what was asked of it.")
    return trouble


def _sentence(error: dict[str, object]) -> str:
    location = error["loc"]
    name = location[-1] if isinstance(location, tuple) else location
    return f"“{name}” is not as it should be: {str(error['msg']).lower().rstrip('.')}."
