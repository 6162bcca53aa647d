"""A message that tries a receiver out: it reads like an alert and says that it is none."""

from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex

from model.alert import Alert, AlertKey
from slo.message import BUDGET, CAUSES, CHANGES, DEADLINES, LEADS, Message
from slo.notify.notifier import Notifier


def sample_alert(home: str, now: datetime) -> Alert:
    one = f"test-{token_hex(6)}"
    return Alert(
        id=one,
        incident=one,
        key=AlertKey("test", "test", (("campaign", "test"),)),
        happening="fired",
        severity="ticket",
        at=now,
        fired_at=now,
        onset=now,
        objective_title="A test of this receiver",
        indicator="enrolment",
        flow="test",
        headline="a test from leadtrace, nothing is wrong: messages about alerts arrive here",
        at_risk=(),
        leads_affected=0,
        by_when=None,
        examples=(),
        causes=(),
        changes=(),
        owner="whoever set this up",
        playbook="",
        burn=None,
        target=1.0,
        budget_left=1.0,
        exhausted_in=None,
        confidence="high",
        link=home,
        period=timedelta(days=28),
        missing=(LEADS, DEADLINES, CAUSES, CHANGES, BUDGET),
    )


def try_out(receiver: Notifier, home: str, now: datetime) -> None:
    """Send it, and its end where the receiver keeps incidents open. Raises NotifyError."""
    alert = sample_alert(home, now)
    receiver.send(Message(f"msg_{alert.incident}", (alert,)), now)
    if not receiver.grouped:
        over = replace(alert, id=f"{alert.id}-over", happening="resolved", reason="the test is over")
        receiver.send(Message(f"msg_{over.id}", (over,)), now)
