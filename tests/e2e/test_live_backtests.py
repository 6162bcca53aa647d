"""`leadtrace slo backtest` beside a running server, and on the data that a server left."""

import json
from pathlib import Path

from live import Live, command, span, wait_for

ENROLMENT = Path(__file__).resolve().parents[2] / "demo" / "objectives" / "enrolment.yaml"


def test_a_back_test_asks_the_server_and_reads_the_store_when_it_has_stopped(tmp_path, flows):
    with Live(tmp_path / "server", flows=flows) as server:
        server.send(
            span(lead_id="L-back", lead_correlation_id="c-back", lead_event="FormSubmitted"),
            span("POST /enrolments", lead_id="L-back", lead_correlation_id="c-back", lead_event="SequenceEnrolled"),
        )
        wait_for(lambda: (answer := server.why("L-back")) and answer["status"] == "entered", "the verdict")
        asked = ("slo", "backtest", str(ENROLMENT), "--since", "7d", "--json")
        wait_for(lambda: total(command(server.folder, *asked, flows=flows)) == 1, "the stored verdict")
        shown = command(server.folder, "slo", "backtest", str(ENROLMENT), flows=flows)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert (
            "  this file  0 pages, 0 tickets, 0 min firing; budget left 100.0% (enrolment in demo-request"
            in shown.stdout
        )
        server.stop()
        left = command(server.folder, *asked, flows=flows)
        assert (left.returncode, total(left)) == (0, 1), left.stderr
        assert "leads looked at" in left.stderr
        assert "lead" not in left.stdout[:1]


def total(shown) -> int:
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)["objectives"][0]["would"]["total"]
