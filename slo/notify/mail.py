"""E-mail by SMTP: text and HTML, in one thread an incident.

Message-ID is the same over all tries, so that a mail that was sent twice is shown once; References hold the incident.
The session is encrypted unless the receiver says `tls: off`; a password is never sent without.
"""

import html
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import ClassVar, Literal

import structlog

from model.alert import Happening
from slo.message import Link, Message, Part, parts, plain, title
from slo.notify.notifier import FOR_PEOPLE, NotifyError
from slo.notify.post import CONNECT_S, cut
from slo.wording import clean

log = structlog.get_logger(__name__)

DEADLINE_S = 30.0
LONGEST_SUBJECT = 200
Tls = Literal["starttls", "implicit", "off"]


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str = ""
    password: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Email:
    name: str
    server: Server
    sender: str
    to: tuple[str, ...]
    _taken: dict[str, set[str]] = field(default_factory=dict, repr=False)

    kind: ClassVar[str] = "email"
    tells: ClassVar[frozenset[Happening]] = FOR_PEOPLE
    grouped: ClassVar[bool] = True

    def send(self, message: Message, now: datetime) -> None:
        """To everybody of `to`; a try after a partial refusal goes only to those who did not get it."""
        mail = mail_of(message, self.sender, self.to, now)
        waiting = [one for one in self.to if one not in self._taken.get(message.id, ())]
        try:
            with _session(self.server) as session:
                refusals = session.send_message(mail, self.sender, waiting)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients) from error
        except smtplib.SMTPResponseException as error:
            raise NotifyError(_said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotifyError(f"the mail server could not be used: {_named(error)}") from error
        if any(code < 500 for code, _ in refusals.values()):
            self._remember(message.id, set(waiting) - refusals.keys())
            raise _refused(refusals)
        if refusals:
            log.warning("recipients_refused", receiver=self.name, reason=str(_refused(refusals)))
        self._taken.pop(message.id, None)

    def _remember(self, message: str, taken: set[str]) -> None:
        if len(self._taken) >= 100:
            self._taken.clear()
        self._taken.setdefault(message, set()).update(taken)


def mail_of(message: Message, sender: str, to: tuple[str, ...], now: datetime) -> EmailMessage:
    domain = parseaddr(sender)[1].rpartition("@")[2]
    incidents = " ".join(f"<{one.incident}@{domain}>" for one in (message.lead, *message.others))
    mail = EmailMessage()
    mail["Subject"] = clean(title(message), LONGEST_SUBJECT)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["In-Reply-To"] = f"<{message.lead.incident}@{domain}>"
    mail["References"] = incidents
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Leadtrace-Incident"] = message.lead.incident
    mail.set_content(plain(message))
    mail.add_alternative(html_of(message), subtype="html")
    return mail


# ── HTML ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def html_of(message: Message) -> str:
    rows = "\n".join(_row(part) for part in parts(message))
    heading = html.escape(title(message))
    return (
        '<!doctype html>\n<html lang="en"><body style="font-family:sans-serif;font-size:15px;line-height:1.45">\n'
        f'<h1 style="font-size:18px;margin:0 0 12px">{heading}</h1>\n<table style="border-spacing:0">\n{rows}\n'
        "</table>\n</body></html>\n"
    )


def _row(part: Part) -> str:
    lines = "<br>".join("".join(map(_piece, line)) for line in part.lines)
    cell = "padding:4px 14px 4px 0;vertical-align:top;text-align:left"
    return f'<tr><th style="{cell}">{html.escape(part.label)}</th><td style="{cell}">{lines}</td></tr>'


def _piece(piece: str | Link) -> str:
    if isinstance(piece, str):
        return html.escape(piece)
    return f'<a href="{html.escape(piece.url)}">{html.escape(piece.text)}</a>'


# ── SMTP ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _session(server: Server) -> Iterator[smtplib.SMTP]:
    """A session that is ready to take a mail, cut after half a minute however slowly the server speaks."""
    context = ssl.create_default_context(cafile=server.ca_file or None)
    here = socket.gethostname()
    if server.tls == "implicit":
        session: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=here, timeout=CONNECT_S, context=context
        )
    else:
        session = smtplib.SMTP(server.host, server.port, local_hostname=here, timeout=CONNECT_S)
    timer = threading.Timer(DEADLINE_S, _end, [session])
    timer.daemon = True
    timer.start()
    try:
        if server.tls == "starttls":
            session.starttls(context=context)
        if server.user:
            session.login(server.user, server.password)
        yield session
        session.quit()
    finally:
        timer.cancel()
        session.close()


def _end(session: smtplib.SMTP) -> None:
    if session.sock is not None:
        cut(session.sock)


def _refused(refusals: dict[str, tuple[int, bytes]]) -> NotifyError:
    code, text = next(iter(refusals.values()))
    permanent = all(code >= 500 for code, _ in refusals.values())
    return NotifyError(f"{len(refusals)} recipients refused, the first with {_said(code, text)}", permanent=permanent)


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {clean(words, 200)}"


def _named(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):  # smtplib's are OSErrors as well
        return error.strerror or type(error).__name__
    return clean(str(error), 200)
