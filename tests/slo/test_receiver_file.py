"""The file of receivers while leadtrace runs: edits, rotated secrets, and names that nobody has."""

import os
from dataclasses import replace

import pytest
from click.testing import CliRunner
from counting_world import objective
from structlog.testing import capture_logs
from telling_alerts import HOME, NIGHT
from vendors import Answer, pagerduty, serving, slack

from leadtrace import watched
from leadtrace.cli import main
from leadtrace.receiverfile import ReceiverFile
from slo.notify.pagerduty import PagerDuty
from slo.notify.post import Target
from slo.receivers import ReceiverProblems
from slo.sample import try_out

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


# ── trying it out ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tell(folder):
    """`leadtrace slo tell NAME` with these doors behind the receivers."""

    def told(name, **doors):
        text = FILE + "".join(
            f"  - {{name: {door}, type: slack, url: {{env: {door}}}, allow_private: true}}\n" for door in doors
        )
        save(folder / "receivers.yaml", text)
        environment = {"LEADTRACE_RECEIVERS": str(folder / "receivers.yaml"), **doors}
        return CliRunner().invoke(main, ["slo", "tell", name], env=environment)

    return told


def test_a_receiver_that_takes_the_test_is_connected(tell):
    with serving(slack) as vendor:
        shown = tell("channel", channel=vendor.url)
        assert (shown.exit_code, shown.output) == (0, "channel took it\n")
        assert "nothing is wrong" in vendor.good[0]["text"]


def test_a_receiver_that_does_not_is_told_with_its_reason(tell):
    with serving(slack) as vendor:
        vendor.script.append(Answer(404, b"no_service"))
        shown = tell("channel", channel=vendor.url)
    assert shown.exit_code == 1
    assert "channel did not take it: it answered 404: no_service" in shown.output


def test_a_name_that_the_file_does_not_have_is_told(tell):
    shown = tell("chanel", channel="https://hooks.slack.com/services/x")
    assert shown.exit_code == 1
    assert "has no receiver `chanel`; it has pager, channel" in shown.output


def test_without_a_file_there_is_nobody_to_tell():
    shown = CliRunner().invoke(main, ["slo", "tell", "channel"], env={"LEADTRACE_RECEIVERS": ""})
    assert "no file of receivers is named" in shown.output


def test_the_pager_is_tried_out_without_leaving_an_incident_open():
    with serving(pagerduty) as vendor:
        try_out(PagerDuty("pager", "K" * 32, Target(vendor.url, allow_private=True)), HOME, NIGHT)
        assert [one["event_action"] for one in vendor.good] == ["trigger", "resolve"]
        assert len({one["dedup_key"] for one in vendor.good}) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(FILE, "✓ 1 receivers are right: pager", id="right"),
        pytest.param(FILE.replace("pagerduty", "pager"), "✗", id="wrong"),
    ],
)
def test_the_doctor_looks_at_receivers(folder, text, sentence):
    save(folder / "receivers.yaml", text)
    environment = {"LEADTRACE_DATA": str(folder / "data"), "LEADTRACE_RECEIVERS": str(folder / "receivers.yaml")}
    assert sentence in CliRunner().invoke(main, ["doctor"], env=environment).output
