import json

import pytest
from demo_otlp_sink import Sink
from demo_runs import Drive, run_demo


@pytest.fixture(scope="session")
def drive(tmp_path_factory) -> Drive:
    """48 leads hold every fault; one run serves all the tests that only look."""
    truth = tmp_path_factory.mktemp("demo") / "truth.json"
    with Sink() as sink:
        arguments = ("--leads", 48, "--rate", 24, "--seed", 7, "--truth", truth, "--headers", "authorization=Bearer k1")
        done = run_demo("--otlp-http", sink.url, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Drive(sink.received, json.loads(truth.read_text()), done.stdout)
