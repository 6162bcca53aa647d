"""The pages. A handler reads the question, asks lineage, and renders."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from lineage import ask, tally
from lineage.ask import Library
from model.causes import causes
from store import refusals
from ui.asked import Clock, Cursor, First, FlowName, Lead, Long, OfStatus, Part, Text, TraceId, part_reader
from ui.flow import flow_view, parts
from ui.lead import Question, lead_view
from ui.render import HEADERS, render
from ui.trace import trace_view

Fragment = Annotated[str | None, Header(alias="HX-Request")]
WholeAgain = Annotated[str | None, Header(alias="HX-History-Restore-Request")]


def pages(library: Library, *, clock: Clock) -> APIRouter:
    """Every page. Mount `ui.render.static_files()` at /static, and let `ui.errors.error_page` answer exceptions."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _search_pages(router, library, clock)
    _lead_pages(router, library, clock)
    _flow_pages(router, library, clock)
    _evidence_pages(router, library, clock)
    return router


def _search_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/")
    @router.get("/leads")
    def search(
        q: Text = "", cursor: Cursor = "", hx_request: Fragment = None, hx_history_restore_request: WholeAgain = None
    ) -> Response:
        now = clock()
        found = ask.search(library, q, cursor=cursor or None, now=now)
        if hx_request and not hx_history_restore_request:
            return render("results.html", found=found, q=q, cursor=cursor, now=now)
        glance = [(flow, parts(flow.by_status, flow.name)) for flow in tally.flows(library, now=now)]
        return render("search.html", found=found, q=q, cursor=cursor, now=now, glance=glance)


def _lead_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/leads/{lead:path}")
    def lead_page(lead: Lead, flow: Text = "", entry: Long = "", hop: First = 0, seen: Text = "") -> Response:
        now = clock()
        view = lead_view(library, Question(lead, flow, entry, hop), now=now)
        if seen and seen == view.digest and view.pending:
            return Response(status_code=204, headers=HEADERS)  # nothing new: what is open on the page stays open
        return render("lead.html", view=view, now=now)


def _flow_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    Asked = Annotated[Part, Depends(part_reader(clock))]  # noqa: N806  a type

    @router.get("/flows")
    def flow_list() -> Response:
        glance = [(flow, parts(flow.by_status, flow.name)) for flow in tally.flows(library, now=clock())]
        return render("flows.html", glance=glance)

    @router.get("/flows/{flow}")
    def flow_page(flow: FlowName, part: Asked) -> Response:
        now = clock()
        view = flow_view(library, part.of(flow), part.said, now=now)
        return render("flow.html", view=view, said=part.said, now=now)

    @router.get("/flows/{flow}/causes")
    def leads_behind(
        flow: FlowName, part: Asked, cause: Long = "", step: Text = "", status: OfStatus = "", cursor: Cursor = ""
    ) -> Response:
        of = part.of(flow)
        counted = tally.funnel(library, of)
        behind = tally.leads_behind(library, of, status=status, cause=cause, step=step, cursor=cursor or None)
        said = part.said | {"cause": cause, "step": step, "status": status}
        return render(
            "causes.html", funnel=counted, behind=behind, said=said, cursor=cursor, remedies=causes(), now=clock()
        )


def _evidence_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/traces/{trace_id}")
    def trace_page(trace_id: TraceId, span: First = 0) -> Response:
        return render("trace.html", view=trace_view(library, trace_id, first=span), now=clock())

    @router.get("/refusals")
    def refusal_page() -> Response:
        return render("refusals.html", refused=refusals.recent(library.store), now=clock())
