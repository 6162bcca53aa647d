"""What `leadtrace slo backtest` prints."""

from pathlib import Path

from click.testing import CliRunner

from leadtrace.cli import main
from leadtrace.telling import told_backtest

ENROLMENT = Path(__file__).resolve().parents[2] / "demo" / "objectives" / "enrolment.yaml"
FIRING = {
    "kind": "burn", "tier": "page 1h/5m", "severity": "page", "group": {"campaign": "pricing-page"},
    "fired_at": "2026-11-20T10:04:00Z", "resolved_at": "2026-11-20T11:44:00Z", "reason": "page 1h/5m: 30 of 120 bad",
    "good": 90, "bad": 30, "total": 120, "burn": 4.2, "leads": 28,
    "causes": [{"cause": "crm.rate_limit", "title": "CRM rate limit", "leads": 25}, {"cause": "", "title": "", "leads": 3}],
    "also": False,
}  # fmt: skip
LOST = FIRING | {
    "kind": "measurement_lost", "tier": "", "severity": "ticket", "group": {}, "fired_at": "2026-11-23T09:00:00Z",
    "resolved_at": None, "reason": "nothing comes from crm-writer", "burn": None, "also": True,
}  # fmt: skip
WALK = {
    "definition": "enrolment in demo-request, 94 % good over 28d; tells page 1h/5m", "pages": 1, "tickets": 0,
    "firing_s": 6000.0, "firings": [FIRING, LOST], "good": 970, "bad": 30, "total": 1000, "budget_left": 0.5,
    "groups": 2, "counted_from": "2026-10-28T00:00:00Z",
}  # fmt: skip
ONE = {
    "name": "demo-enrolment", "title": "Enrolment", "flow": "demo-request", "since": "2026-10-27T03:50:11Z",
    "until": "2026-11-24T03:50:11Z", "step_s": 60, "would": WALK,
    "in_force": WALK | {"firings": [FIRING | {"group": {}}, LOST], "pages": 2, "firing_s": 60.0},
}  # fmt: skip


def test_the_sums_come_first_then_every_incident_then_what_only_was_before():
    shown = told_backtest({"warnings": ["f.yaml:1: warning: odd."], "objectives": [ONE]})
    assert shown == (
        "f.yaml:1: warning: odd.\n"
        "\n"
        "`demo-enrolment` from 2026-10-27 03:50 to 2026-11-24 03:50 UTC, looked at every 1 min\n"
        "  this file  1 page, 0 tickets, 1 h 40 min firing; budget left 50.0%"
        " (enrolment in demo-request, 94 % good over 28d; tells page 1h/5m)\n"
        "  in force   2 pages, 0 tickets, 1 min firing; budget left 50.0%"
        " (enrolment in demo-request, 94 % good over 28d; tells page 1h/5m)\n"
        "  2026-11-20 10:04 → 2026-11-20 11:44  page  campaign pricing-page  new\n"
        "      page 1h/5m: 30 of 120 bad, 4.2 times as fast as allowed\n"
        "      28 leads: crm.rate_limit 25, no cause 3\n"
        "  2026-11-23 09:00 → still firing  ticket  everything  as in force\n"
        "      nothing comes from crm-writer\n"
        "  2026-11-20 10:04 → 2026-11-20 11:44  page  everything  no longer\n"
        "      page 1h/5m: 30 of 120 bad, 4.2 times as fast as allowed\n"
        "      28 leads: crm.rate_limit 25, no cause 3"
    )


def test_a_history_without_units_says_so():
    empty = WALK | {"firings": [], "pages": 0, "firing_s": 0.0, "budget_left": None, "counted_from": None}
    shown = told_backtest({"warnings": [], "objectives": [ONE | {"would": empty, "in_force": None}]})
    assert shown.splitlines()[1].startswith("  this file  0 pages, 0 tickets, 0 min firing; nothing counted (")
    assert shown.splitlines()[2].startswith("  Nothing was counted: ")
    assert len(shown.splitlines()) == 3


def test_without_a_history_the_command_says_so(tmp_path):
    shown = CliRunner().invoke(
        main, ["slo", "backtest", str(ENROLMENT)], env={"LEADTRACE_DATA": str(tmp_path / "data")}
    )
    assert shown.exit_code == 1
    assert shown.output.startswith("Error: Nothing was collected yet in ")
