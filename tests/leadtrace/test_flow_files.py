import os

import pytest
from structlog.testing import capture_logs

from leadtrace import watched
from leadtrace.flowfiles import MAX_FLOW_BYTES, FlowFiles, read_flows
from model.flowfile import FlowProblems


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_AGAIN_S", -1.0)


_moments = iter(range(1_700_000_000, 1_800_000_000))


def save(path, text):
    """Save a file at a moment of its own: two saves within one tick of the clock would look the same."""
    path.write_text(text)
    at = next(_moments)
    os.utime(path, (at, at))


def test_a_folder_means_the_yaml_files_directly_in_it(tmp_path, flow_text):
    save(tmp_path / "b.yml", flow_text("second"))
    save(tmp_path / "a.yaml", flow_text("first"))
    save(tmp_path / "notes.txt", "no flow")
    (tmp_path / "deeper").mkdir()
    save(tmp_path / "deeper" / "c.yaml", flow_text("third"))
    assert list(read_flows([tmp_path])) == ["first", "second"]


def test_an_edit_comes_into_force_without_a_restart(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text())
    flows = FlowFiles([tmp_path])
    save(tmp_path / "a.yaml", flow_text().replace("title: Demo request", "title: Ask for a demo"))
    assert flows()["demo-request"].title == "Ask for a demo"


def test_a_new_file_and_a_removed_one_come_into_force(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text("first"))
    flows = FlowFiles([tmp_path])
    save(tmp_path / "b.yaml", flow_text("second"))
    assert sorted(flows()) == ["first", "second"]
    (tmp_path / "a.yaml").unlink()
    assert sorted(flows()) == ["second"]


def test_a_broken_edit_keeps_what_was_in_force_and_is_logged_once(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text())
    flows = FlowFiles([tmp_path])
    with capture_logs() as logs:
        save(tmp_path / "a.yaml", flow_text().replace("goal: enrol", "goal: enroll"))
        kept = [flows(), flows(), flows()]
    assert [sorted(one) for one in kept] == [["demo-request"]] * 3
    assert [one["event"] for one in logs] == ["flows_kept"]
    assert "a.yaml" in logs[0]["reason"]
    save(tmp_path / "a.yaml", flow_text("mended"))
    assert sorted(flows()) == ["mended"]


def test_a_folder_that_goes_away_keeps_what_was_in_force(tmp_path, flow_text):
    folder = tmp_path / "flows"
    folder.mkdir()
    save(folder / "a.yaml", flow_text())
    flows = FlowFiles([folder])
    (folder / "a.yaml").unlink()
    folder.rmdir()
    assert sorted(flows()) == ["demo-request"]


def test_it_does_not_look_at_the_disk_at_every_question(tmp_path, flow_text, monkeypatch):
    monkeypatch.setattr(watched, "LOOK_AGAIN_S", 3600.0)
    save(tmp_path / "a.yaml", flow_text("first"))
    flows = FlowFiles([tmp_path])
    save(tmp_path / "a.yaml", flow_text("second"))
    assert sorted(flows()) == ["first"]


def test_a_mistake_at_the_start_stops_it_with_file_line_and_mend(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text().replace("goal: enrol", "goal: enroll"))
    with pytest.raises(FlowProblems) as refused:
        FlowFiles([tmp_path])
    assert f"{tmp_path / 'a.yaml'}:5: " in str(refused.value)


def test_the_mistakes_of_all_files_are_told_together(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text().replace("Flow\n", "Flaw\n"))
    save(tmp_path / "b.yaml", "[")
    with pytest.raises(FlowProblems) as refused:
        read_flows([tmp_path])
    assert {problem.file for problem in refused.value.problems} == {str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")}


def test_two_files_cannot_describe_the_same_flow(tmp_path, flow_text):
    save(tmp_path / "a.yaml", flow_text())
    save(tmp_path / "b.yaml", flow_text())
    with pytest.raises(FlowProblems, match="described twice") as refused:
        read_flows([tmp_path])
    assert str(tmp_path / "a.yaml") in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\xff\xfe\x00", "cannot be read", id="no text"),
        pytest.param(b"#" * (MAX_FLOW_BYTES + 1), "larger than 1 MiB", id="too large"),
    ],
)
def test_a_file_that_is_no_flow_is_a_sentence(tmp_path, content, said):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(FlowProblems, match=said):
        read_flows([tmp_path])
