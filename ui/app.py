"""The pages. A handler reads the question, asks lineage, and renders."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from lineage import ask, measures, tally
from lineage.answers import FlowAnswer
from lineage.ask import Library
from lineage.budgets import Budgets
from store import refusals
from ui.asked import Clock, Cursor, First, FlowName, Lead, Long, Part, Show, Text, TraceId, behind, part_reader
from ui.flow import Portion, behind_view, flow_view, portions
from ui.lead import Question, lead_view
from ui.render import HEADERS, render
from ui.trace import trace_view

Fragment = Annotated[str | None, Header(alias="HX-Request")]
Behind = Annotated[dict[str, str], Depends(behind)]
WholeAgain = Annotated[str | None, Header(alias="HX-History-Restore-Request")]

#: How many of the latest leads stand under the search field.
LATEST = 8


def pages(library: Library, budgets: Budgets, *, clock: Clock) -> APIRouter:
    """Every page. Mount `ui.render.static_files()` at /static, and let `ui.errors.error_page` answer exceptions."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _search_pages(router, library, budgets, clock)
    _lead_pages(router, library, clock)
    _flow_pages(router, library, budgets, clock)
    _evidence_pages(router, library, clock)
    return router


def _search_pages(router: APIRouter, library: Library, budgets: Budgets, clock: Clock) -> None:
    @router.get("/")
    def home() -> Response:
        now = clock()
        found, firing = ask.search(library, "", now=now), budgets.alerts(now=now, phase="firing").alerts
        glance = _glance(library, clock)
        return render("search.html", found=found, q="", cursor="", now=now, glance=glance, most=LATEST, firing=firing)

    @router.get("/leads")
    def search(
        q: Long = "", cursor: Cursor = "", hx_request: Fragment = None, hx_history_restore_request: WholeAgain = None
    ) -> Response:
        found = ask.search(library, q, cursor=cursor or None, now=clock())
        part = hx_request and not hx_history_restore_request
        template, glance = ("results.html", []) if part else ("search.html", _glance(library, clock))
        return render(template, found=found, q=q, cursor=cursor, now=clock(), glance=glance, most=ask.PAGE, firing=[])


def _glance(library: Library, clock: Clock) -> list[tuple[FlowAnswer, list[Portion]]]:
    return [(flow, portions(flow.by_status, flow.name)) for flow in tally.flows(library, now=clock())]


def _lead_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/leads/{lead:path}")
    def lead_page(  # noqa: PLR0917  one argument a parameter of the page
        lead: Lead, flow: Text = "", entry: Long = "", hop: First = 0, show: Show = "", seen: Text = ""
    ) -> Response:
        now = clock()
        view = lead_view(library, Question(lead, flow, entry, hop, show), now=now)
        if seen and seen == view.digest and view.pending:
            return Response(status_code=204, headers=HEADERS)  # nothing new: what is open on the page stays open
        return render("lead.html", view=view, now=now)


def _flow_pages(router: APIRouter, library: Library, budgets: Budgets, clock: Clock) -> None:
    Asked = Annotated[Part, Depends(part_reader(clock))]  # noqa: N806  a type

    @router.get("/flows")
    def flow_list() -> Response:
        return render("flows.html", glance=_glance(library, clock))

    @router.get("/flows/{flow}")
    def flow_page(flow: FlowName, part: Asked) -> Response:
        now = clock()
        view = flow_view(library, part.of(flow), part.said, now=now)
        firing = budgets.alerts(now=now, phase="firing", flow=flow).alerts
        return render("flow.html", view=view, said=part.said, firing=firing, now=now)

    @router.get("/flows/{flow}/causes")
    def leads_behind(flow: FlowName, part: Asked, number: Behind, cursor: Cursor = "") -> Response:
        said = part.said | number
        view = behind_view(library, part.of(flow), said, cursor=cursor)
        return render("causes.html", view=view, said=said, cursor=cursor, now=clock())

    @router.get("/flows/{flow}/alignment")
    def alignment_page(flow: FlowName, part: Asked) -> Response:
        of = part.of(flow)
        funnel = tally.funnel(library, of)  # also the 404 of a flow that nobody knows
        titles = {step.step: step.title for step in funnel.steps}
        found = measures.alignment(library, of)
        return render("alignment.html", found=found, flow=funnel, titles=titles, said=part.said)


def _evidence_pages(router: APIRouter, library: Library, clock: Clock) -> None:
    @router.get("/traces/{trace_id}")
    def trace_page(trace_id: TraceId, span: First = 0) -> Response:
        return render("trace.html", view=trace_view(library, trace_id, first=span), now=clock())

    @router.get("/refusals")
    def refusal_page() -> Response:
        return render("refusals.html", refused=refusals.recent(library.store), now=clock())

    @router.get("/codes")
    def code_page() -> Response:
        return render("codes.html", codes=measures.unmapped_codes(library), now=clock())
