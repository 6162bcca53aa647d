"""Templates become answers here: always escaped, always with the headers that keep a page to itself."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from ui import words

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Vary": "HX-Request",
}

# htmx as this project uses it: no evaluated code, no styles of its own, and errors are shown, not swallowed.
HTMX: Final = json.dumps(
    {
        "allowEval": False,
        "includeIndicatorStyles": False,
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "[45]..", "swap": True, "error": True},
        ],
    }
)


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    helpers = {name: value for name, value in vars(words).items() if getattr(value, "__module__", "") == words.__name__}
    tables = {"MEANINGS": words.MEANINGS, "STANDINGS": words.STANDINGS, "HAPPENINGS": words.HAPPENINGS}
    made.globals.update(helpers | tables | {"static": static_url, "htmx_config": HTMX})
    return made


def render(template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> HTMLResponse:
    """The page that `templates/{template}` makes of the values."""
    text = environment().get_template(template).render(values)
    return HTMLResponse(text, status, HEADERS | (headers or {}))


@cache
def static_url(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it for ever."""
    content = files("ui").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:10]}"


class KeptFiles(StaticFiles):
    """Static files; those asked for by their version may be kept for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        scope = args[2] if len(args) > 2 else kwargs["scope"]
        kept = scope["query_string"].startswith(b"v=")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def static_files() -> KeptFiles:
    """Mount it at /static. It holds nothing secret, so it needs no guard."""
    return KeptFiles(packages=[("ui", "static")])
