"""The promise under every other: what was acknowledged is stored once, whatever happens to the process."""

import http.client
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from live import PROTOBUF, Live, ask_engine, export, span, wait_for

LONG = os.environ.get("LEADTRACE_TORTURE") == "long"
KILLS = 50 if LONG else 4
STARTS = 40 if LONG else 2
PAUSE_S = 0.004  # a sender among others, not a flood: the machine is shared
SOON_S = 30


@dataclass
class Sent:
    """One request: the ids in it, how often it was sent, whether a 200 came back."""

    ids: list[str]
    times: int = 0
    acknowledged: bool = False


@dataclass
class Sender:
    """Sends requests of new spans without end. A patient one sends a request again until it is acknowledged."""

    server: Live
    patient: bool
    spans_a_request: int = 7
    sent: list[Sent] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def acknowledged(self) -> list[str]:
        return [one for request in list(self.sent) if request.acknowledged for one in request.ids]

    def _run(self) -> None:
        while not self._ended.is_set():
            spans = [span(lead_id=f"L-{len(self.sent)}-{self.patient}") for _ in range(self.spans_a_request)]
            body = export(*spans).SerializeToString()
            self.sent.append(Sent([one.span_id.hex() for one in spans]))
            while not self._tries(self.sent[-1], body) and self.patient and not self._ended.is_set():
                time.sleep(0.02)
            time.sleep(PAUSE_S)

    def _tries(self, request: Sent, body: bytes) -> bool:
        request.times += 1
        where = urlsplit(self.server.otlp_http)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=SOON_S)
        try:
            connection.request("POST", "/v1/traces", body, {**PROTOBUF, **self.server.bearer()})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if answer.status not in {200, 503}:
            self.odd.append(f"{answer.status}")
        request.acknowledged = answer.status == 200
        return request.acknowledged


@pytest.mark.torture
@pytest.mark.timeout(60 + 30 * KILLS)
def test_every_acknowledged_span_survives_kill_9_once(tmp_path, flows):
    seed = int(os.environ.get("PYTEST_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    server = Live(tmp_path, flows=flows)
    senders: list[Sender] = []
    try:
        server.start()
        senders = [Sender(server, patient=False), Sender(server, patient=True)]
        for _ in range(KILLS):
            _wait_for_more(senders, chance.randint(1, 150))
            time.sleep(chance.random())  # the moment of the kill is what is random here, nothing waits on it
            server.kill()
            server.start()
        _wait_for_more(senders, 1)
        for sender in senders:
            sender.end()
        assert server.stop() == 0, server.log
    finally:
        server.kill()
        for sender in senders:
            sender.end()
    _compare(server, *senders, said=f"seed {seed}")


@pytest.mark.torture
@pytest.mark.timeout(60 + 10 * STARTS)
def test_kills_in_the_middle_of_a_start_lose_nothing_and_double_nothing(tmp_path, flows):
    """What a kill left in the spool is loaded at the start. Killed in the middle of that load, or after it and before
    the spool forgets, it loads the same segments again: here every start finds all of them again.
    """
    seed = int(os.environ.get("PYTEST_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    server = Live(tmp_path, flows=flows)
    senders: list[Sender] = []
    try:
        server.start()
        senders = [Sender(server, patient=False, spans_a_request=200) for _ in range(2)]
        _wait_for_more(senders, 2_000)
        server.kill()
        for sender in senders:
            sender.end()
        left = {path.stem: path.read_bytes() for path in (server.data / "spool").glob("*-*")}
        for _ in range(STARTS):
            server.launch()
            time.sleep(1 + 1.5 * chance.random())  # an engine opens in a second or two: it dies before, within, after
            server.kill()
            _put_back(server.data / "spool", left)
        server.start()
        assert server.stop() == 0, server.log
    finally:
        server.kill()
    _compare(server, *senders, said=f"seed {seed}")


def _put_back(spool: Path, segments: dict[str, bytes]) -> None:
    """As if the kill had come before the spool forgot them. Deaths are not counted here: after three in one segment
    its halves go in under other tokens, and what was there already is doubled until the engine merges.
    """
    for path in spool.glob("*.deaths"):
        path.unlink()
    there = {path.stem for path in spool.glob("*-*")}
    for name in segments.keys() - there:
        (spool / f"{name}.sealed").write_bytes(segments[name])


def _wait_for_more(senders: list[Sender], count: int) -> None:
    """Until so many more spans were acknowledged to each."""
    for sender, before in [(sender, len(sender.acknowledged)) for sender in senders]:
        wait_for(lambda s=sender, b=before: len(s.acknowledged) >= b + count, f"{count} acknowledged spans", 60)


def _compare(server: Live, hasty: Sender, patient: Sender, *, said: str) -> None:
    assert not hasty.odd + patient.odd, said
    assert "Traceback" not in server.log
    assert not list((server.data / "spool").glob("*-*")), "a stop leaves nothing in the spool"
    assert not list((server.data / "quarantine").iterdir()), "nothing was set aside"
    for table, key in (("spans", "span_id"), ("timeline", "hop_id")):
        kept = _counts(server, f"SELECT {key} AS id, count() AS n FROM {table} GROUP BY id")
        merged = _counts(server, f"SELECT {key} AS id, count() AS n FROM {table} FINAL GROUP BY id")
        where = f"{table}, {said}"
        lost = [one for sender in (hasty, patient) for one in sender.acknowledged if one not in kept]
        assert not lost, f"{len(lost)} acknowledged spans are not in {where}"
        assert set(merged.values()) == {1}, f"doubled after merging in {where}"
        doubled = {one: kept[one] for request in hasty.sent for one in request.ids if kept[one] > 1}
        assert not doubled, f"sent once, {len(doubled)} stored more than once in {where}"
        for request in hasty.sent + patient.sent:
            there = {kept[one] for one in request.ids}
            assert len(there) == 1, f"a request stands half in {where}: {request.ids[0]}, {there}"
            assert max(there) <= request.times, f"stored more often than sent in {where}: {request.ids[0]}"
        known = {one for request in hasty.sent + patient.sent for one in request.ids}
        assert set(kept) <= known, f"spans that nobody sent in {where}"


def _counts(server: Live, query: str) -> Counter[str]:
    return Counter({row["id"]: int(row["n"]) for row in ask_engine(server.data, query)})


def test_a_kill_right_after_the_answer_loses_nothing(tmp_path, flows):
    with Live(tmp_path, flows=flows) as server:
        sent = [span(lead_id="L-1") for _ in range(20)]
        assert server.send(*sent).status_code == 200
        server.kill()
        server.start()
        wait_for(lambda: len(_hop_ids(server)) == 20, "the spans after the restart")
        assert _hop_ids(server) == {one.span_id.hex() for one in sent}


def _hop_ids(server: Live) -> set[str]:
    answer = server.get("/api/v1/leads/L-1")
    return {hop["span_id"] for hop in answer.json()["hops"]} if answer.status_code == 200 else set()
