"""The file of receivers: what it names is made, its secrets are read from elsewhere, each mistake gets a sentence."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from slo.notify.alertmanager import Alertmanager
from slo.notify.mail import Email
from slo.notify.pagerduty import PagerDuty
from slo.notify.post import Target
from slo.notify.slack import Slack
from slo.notify.webhook import Webhook
from slo.receivers import ReceiverProblems, Routing, read_receivers

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
HEAD = "apiVersion: leadtrace/v1\nkind: Receivers\nreceivers:\n"
WHOLE = """\
apiVersion: leadtrace/v1
kind: Receivers
routing: {group_wait: 10s, group_interval: 2m, repeat_interval: 1h}
receivers:
  - {name: pager, type: pagerduty, routing_key: {file: pagerduty.key}}
  - {name: channel, type: slack, url: {env: SLACK_URL}}
  - name: mail
    type: email
    server: smtp.example.com:587
    user: leadtrace
    password: {env: SMTP_PASSWORD}
    from: Leadtrace <alerts@example.com>
    to: [oncall@example.com]
  - {name: bus, type: webhook, url: "https://bus.example.com/in", secrets: [{env: NEW}, {env: OLD}]}
  - {name: prometheus, type: alertmanager, urls: ["http://10.0.0.7:9093"], token: {env: AM_TOKEN}}
"""
ENVIRONMENT = {
    "SLACK_URL": "https://hooks.slack.com/services/T/B/x",
    "SMTP_PASSWORD": "p",
    "NEW": SECRET,
    "OLD": SECRET,
    "AM_TOKEN": "t",
}


@pytest.fixture
def read(tmp_path):
    (tmp_path / "pagerduty.key").write_text("k" * 32 + "\n")
    (tmp_path / "empty").write_text("\n")

    def reading(text):
        path = tmp_path / "receivers.yaml"
        path.write_text(text)
        return read_receivers(path, ENVIRONMENT)

    return reading


def test_every_kind_is_made_with_its_secrets(read, tmp_path):
    found = read(WHOLE)
    kinds = {name: type(one) for name, one in found.by_name.items()}
    assert kinds == {"pager": PagerDuty, "channel": Slack, "mail": Email, "bus": Webhook, "prometheus": Alertmanager}
    assert found.by_name["pager"].routing_key == "k" * 32
    assert found.by_name["channel"].target == Target(ENVIRONMENT["SLACK_URL"])
    assert found.by_name["mail"].server.password == "p"
    assert found.by_name["bus"].secrets == (b"s" * 32, b"s" * 32)
    assert found.by_name["prometheus"].authorization == "Bearer t"
    assert found.routing == Routing(timedelta(seconds=10), timedelta(minutes=2), timedelta(hours=1))
    assert found.files == (tmp_path / "pagerduty.key",)


def test_an_alertmanager_is_usually_inside_and_the_others_are_not(read):
    found = read(WHOLE)
    assert found.by_name["prometheus"].targets[0].allow_private
    assert not found.by_name["bus"].target.allow_private


def test_what_is_not_said_is_as_in_alertmanager(read):
    found = read(HEAD + "  - {name: channel, type: slack, url: {env: SLACK_URL}}\n")
    assert found.routing == Routing(timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4))


PD = "{name: pager, type: pagerduty, routing_key: "
HOOK = "{name: bus, type: webhook, secrets: [{env: NEW}], url: "
MAIL = "{name: mail, type: email, from: a@b.example, to: [c@d.example], "


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        pytest.param(
            "{name: pager, type: pagerdty}", "type `pagerdty` is unknown. Did you mean `pagerduty`?", id="kind"
        ),
        pytest.param("{type: slack}", "its name `` is not a name", id="no name"),
        pytest.param(
            PD + "R" * 32 + "}", "routing_key must not stand in this file. Write `{file: /path}`", id="secret"
        ),
        pytest.param(PD + "{env: SMTP_PASSWORD}}", "its routing_key is not one of 32 letters and digits", id="key"),
        pytest.param(PD + "{env: NOWHERE}}", "is empty: the environment has no NOWHERE. Set it", id="no variable"),
        pytest.param(PD + "{file: nowhere}}", "cannot be read from nowhere: No such file or directory", id="no file"),
        pytest.param(PD + "{file: empty}}", "is empty: nothing stands in empty", id="empty file"),
        pytest.param(PD + "{file: a, env: B}}", "must not stand in this file", id="two places"),
        pytest.param("{name: pager, type: pagerduty}", "gives no routing_key. Write `{file:", id="none"),
        pytest.param(
            PD + "{file: pagerduty.key}, url: 'http://10.0.0.1'}", "url is in a private network. If", id="inside"
        ),
        pytest.param(
            "{name: c, type: slack, url: 'https://hooks.slack.com/x'}", "must not stand in this file", id="slack"
        ),
        pytest.param("{name: c, type: slack, url: {env: SMTP_PASSWORD}}", "is not a web address", id="no address"),
        pytest.param(HOOK + "'http://169.254.169.254/latest'}", "is in a private network", id="metadata service"),
        pytest.param(HOOK + "'http://localhost:80'}", "is in a private network", id="localhost"),
        pytest.param(HOOK + "'https://u:p@bus.example.com'}", "holds a user or a password. Take them out", id="user"),
        pytest.param(
            HOOK + "'ftp://bus.example.com'}", "is not a web address. Write it as https://host/path", id="ftp"
        ),
        pytest.param(HOOK + "'https://bus.example.com:x'}", "is not a web address", id="port"),
        pytest.param(HOOK + "'https://b.example', allow_private: maybe}", "neither true nor false", id="maybe"),
        pytest.param(
            HOOK + "'https://b.example', ca_file: nowhere.pem}", "ca_file nowhere.pem does not exist", id="ca"
        ),
        pytest.param("{name: b, type: webhook, url: 'https://b.example'}", "gives no secrets", id="unsigned"),
        pytest.param(
            "{name: b, type: webhook, url: 'https://b.example', secrets: [{env: SMTP_PASSWORD}]}",
            "is no signing secret: it is not base64",
            id="signing secret",
        ),
        pytest.param(MAIL + "server: smtp.example.com}", "its server is not host:port", id="mail port"),
        pytest.param(MAIL + "server: 's:587', tls: ssl}", "tls `ssl` is unknown", id="tls"),
        pytest.param(MAIL + "server: 's:25', user: u}", "gives only one of user and password", id="half"),
        pytest.param(
            MAIL + "server: 's:25', tls: off, user: u, password: {env: SMTP_PASSWORD}}",
            "would send its password unencrypted",
            id="password in the clear",
        ),
        pytest.param(
            "{name: m, type: email, server: 's:25', from: a@b.example, to: ['x\\r\\nBcc: y']}", "no e-mail", id="to"
        ),
        pytest.param(
            "{name: m, type: email, server: 's:25', from: a@b.example}", "`` is no e-mail address", id="nobody"
        ),
        pytest.param("{name: am, type: alertmanager}", "gives no urls", id="am"),
        pytest.param(PD + "{file: pagerduty.key}, key: x}", "has an unknown key `key`", id="unknown key"),
    ],
)
def test_a_mistake_gets_a_sentence_with_its_line_and_the_mend(read, entry, sentence):
    with pytest.raises(ReceiverProblems) as raised:
        read(HEAD + "  - " + entry + "\n")
    assert sentence in str(raised.value)
    assert "receivers.yaml:4: " in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "the file is no mapping", id="empty"),
        pytest.param("a: [", "the file is not YAML", id="no YAML"),
        pytest.param("kind: Receivers\n" + HEAD.partition("\n")[2], "apiVersion is not leadtrace/v1", id="version"),
        pytest.param("apiVersion: leadtrace/v1\nkind: Receivers\n", "lists 0 receivers", id="nobody"),
        pytest.param(
            HEAD.replace("receivers:", "routing: {repeat: 4h}\nreceivers:"), "unknown key `repeat`", id="routing"
        ),
        pytest.param(
            HEAD.replace("receivers:", "routing: {group_wait: long}\nreceivers:"), "`long` is not a length", id="length"
        ),
        pytest.param(HEAD + 2 * f"  - {PD}{{file: pagerduty.key}}}}\n", "names `pager` twice", id="twice"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_told(read, text, sentence):
    with pytest.raises(ReceiverProblems, match=sentence.replace("{", r"\{")):
        read(text)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ReceiverProblems, match="cannot be read"):
        read_receivers(tmp_path / "nowhere.yaml", {})


def test_no_secret_stands_in_a_sentence(read):
    with pytest.raises(ReceiverProblems) as raised:
        read(
            HEAD
            + f"  - {PD}{'R' * 32}}}\n  - {{name: b, type: webhook, url: 'https://b.example', secrets: [{SECRET}]}}\n"
        )
    assert "R" * 32 not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_the_example_of_the_page_is_right(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text()
    path = tmp_path / "receivers.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0].replace("/run/secrets/", ""))
    (tmp_path / "pagerduty").write_text("k" * 32)
    (tmp_path / "bus").write_text(SECRET)
    environment = {"SLACK_WEBHOOK": ENVIRONMENT["SLACK_URL"], "SMTP_PASSWORD": "p"}
    found = read_receivers(path, environment)
    assert list(found.by_name) == ["on-call", "growth", "mail", "bus", "prometheus"]
    assert found.routing == Routing()
