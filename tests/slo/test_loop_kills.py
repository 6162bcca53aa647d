"""An engine killed at any moment: one incident a key, every message arrives, the same one under the same id."""

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import pytest
from nights import CHECKS
from vendors import Answer, serving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONG = os.environ.get("LEADTRACE_TORTURE") == "long"
NIGHTS, KILLS = (10, 12) if LONG else (1, 3)
NAMES = ("pager", "bus", "channel")
ASKED = """
SELECT incident, objective, group_key, happening, messages FROM alert_transitions WHERE happening != '' ORDER BY version
"""
UNFINISHED = """
SELECT count() FROM alert_transitions ARRAY JOIN messages AS one
WHERE one.message NOT IN (SELECT message FROM deliveries FINAL WHERE outcome = 'sent')
"""


def slow(check, chance: random.Random):
    """Answers late, or fails, now and then."""

    def checked(request):
        answer = check(request)
        if chance.random() < 0.2:
            return Answer(503)
        return Answer(answer.status, answer.body, answer.headers, delay_s=chance.choice([0, 0, 0.05, 0.3]))

    return checked


class Engine:
    """The process, and what its store says once it is dead."""

    def __init__(self, folder: Path, doors: dict[str, str]):
        self.folder, self.doors = folder, doors
        self.environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}

    def lives_until(self, word: str, then_s: float = 0.0) -> str:
        """Killed so long after it said a word, or that it is done; what it said last."""
        arguments = [str(HERE / "alerting_process.py"), str(self.folder), json.dumps(self.doors)]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
            said = ""
            while said not in {word, "done"}:
                said = process.stdout.readline().strip()
                assert process.poll() is None, (self.folder / "log").read_text()
            time.sleep(then_s)
            process.kill()
            process.wait()
            process.stdout.close()
        return said

    def asked(self, query: str) -> list:
        script = (
            "import json, sys; from store.engine import Store; store = Store(f'chdb://{sys.argv[1]}/clickhouse')\n"
            "with store.client() as client: print(json.dumps(client.query(sys.argv[2]).result_rows, default=str))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(self.folder), query],
            env=self.environment,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.torture
@pytest.mark.parametrize("night", range(NIGHTS))
def test_an_engine_killed_between_commit_and_send_loses_no_message_and_makes_no_second_incident(tmp_path, night):
    chance = random.Random(night)
    with ExitStack() as open_doors:
        vendors = {name: open_doors.enter_context(serving(slow(CHECKS[name], chance))) for name in NAMES}
        engine = Engine(tmp_path, {name: vendor.url for name, vendor in vendors.items()})
        for _ in range(KILLS):
            word = "committed" if not LONG or chance.random() < 0.7 else "up"
            engine.lives_until(word, chance.choice([0, 0.01, 0.1, 0.5] if word == "committed" else [0, 0.5, 1, 2]))
        assert engine.lives_until("done", 1.0) == "done"
    assert engine.asked(UNFINISHED) == [[0]]
    rows = engine.asked(ASKED)
    one_a_key(rows)
    everything_arrived(rows, vendors)


def one_a_key(rows) -> None:
    incidents = defaultdict(set)
    for incident, objective, group, _, _ in rows:
        incidents[objective, group].add(incident)
    assert len(incidents) == 4
    assert {len(one) for one in incidents.values()} == {1}
    assert [happening for *_, happening, _ in rows].count("resolved") == 4


def everything_arrived(rows, vendors) -> None:
    sent = {message["message"] for row in rows for message in row[4] if message["receiver"] == "bus"}
    bodies = defaultdict(set)
    for request in vendors["bus"].requests:
        bodies[request.headers["webhook-id"]].add(request.body)
    assert bodies.keys() == sent
    assert {len(one) for one in bodies.values()} == {1}
    actions = defaultdict(list)
    for request in vendors["pager"].requests:
        event = request.json
        if "event_action" in event:
            actions[event["dedup_key"]].append(event["event_action"])
    assert len(actions) == 4
    assert all(one[0] == "trigger" and one[-1] == "resolve" for one in actions.values())
    assert all("trigger" not in one[one.index("resolve") :] for one in actions.values())
