"""The file of receivers while leadtrace runs: edits, rotated secrets, and names that nobody has."""

import os
from dataclasses import replace

import pytest
from counting_world import objective
from structlog.testing import capture_logs

from leadtrace import watched
from leadtrace.receiverfile import ReceiverFile
from slo.receivers import ReceiverProblems

FILE = """\
apiVersion: leadtrace/v1
kind: Receivers
receivers:
  - {name: pager, type: pagerduty, routing_key: {file: key}}
"""
_moments = iter(range(1_700_000_000, 1_800_000_000))


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_AGAIN_S", -1.0)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "receivers.yaml", FILE)
    save(tmp_path / "key", "a" * 32)
    return tmp_path


def save(path, text):
    """Save a file at a moment of its own: two saves within one tick of the clock would look the same."""
    path.write_text(text)
    at = next(_moments)
    os.utime(path, (at, at))


def reading(folder, **told):
    wanted = {name: replace(objective(name), receivers={"page 1h/5m": to}) for name, to in told.items()}
    return ReceiverFile(folder / "receivers.yaml", {}, lambda: wanted)


def test_a_rotated_secret_comes_into_force_without_a_restart(folder):
    receivers = reading(folder)
    assert receivers().by_name["pager"].routing_key == "a" * 32
    save(folder / "key", "b" * 32)
    assert receivers().by_name["pager"].routing_key == "b" * 32


def test_a_broken_edit_keeps_what_was_in_force_and_is_logged(folder):
    receivers = reading(folder)
    with capture_logs() as logs:
        save(folder / "receivers.yaml", FILE.replace("pagerduty", "pagerdty"))
        assert list(receivers().by_name) == ["pager"]
    assert [one["event"] for one in logs] == ["receivers_kept"]


def test_a_name_that_nobody_has_stops_the_start(folder):
    with pytest.raises(ReceiverProblems, match=r"objective `enrolment` tells `pagr`, .* Did you mean `pager`\?"):
        reading(folder, enrolment=("pagr",))


def test_a_name_that_nobody_has_any_more_is_logged_later(folder):
    receivers = reading(folder, enrolment=("pager",))
    with capture_logs() as logs:
        save(folder / "receivers.yaml", FILE.replace("name: pager", "name: on-call"))
        assert list(receivers().by_name) == ["on-call"]
    assert [one["event"] for one in logs] == ["receiver_unknown", "receivers_read"]


def test_without_a_file_nobody_is_told_and_that_is_said(folder):
    with capture_logs() as logs:
        nobody = ReceiverFile(None, {}, lambda: {"enrolment": objective()})
    assert nobody().by_name == {}
    assert [one["event"] for one in logs] == ["alerts_reach_nobody"]


def test_a_start_with_a_wrong_file_is_refused(folder):
    save(folder / "receivers.yaml", "kind: Receivers")
    with pytest.raises(ReceiverProblems):
        reading(folder)
