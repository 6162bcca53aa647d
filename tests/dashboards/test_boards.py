"""Every panel's SQL runs against the real schema on landed telemetry, and gives the columns that its panel draws."""

import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from leadtrace.flowfiles import read_flows
from lineage.settle import Settler
from store import refusals
from store.engine import Store
from store.refusals import Refusal

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "dashboards").glob("*.json"))
SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
VALUES = {"flow": "'demo-request'", "campaign": "'spring', 'pricing-page'", "service": "'crm-writer', 'web-forms'"}


def board(path: Path) -> dict:
    return json.loads(path.read_text())


def targets() -> list:
    return [
        pytest.param(panel, target["rawSql"], id=f"{path.stem}: {panel['title']}")
        for path in BOARDS
        for panel in board(path)["panels"]
        for target in panel["targets"]
    ]


def expanded(sql: str, *, everything: bool) -> str:
    """What the ClickHouse data source makes of its macros and of Grafana's variables (its README has the table)."""
    until = int(time.time()) + 3600
    since = until - 7200
    sql = re.sub(r"\$__conditionalAll\((.+?), \$(\w+)\)", lambda m: "1=1" if everything else m[1], sql)
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({since}) AND \1 <= toDateTime({until})", sql)
    sql = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 20 second)", sql)
    sql = sql.replace("$__interval_s", "20")
    sql = re.sub(r"\$\{(\w+):singlequote\}", lambda m: VALUES[m[1]], sql)
    assert "$" not in sql, f"a macro or variable is left: {sql}"
    return sql


def land_lead(
    store: Store, lead: str, *hops: tuple[str, str, dict], minutes_ago: float = 5, campaign: str = "spring"
) -> None:
    request = ExportTraceServiceRequest()
    trace_id, at_ns = secrets.token_bytes(16), time.time_ns() - int(minutes_ago * 60e9)
    for number, (service, name, attributes) in enumerate(hops):
        resource = request.resource_spans.add()
        for key, value in {"service.name": service, "service.version": f"1.{number}"}.items():
            resource.resource.attributes.add(key=key).value.string_value = value
        span = resource.scope_spans.add().spans.add(
            trace_id=trace_id, span_id=secrets.token_bytes(8), name=name, kind=3 if service == "crm-writer" else 2
        )
        span.start_time_unix_nano = at_ns + number * 10**9
        span.end_time_unix_nano = span.start_time_unix_nano + 5 * 10**7
        common = {
            "lead.id": lead,
            "lead.flow": "demo-request",
            "lead.campaign": campaign,
            "lead.correlation_id": f"e-{lead}",
        }
        for key, value in ({} if attributes.get("orphan") else common | attributes).items():
            span.attributes.add(key=key).value.string_value = value
    store.land("traces", request.SerializeToString(), secrets.token_hex(8))


CAPTURE = ("web-forms", "POST /forms/{form}", {"lead.event": "FormSubmitted"})
ENROLLED = ("sequencer", "POST /enrolments", {"lead.event": "SequenceEnrolled", "lead.outcome": "ok"})


@pytest.fixture(scope="module")
def told(module_store: Store) -> Store:
    """A store with an entry of each kind, an orphan, two versions of a service, and a refusal."""
    limited = (
        "crm-writer",
        "POST /leads",
        {"http.response.status_code": "429", "lead.outcome": "failed", "lead.reason": "crm.rate_limit"},
    )
    unwilling = ("consent", "POST /consents", {"lead.outcome": "skipped", "lead.reason": "consent.missing"})
    land_lead(module_store, "L-1", CAPTURE, ENROLLED)
    land_lead(module_store, "L-2", CAPTURE, limited, campaign="pricing-page")
    land_lead(module_store, "L-3", CAPTURE, unwilling)
    land_lead(module_store, "L-4", CAPTURE, minutes_ago=0)
    land_lead(module_store, "L-5", CAPTURE, ("bus", "publish", {"orphan": True}))
    refusals.record(module_store, [Refusal(datetime.now(UTC), "quarantined", "traces", "Code: 636", 1, "a-segment")])
    Settler(module_store, lambda: read_flows([ROOT / "demo" / "flows"])).tick()
    module_store.insert(
        "service_versions",
        ["service", "service_version", "first_seen", "last_seen"],
        [["crm-writer", "0.9", datetime.now(UTC) - timedelta(days=9), datetime.now(UTC)]],
    )
    return module_store


@pytest.mark.parametrize(("panel", "sql"), targets())
def test_a_panel_runs_and_gives_the_columns_it_draws(told, panel, sql):
    with told.client() as client:
        client.query(expanded(sql, everything=False))
        result = client.query(expanded(sql, everything=True))
    names, kinds = list(result.column_names), [kind.name for kind in result.column_types]
    if panel["type"] == "timeseries":
        assert (names[0], kinds[0].partition("(")[0]) == ("time", "DateTime")
        assert all(re.match(r"U?Int|Float", kind) for kind in kinds[1:]) or ("String" in kinds[1] and len(names) == 3)
    elif panel["type"] == "stat":
        assert (len(names), len(result.result_rows)) == (1, 1)
    elif panel["type"] == "barchart":
        assert names[0] == panel["options"]["xField"]
    overrides = panel["fieldConfig"]["overrides"]
    drawn = {one["matcher"]["options"] for one in overrides if one["matcher"]["id"] == "byName"}
    assert drawn <= set(names), "a unit is set for a column that the query does not give"
    assert result.result_rows, "the landed telemetry should show here"


def test_the_numbers_are_right(told):
    """Counts by hand: five entries; one entered, one blocked, one skipped, two still on their way."""
    panels = {panel["title"]: panel for path in BOARDS for panel in board(path)["panels"]}

    def answer(title: str) -> list:
        with told.client() as client:
            return list(client.query(expanded(panels[title]["targets"][0]["rawSql"], everything=True)).result_rows)

    assert answer("Entries") == [(5,)]
    assert answer("Blocked") == [(2,)]
    assert answer("Leads affected") == [(2,)]
    assert answer("Entered") == [(0.2,)]
    assert answer("Pending") == [(1,)]
    assert sum(row[4] for row in answer("Why entries stopped")) == 3
    assert dict(row[:2] for row in answer("Funnel by step"))["capture"] == 5


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_ids_are_unique_and_panels_do_not_overlap(path):
    panels = board(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_panel_has_a_title_a_description_a_unit_and_the_chosen_data_source(path):
    for panel in board(path)["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == SOURCE
        assert all(target["datasource"] == SOURCE for target in panel["targets"])


def test_boards_are_found_by_different_uids():
    assert len({board(path)["uid"] for path in BOARDS}) == len(BOARDS) == 3


@pytest.mark.parametrize(("panel", "sql"), targets())
def test_verdicts_are_counted_once_and_without_withdrawn_ones(panel, sql):
    for found in re.finditer(r"FROM verdicts\b(.*?)(?:GROUP|ORDER|$)", sql, re.DOTALL):
        assert found[1].lstrip().startswith("FINAL")
        assert "gone = 0" in found[1]


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        pytest.param(variable["name"], variable["query"], id=f"{path.stem}: {variable['name']}")
        for path in BOARDS
        for variable in board(path)["templating"]["list"]
        if variable["type"] == "query"
    ],
)
def test_a_variable_lists_what_is_there(told, name, sql):
    with told.client() as client:
        found = [row[0] for row in client.query(expanded(sql, everything=True)).result_rows]
    assert {"flow": "demo-request", "campaign": "pricing-page", "service": "crm-writer"}[name] in found
