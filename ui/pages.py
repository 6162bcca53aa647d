"""Pages that are shown without asking the database anything."""

from starlette.responses import HTMLResponse

from ui.render import render


def sign_in_page(reason: str) -> HTMLResponse:
    """The way in. `reason` says in a sentence what went wrong; empty on the first visit."""
    return render("sign_in.html", 401 if reason else 200, reason=reason)
