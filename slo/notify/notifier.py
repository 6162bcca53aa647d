"""What a receiver is to the outbox, and what can go wrong on the way to it.

A new kind of receiver: a file here with a class like these, its keys in `slo/receivers.py`, docs/alerts.md, and a test
against a real local server that checks the vendor's limits.
"""

from datetime import datetime, timedelta
from typing import Protocol

from model.alert import Alert, Happening
from slo.message import Message

EVERYTHING: frozenset[Happening] = frozenset(
    {"fired", "escalated", "eased", "repeated", "acknowledged", "resolved"},
)
FOR_PEOPLE = EVERYTHING - {"acknowledged", "eased"}


class NotifyError(Exception):
    """A message did not arrive. `permanent` says that trying again is of no use; `retry_after` is what was asked for.

    The sentence is shown to people: it holds no secret and no address that is one.
    """

    def __init__(self, reason: str, *, permanent: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after = retry_after


class Notifier(Protocol):
    """One receiver. `tells` is what it wants to hear; a `grouped` one takes several alerts in a message."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def tells(self) -> frozenset[Happening]: ...

    @property
    def grouped(self) -> bool: ...

    def send(self, message: Message, now: datetime) -> None:
        """Deliver it, or raise NotifyError. Sending the same message twice must do no harm."""


class Keeper(Notifier, Protocol):
    """A receiver that forgets what it is not told again: it hears every minute what fires, for a while what ended."""

    def keep(self, alerts: list[Alert], now: datetime) -> None:
        """Say again how these stand, or raise NotifyError; it is not tried again before the next minute."""
