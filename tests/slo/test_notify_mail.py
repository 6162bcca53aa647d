"""E-mail against a real SMTP server on loopback: encryption, threads, refusals, and headers that nobody can forge."""

import email
import email.policy
from dataclasses import replace

import pytest
import self_signed
from telling_alerts import NIGHT, alert, at, key
from vendors import postbox

from slo.message import Message
from slo.notify import mail as mailing
from slo.notify.mail import Email, Server
from slo.notify.notifier import NotifyError

TO = ("oncall@example.com", "Growth <growth@example.com>")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return self_signed.write(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def box(pair):
    with postbox(tls=pair) as found:
        found.server = Server("127.0.0.1", found.port, "starttls", "leadtrace", "secret", str(pair[0]))
        found.notifier = Email("mail", found.server, "Leadtrace <alerts@leadtrace.example>", TO)
        yield found


def told(*alerts, one="msg_1") -> Message:
    return Message(one, alerts or (alert(),))


def failed(notifier, message=None) -> NotifyError:
    with pytest.raises(NotifyError) as raised:
        notifier.send(message or told(), NIGHT)
    return raised.value


def read(mail):
    return email.message_from_bytes(mail.data, policy=email.policy.default)


def test_a_mail_arrives_encrypted_as_text_and_html(box):
    box.notifier.send(told(), NIGHT)
    (mail,) = box.mails
    assert (mail.sender, mail.to) == ("alerts@leadtrace.example", ["oncall@example.com", "growth@example.com"])
    assert (mail.encrypted, mail.user) == (True, "leadtrace")
    found = read(mail)
    assert found["Subject"].startswith("PAGE: Campaign spring-webinar")
    assert "Cause: CRM refused" in found.get_body(("plain",)).get_content()
    assert "autumn &amp; demo &lt;b&gt;" in found.get_body(("html",)).get_content()
    assert found["Auto-Submitted"] == "auto-generated"


def test_mails_of_an_incident_are_one_thread_and_a_mail_sent_twice_is_one(box):
    box.notifier.send(told(), NIGHT)
    box.notifier.send(told(), at(1))
    box.notifier.send(told(alert(happening="resolved", at=at(80)), one="msg_2"), at(80))
    first, again, over = map(read, box.mails)
    assert first["Message-ID"] == again["Message-ID"] == "<msg_1@leadtrace.example>"
    assert over["Message-ID"] == "<msg_2@leadtrace.example>"
    assert {one["References"] for one in (first, again, over)} == {"<i-1@leadtrace.example>"}


def test_a_mail_about_several_incidents_belongs_to_all_their_threads(box):
    box.notifier.send(told(alert(), alert(id="t-2", incident="i-2", severity="ticket")), NIGHT)
    assert read(box.mails[0])["References"] == "<i-1@leadtrace.example> <i-2@leadtrace.example>"


def test_a_name_cannot_add_a_header_or_a_recipient(box):
    forged = alert(headline="x\r\nBcc: thief@example.com\r\n\r\nhello", key=key(group=(("campaign", "a\nTo: b"),)))
    box.notifier.send(told(forged), NIGHT)
    (mail,) = box.mails
    assert read(mail)["Bcc"] is None
    assert read(mail)["To"] == "oncall@example.com, Growth <growth@example.com>"
    assert len(mail.to) == 2


def test_a_line_that_is_a_full_stop_ends_no_mail(box):
    box.notifier.send(told(alert(owner=".", headline=".")), NIGHT)
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("command", "answer", "permanent"),
    [
        pytest.param("CONNECT", "421 too busy", False, id="busy"),
        pytest.param("AUTH", "535 wrong password", True, id="a wrong password"),
        pytest.param("MAIL", "451 later", False, id="greylisted"),
        pytest.param("RCPT", "550 nobody here", True, id="no such mailbox"),
        pytest.param("RCPT", "450 busy", False, id="a mailbox that is busy"),
        pytest.param("BODY", "554 spam", True, id="taken for spam"),
        pytest.param("DATA", "452 full", False, id="the server is full"),
    ],
)
def test_an_answer_of_the_server_says_whether_to_try_again(box, command, answer, permanent):
    box.refuse[command] = answer
    error = failed(box.notifier)
    assert error.permanent is permanent
    assert answer.split(" ", 1)[1] in str(error)
    assert "secret" not in str(error)


def test_a_try_after_a_partial_refusal_goes_only_to_those_who_did_not_get_it(box):
    box.refuse["RCPT TO:<growth"] = "450 later"
    assert not failed(box.notifier).permanent
    box.refuse.clear()
    box.notifier.send(told(), at(1))
    assert [mail.to for mail in box.mails] == [["oncall@example.com"], ["growth@example.com"]]


def test_one_recipient_who_is_refused_for_good_does_not_hold_up_the_others(box):
    box.refuse["RCPT TO:<growth"] = "550 nobody here"
    box.notifier.send(told(), NIGHT)
    assert [mail.to for mail in box.mails] == [["oncall@example.com"]]


def test_a_server_without_encryption_gets_neither_mail_nor_password():
    with postbox() as box:
        error = failed(Email("mail", Server("127.0.0.1", box.port, "starttls", "u", "secret"), "a@b.example", TO))
        assert "STARTTLS" in str(error)
        assert not any(command.startswith(("AUTH", "MAIL")) for command in box.commands)


def test_a_server_whose_certificate_is_not_trusted_gets_nothing(box):
    error = failed(replace(box.notifier, server=replace(box.server, ca_file="")))
    assert "TLS failed" in str(error)
    assert box.mails == []


def test_tls_from_the_first_byte(pair):
    with postbox(tls=pair, implicit=True) as box:
        server = Server("127.0.0.1", box.port, "implicit", ca_file=str(pair[0]))
        Email("mail", server, "a@b.example", TO).send(told(), NIGHT)
        assert box.mails[0].encrypted


def test_a_server_that_falls_silent_is_left(monkeypatch):
    monkeypatch.setattr(mailing, "CONNECT_S", 0.3)
    with postbox() as box:
        box.refuse["MAIL"] = "HANG"
        assert not failed(Email("mail", Server("127.0.0.1", box.port, "off"), "a@b.example", TO)).permanent
