"""PagerDuty, Slack, Alertmanager and webhooks, each against a local server that checks what the vendor asks for."""

import base64
import json
import socket
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import self_signed
from telling_alerts import NIGHT, alert, at, burn, key
from vendors import Answer, Request, alertmanager, anything, pagerduty, serving, slack, standard_webhook, verified

from model.alert import GroupAtRisk, Suspect
from slo.message import Message, headline
from slo.notify import post as posting
from slo.notify.alertmanager import Alertmanager
from slo.notify.notifier import NotifyError
from slo.notify.pagerduty import PagerDuty, dedup_key
from slo.notify.post import Target, addresses, is_public, post
from slo.notify.slack import Slack, escaped
from slo.notify.webhook import Webhook, read_secret, signatures

KEY = "R0123456789ABCDEFGHIJKLMNOPQRSTU"
OLD, NEW = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
NASTY = "<!channel> & “$(x)” \r\nBcc: a@b.example \x00\u202e" + "ü" * 5_000


def told(*alerts, one="msg_1") -> Message:
    return Message(one, alerts or (alert(),))


def nasty():
    """An alert in which everything that a sender of telemetry may write is as bad as can be."""
    group = (("campaign", NASTY), ("segment", NASTY))
    bad = alert(
        key=key(group=group),
        objective_title=NASTY,
        flow=NASTY,
        owner=NASTY,
        playbook="https://wiki.example.com/?a=1&b=<x>|" + "y" * 1_900,
        reason=NASTY,
        at_risk=tuple(GroupAtRisk(group, 1.0, 1, 1, 1) for _ in range(50)),
        examples=tuple((NASTY, "https://leadtrace.example.com/leads/" + "z" * 1_900) for _ in range(50)),
        causes=tuple((f"cause.{number}", NASTY, 1) for number in range(50)),
        changes=tuple(Suspect(NIGHT, NASTY, "version", 1.0, "https://x.example/?" + "q" * 1_900) for _ in range(50)),
    )
    return replace(bad, headline=headline(bad))


def target(vendor) -> Target:
    return Target(vendor.url, allow_private=True)


def failed(notifier, message=None, now=NIGHT) -> NotifyError:
    with pytest.raises(NotifyError) as raised:
        notifier.send(message or told(), now)
    return raised.value


@pytest.fixture
def pd():
    with serving(pagerduty) as vendor:
        vendor.notifier = PagerDuty("pager", KEY, target(vendor))
        yield vendor


@pytest.fixture
def channel():
    with serving(slack) as vendor:
        vendor.notifier = Slack("channel", target(vendor))
        yield vendor


@pytest.fixture
def prometheus():
    with serving(alertmanager) as vendor:
        vendor.notifier = Alertmanager("am", (target(vendor),), "Bearer secret")
        yield vendor


# ── PagerDuty ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pagerduty_takes_a_page_and_what_changed(pd):
    pd.notifier.send(told(), NIGHT)
    trigger, *changes = pd.good
    assert (trigger["event_action"], trigger["payload"]["severity"]) == ("trigger", "critical")
    assert trigger["payload"]["summary"].startswith("PAGE: Campaign spring-webinar")
    assert [one["payload"]["summary"] for one in changes] == [one.what for one in alert().changes]


def test_an_incident_is_one_at_pagerduty_from_ticket_to_page_to_its_end(pd):
    for happening, severity in (
        ("fired", "ticket"),
        ("escalated", "page"),
        ("acknowledged", "page"),
        ("resolved", "page"),
    ):
        pd.notifier.send(told(alert(happening=happening, severity=severity, changes=())), NIGHT)
    assert [one["event_action"] for one in pd.good] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in pd.good} == {"leadtrace/enrolment/i-1"}
    assert [one["payload"]["severity"] for one in pd.good[:2]] == ["warning", "critical"]


def test_pagerduty_takes_even_the_worst_names(pd):
    pd.notifier.send(told(nasty()), NIGHT)
    assert len(pd.good) == len(pd.requests) == 4
    assert len(dedup_key(alert(key=key(objective="o" * 400)))) <= 255


def test_a_change_event_that_fails_does_not_page_twice(pd):
    pd.script += [Answer(202), Answer(500)]
    pd.notifier.send(told(), NIGHT)
    assert len(pd.requests) == 2


@pytest.mark.parametrize(
    ("answer", "permanent", "wait"),
    [
        pytest.param(Answer(429, headers={"Retry-After": "30"}), False, timedelta(seconds=30), id="too many"),
        pytest.param(Answer(500), False, None, id="its own failure"),
        pytest.param(Answer(400, b"Length of 'routing_key' is incorrect"), True, None, id="a wrong key"),
        pytest.param(Answer(302, headers={"Location": "http://127.0.0.1/"}), False, None, id="a redirect"),
        pytest.param(Answer(200, raw=b"\x00\x01garbage\r\n\r\n"), False, None, id="garbage"),
        pytest.param(Answer(200, raw=b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), False, None, id="a bad length"),
    ],
)
def test_an_answer_says_whether_to_try_again_and_when(pd, answer, permanent, wait):
    pd.script.append(answer)
    error = failed(pd.notifier)
    assert (error.permanent, error.retry_after) == (permanent, wait)
    assert len(pd.requests) == 1
    assert KEY not in str(error)


# ── Slack ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_slack_takes_a_message_and_its_end_as_another_one(channel):
    channel.notifier.send(told(), NIGHT)
    channel.notifier.send(told(alert(happening="resolved", at=at(89), reason="clear again")), at(89))
    fired, over = channel.good
    assert fired["blocks"][0]["text"]["text"].startswith("PAGE: Campaign spring-webinar")
    assert over["blocks"][0]["text"]["text"].startswith("Over after 1 h 29 min: Campaign spring-webinar")


def test_slack_shows_several_alerts_in_one_message_the_worst_first(channel):
    ticket = alert(id="t-2", severity="ticket", headline="Campaign autumn: 3 leads waiting too long")
    channel.notifier.send(told(ticket, alert()), NIGHT)
    header, *sections = [block["text"]["text"] for block in channel.good[0]["blocks"]]
    assert header.endswith("(and 1 more)")
    assert "Ticket: Campaign autumn" in sections[-1]


def test_slack_takes_even_the_worst_names(channel):
    many = [replace(nasty(), id=f"t-{number}", happening="fired") for number in range(100)]
    channel.notifier.send(told(*many), NIGHT)
    assert len(channel.good) == 1
    assert "<!channel>" not in channel.requests[0].body.decode()


def test_text_for_slack_is_never_cut_inside_an_entity():
    assert [escaped("ab&cd", longest) for longest in (4, 6, 7, 8, 9)] == [
        "ab…",
        "ab…",
        "ab…",
        "ab&amp;…"[:8],
        "ab&amp;cd",
    ]


def test_a_channel_that_is_gone_is_not_tried_again(channel):
    channel.script += [Answer(410, b"channel_is_archived"), Answer(429, headers={"Retry-After": "7"})]
    assert (failed(channel.notifier).permanent, str(failed(channel.notifier))) == (True, "it answered 429")


# ── Alertmanager ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_alertmanager_hears_who_it_is_in_labels_and_the_evidence_in_annotations(prometheus):
    prometheus.notifier.send(told(), NIGHT)
    (one,) = prometheus.good[0]
    assert one["labels"] == {
        "alertname": "LeadtraceBudgetBurn",
        "objective": "enrolment",
        "flow": "demo-request",
        "indicator": "enrolment",
        "severity": "page",
        "campaign": "spring-webinar",
    }
    assert "crm.rate_limit" in one["annotations"]["cause"]
    assert datetime.fromisoformat(one["endsAt"]) == NIGHT + timedelta(hours=1)
    assert prometheus.requests[0].headers["authorization"] == "Bearer secret"


def test_an_alert_that_is_sent_again_has_the_same_labels_and_start_whatever_the_evidence(prometheus):
    prometheus.notifier.send(told(), NIGHT)
    later = alert(at=at(30), leads_affected=900, causes=(), burn=burn(tier="page 6h/30m"))
    prometheus.notifier.keep([later], at(30))
    first, again = (posted[0] for posted in prometheus.good)
    assert (first["labels"], first["startsAt"]) == (again["labels"], again["startsAt"])
    assert first["endsAt"] < again["endsAt"]


def test_the_end_is_told_and_what_fires_anew_under_the_same_labels_goes_on(prometheus):
    over = alert(happening="resolved", at=at(10))
    prometheus.notifier.keep([over], at(11))
    assert datetime.fromisoformat(prometheus.good[0][0]["endsAt"]) == at(10)
    anew = alert(incident="i-2", fired_at=at(11))
    prometheus.notifier.keep([anew, over], at(11))
    (kept,) = prometheus.good[1]
    assert datetime.fromisoformat(kept["startsAt"]) == at(11)


def test_an_escalation_ends_the_ticket_and_begins_the_page(prometheus):
    prometheus.notifier.send(told(alert(happening="escalated", at=at(5))), at(5))
    ends = {one["labels"]["severity"]: datetime.fromisoformat(one["endsAt"]) for one in prometheus.good[0]}
    assert ends == {"ticket": at(5), "page": at(65)}


def test_one_member_of_a_cluster_that_hears_is_enough(prometheus):
    with serving(alertmanager) as second:
        cluster = Alertmanager("am", (target(second), target(prometheus)))
        second.script.append(Answer(500))
        cluster.send(told(), NIGHT)
        second.script.append(Answer(503))
        prometheus.script.append(Answer(500))
        assert str(failed(cluster)) == "it answered 503"


def test_alertmanager_takes_even_the_worst_names(prometheus):
    prometheus.notifier.send(told(nasty()), NIGHT)
    assert len(prometheus.good) == 1


# ── Standard Webhooks ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_is_signed_and_keeps_its_id_over_tries_while_the_time_of_the_try_moves():
    with serving(standard_webhook(NEW)) as vendor:
        notifier = Webhook("bus", target(vendor), (read_secret(NEW),))
        vendor.script.append(Answer(503, headers={"Retry-After": "Mon, 02 Mar 2026 03:02:00 GMT"}))
        assert failed(notifier).retry_after == timedelta(minutes=2)
        notifier.send(told(), at(2))
        first, second = vendor.requests
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg_1"
        assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 120
        assert vendor.good[0]["type"] == "alert.fired"


def test_while_a_key_rotates_consumers_with_either_take_it():
    for known in (OLD, NEW):
        with serving(standard_webhook(known)) as vendor:
            Webhook("bus", target(vendor), (read_secret(NEW), read_secret(OLD))).send(told(), NIGHT)
            assert len(vendor.good) == 1


def test_only_410_ends_a_webhook_for_good():
    with serving(standard_webhook(NEW)) as vendor:
        notifier = Webhook("bus", target(vendor), (read_secret(NEW),))
        vendor.script += [Answer(404), Answer(401), Answer(410)]
        assert [failed(notifier).permanent for _ in range(3)] == [False, False, True]


@pytest.mark.shared
def test_signatures_are_those_of_the_official_libraries(shared_cases):
    cases = json.loads((shared_cases / "webhook-signatures" / "vectors.json").read_text())
    cases = [case for case in cases if case["scheme"] == "standard-webhooks"]
    assert len(cases) >= 5
    for case in cases:
        headers, body = case["headers"], case["body"].encode()
        made = signatures([read_secret(case["secret"])], headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert (made in headers["webhook-signature"].split(" ")) is case["valid"]
        assert verified(case["secret"], headers, body) is case["valid"]


@pytest.mark.parametrize("text", ["whsec_short", "whsec_" + base64.b64encode(b"x" * 65).decode(), "not base64!"])
def test_a_secret_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"it (is not base64|has)"):
        read_secret(text)


# ── the road ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1", "ff02::1"],
)  # fmt: skip
def test_an_address_of_a_private_network_is_none_of_the_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


def test_no_request_goes_into_a_private_network_unless_it_is_allowed():
    with serving(anything) as vendor:
        error = failed(Slack("channel", Target(vendor.url)))
        assert error.permanent
        assert "allow_private: true" in str(error)
        assert vendor.requests == []


def test_a_name_is_resolved_once_and_what_it_says_later_leads_nowhere(monkeypatch):
    """A name server that first gives a public address and then a private one (DNS rebinding)."""
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    asked, connected = [], []

    def resolve(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers[min(len(asked), 2) - 1]]

    def connect(address, timeout):
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    error = failed(Slack("channel", Target("https://hooks.example.com/services/T/B/secret")))
    assert (asked, connected) == (["hooks.example.com"], [("8.8.8.8", 443)])
    assert "secret" not in str(error)


def test_of_several_addresses_only_the_public_ones_are_used(monkeypatch):
    found = [(0, 0, 0, "", (one, 443)) for one in ("10.0.0.1", "8.8.8.8", "::1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert addresses("hooks.example.com", 443, allow_private=False) == ["8.8.8.8"]


def test_a_second_address_is_tried_when_the_first_does_not_take_the_connection(monkeypatch):
    with serving(anything) as vendor:
        port = int(vendor.url.rpartition(":")[2])
        monkeypatch.setattr(posting, "addresses", lambda *_, **__: ["127.0.0.2", "127.0.0.1"])
        monkeypatch.setattr(posting, "CONNECT_S", 2.0)
        with socket.socket() as taken:
            taken.bind(("127.0.0.2", 0))
            assert post(Target(f"http://localhost:{port}/x"), b"{}", {}, NIGHT).ok
        assert vendor.requests[0].headers["host"] == f"localhost:{port}"


def test_a_redirect_is_not_followed():
    with serving(anything) as inside, serving(anything) as vendor:
        vendor.script.append(Answer(307, headers={"Location": inside.url}))
        assert "it answered 307" in str(failed(Slack("channel", target(vendor))))
        assert inside.requests == []


def test_an_answer_is_read_to_a_bound_and_shown_as_one_line():
    with serving(anything) as vendor:
        vendor.script.append(Answer(500, b"no\r\n\x1b[31m" + b"x" * 3_000_000))
        error = failed(Slack("channel", target(vendor)))
        assert str(error).startswith("it answered 500: no [31mxxx")
        assert len(str(error)) < 300


def test_a_server_that_answers_too_late_is_left(monkeypatch):
    monkeypatch.setattr(posting, "CONNECT_S", 0.2)
    with serving(anything) as vendor:
        vendor.script.append(Answer(200, delay_s=1.0))
        error = failed(Slack("channel", target(vendor)))
        assert not error.permanent
        assert "did not answer" in str(error)


def test_a_server_that_sends_a_byte_now_and_then_is_left_as_well(monkeypatch):
    monkeypatch.setattr(posting, "DEADLINE_S", 0.5)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"X: y\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        error = failed(Slack("channel", Target(f"http://127.0.0.1:{server.getsockname()[1]}", allow_private=True)))
        stop.set()
        thread.join()
    assert "did not answer" in str(error) or "could not be reached" in str(error)


def test_nobody_listens_is_tried_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failed(Slack("channel", Target(f"http://127.0.0.1:{taken.getsockname()[1]}", allow_private=True)))
    assert (error.permanent, str(error)) == (False, "it could not be reached: Connection refused")


def test_a_certificate_that_is_not_trusted_is_refused_and_one_that_is_named_is_taken(tmp_path):
    pair = self_signed.write(tmp_path)
    with serving(slack, tls=pair) as vendor:
        assert "TLS failed" in str(failed(Slack("channel", target(vendor))))
        Slack("channel", Target(vendor.url, allow_private=True, ca_file=str(pair[0]))).send(told(), NIGHT)
        assert len(vendor.good) == 1


def test_a_wait_that_is_asked_for_is_bounded():
    with serving(anything) as vendor:
        for header in ("999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"):
            vendor.script.append(Answer(503, headers={"Retry-After": header}))
            assert failed(Slack("channel", target(vendor))).retry_after == timedelta(hours=1)
        vendor.script.append(Answer(503, headers={"Retry-After": "soon"}))
        assert failed(Slack("channel", target(vendor))).retry_after is None


def test_the_checks_of_these_vendors_find_what_is_wrong():
    assert pagerduty(Request("/v2/enqueue", {}, b'{"routing_key": "x", "event_action": "trigger"}')).status == 400
    assert (
        slack(
            Request(
                "/", {}, b'{"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": ""}}]}'
            )
        ).status
        == 400
    )
