import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from leadtrace.guard import Doorkeeper
from leadtrace.serve import Ready, reachable
from leadtrace.settings import Address, read_settings
from leadtrace.telling import told, told_alert
from leadtrace.tokens import Signer, Tokens
from leadtrace.welcome import welcome

BLOCKED = {
    "lead": "L-1042", "flow": "demo-request", "entry": "c0ffee", "status": "blocked", "cause": "crm.rate_limit",
    "class": "fault", "step": "crm", "headline": "L-1042 never entered the sequence: the CRM refused the write.",
    "entered_at": None, "late": False, "captured_at": "2026-05-01T10:00:00Z", "since": "2026-05-01T10:00:07Z",
    "decided_at": "2026-05-01T10:00:08Z", "deadline_at": "2026-05-01T10:15:00Z", "owner": "revops",
    "playbook": "https://playbooks.acme.example/crm", "raw_reason": "REQUEST_LIMIT_EXCEEDED", "remedy": "Slow it down.",
    "evidence": [{"trace_id": "5b8e", "span_id": "eee1", "service": "crm-writer", "name": "POST /leads",
                  "at": "2026-05-01T10:00:07Z", "outcome": "failed"}],
    "contributing": [{"cause": "enrich.lookup_failed", "step": "enrich"}],
    "also_affected": {"leads": 312, "since": "2026-05-01T09:00:00Z"},
    "changes": [{"at": "2026-05-01T09:00:00Z", "what": "crm-writer 2.4.1 first seen"}], "notes": ["the clock was off"],
}  # fmt: skip
ENTERED = {
    **BLOCKED, "status": "entered", "cause": None, "class": None, "step": None, "raw_reason": None, "remedy": "",
    "headline": "L-1042 entered the sequence.", "owner": None, "playbook": None, "evidence": [], "contributing": [],
    "also_affected": {"leads": 0, "since": None}, "changes": [], "notes": [],
}  # fmt: skip


def test_the_sentence_comes_first_and_then_what_one_asks_next():
    lines = told(BLOCKED).splitlines()
    assert lines[0] == "✗ L-1042 never entered the sequence: the CRM refused the write."
    assert lines[2:] == [
        "  cause      crm.rate_limit (fault) at step crm, the vendor said “REQUEST_LIMIT_EXCEEDED”",
        "  flow       demo-request, entry c0ffee",
        "  captured   2026-05-01T10:00:00Z, decided by 2026-05-01T10:00:07Z",
        "  owner      revops, playbook https://playbooks.acme.example/crm",
        "  what to do Slow it down.",
        "  others     312 more leads since 2026-05-01T09:00:00Z",
        "  changed    2026-05-01T09:00:00Z crm-writer 2.4.1 first seen",
        "  besides    enrich.lookup_failed at step enrich",
        "  note       the clock was off",
        "  evidence   2026-05-01T10:00:07Z crm-writer: POST /leads → failed (trace 5b8e)",
    ]


def test_an_alert_is_its_title_and_the_first_line_of_each_part():
    link = "http://127.0.0.1:8080/alerts/588701e75682c737ee0d"
    text = (
        "PAGE: Campaign pricing-page: 31 leads did not get into the sequence\n\n"
        "At risk: Campaign pricing-page: 31 of 74 went wrong in 1 h.\n  31 leads affected since 10:58 UTC.\n\n"
        "Cause: CRM rate limit (crm.rate_limit): 28 leads\n  Other causes: 3 leads\n\n"
        f"Changed: 10:57 UTC crm-writer 2.4.1 first seen; all of the failures came after it\n\nLink: {link}\n"
    )
    assert told_alert({"text": text}).splitlines() == [
        "! PAGE: Campaign pricing-page: 31 leads did not get into the sequence",
        "",
        "  at risk    Campaign pricing-page: 31 of 74 went wrong in 1 h.",
        "  cause      CRM rate limit (crm.rate_limit): 28 leads",
        "  changed    10:57 UTC crm-writer 2.4.1 first seen; all of the failures came after it",
        f"  link       {link}",
    ]


def test_a_lead_that_entered_needs_few_words():
    assert told(ENTERED).splitlines() == [
        "✓ L-1042 entered the sequence.",
        "",
        "  flow       demo-request, entry c0ffee",
        "  captured   2026-05-01T10:00:00Z, decided by 2026-05-01T10:00:07Z",
    ]


@pytest.mark.parametrize(
    ("status", "sign"), [("entered", "✓"), ("skipped", "○"), ("blocked", "✗"), ("pending", "…"), ("unknown", "?")]
)
def test_each_status_has_its_sign(status, sign):
    assert told({**BLOCKED, "status": status}).startswith(f"{sign} ")


def test_a_reason_that_only_repeats_the_cause_is_not_repeated():
    assert "vendor said" not in told({**BLOCKED, "raw_reason": "crm.rate_limit"})
    assert "vendor said" not in told({**BLOCKED, "raw_reason": None})


def test_long_sentences_are_wrapped():
    long = "word " * 60
    lines = told({**BLOCKED, "headline": long, "remedy": long}).splitlines()
    assert max(map(len, lines)) <= 100


# ── the welcome ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def service(tmp_path):
    """As much of a service as the welcome looks at."""
    keeper = Doorkeeper(Tokens(tmp_path / "tokens.json"), Signer(b"k" * 32))
    return lambda auth="token", flows=("a flow",), **settings: SimpleNamespace(
        settings=read_settings({f"LEADTRACE_{key.upper()}": value for key, value in settings.items()}),
        doorkeeper=keeper if auth == "token" else None,
        flows=lambda: flows,
    )


READY = Ready(Address("0.0.0.0", 8080), Address("127.0.0.1", 4318), Address("::", 4317))


def test_the_welcome_has_a_link_and_lines_to_paste(service):
    said = welcome(service(), READY, "lti_1_secret")
    assert re.search(r"open +http://127\.0\.0\.1:8080/sign-in\?code=\d+\.[\w-]+\n", said)
    assert "OTLP/HTTP   http://127.0.0.1:4318\n" in said
    assert "OTLP/gRPC   http://[::1]:4317\n" in said
    assert 'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20lti_1_secret"' in said
    assert "LEADTRACE_FLOWS" not in said


def test_a_later_welcome_says_how_to_make_a_token(service):
    assert "leadtrace token create --role ingest" in welcome(service(), READY, None)


def test_without_tokens_there_is_nothing_to_sign_in_with(service):
    said = welcome(service("off"), READY, None)
    assert "http://127.0.0.1:8080/\n" in said
    assert "HEADERS" not in said


def test_the_link_has_the_address_that_people_use(service):
    assert "open        https://leads.acme.example/sign-in?code=" in welcome(
        service(public_url="https://leads.acme.example"), READY, None
    )


def test_parts_that_do_not_run_here_are_not_named(service):
    said = welcome(service(), Ready(None, Address("127.0.0.1", 4318), None), None)
    assert "open" not in said
    assert "gRPC" not in said
    said = welcome(service(), Ready(Address("127.0.0.1", 8080), None, None), None)
    assert "OTLP" not in said


def test_without_flows_it_says_that_nobody_is_judged(service):
    assert "set LEADTRACE_FLOWS" in welcome(service(flows=()), READY, None)


def test_an_address_that_means_everywhere_is_shown_as_one_that_works_here():
    assert str(reachable(Address("0.0.0.0", 1))) == "127.0.0.1:1"
    assert str(reachable(Address("::", 1))) == "[::1]:1"
    assert str(reachable(Address("10.0.0.1", 1))) == "10.0.0.1:1"


# ── logs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

FAILING = """
import logging, sys, structlog
from leadtrace.logs import set_up_logs
set_up_logs(sys.argv[1])
def ask(token):
    raise ValueError("it failed")
try:
    ask("lti_0_" + "s3cret")
except ValueError as error:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    structlog.get_logger("ours").exception("bug")
print("the answer")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_is_logged_without_the_values_of_variables(style, tmp_path):
    (tmp_path / "failing.py").write_text(FAILING)
    done = subprocess.run(
        [sys.executable, "failing.py", style],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "the answer\n"
    assert done.stderr.count("ValueError: it failed") == 2
    assert "lti_0_s3cret" not in done.stderr
    if style == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert [line["event"] for line in lines] == ["Exception in ASGI application", "bug"]
        assert all("Traceback" in line["exception"] for line in lines)
