"""The demo shows the funnel once it holds what the answers already say, and gives up when that does not come."""

from leadtrace import demo


class Server:
    """Answers with one funnel after another; the last one stays."""

    def __init__(self, *by_status) -> None:
        self.asked = 0
        self._answers = list(by_status)

    def get(self, path):
        assert path == "/api/v1/flows/demo-request/funnel"
        self.asked += 1
        return {"by_status": self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]}


TRUTH = {
    "flow": "demo-request",
    "leads": [{"expect": {"status": status}} for status in ("entered", "blocked", "entered")],
}
EARLY, DONE = {"entered": 1, "blocked": 1, "pending": 1}, {"entered": 2, "blocked": 1, "pending": 0}


def test_it_waits_for_the_last_verdicts_to_be_stored(monkeypatch):
    monkeypatch.setattr(demo.time, "sleep", lambda _seconds: None)
    server = Server(EARLY, EARLY, DONE)
    assert demo._stored_funnel(server, TRUTH)["by_status"] == DONE
    assert server.asked == 3


def test_it_shows_what_there_is_when_they_do_not_come(monkeypatch):
    monkeypatch.setattr(demo.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(demo, "STORE_S", 0.0)
    assert demo._stored_funnel(Server(EARLY), TRUTH)["by_status"] == EARLY
