"""Alerts as pages and API ask for them, and what people decide about them: to take them on, to keep them quiet, to send
their messages again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from lineage.ask import NotFoundError
from lineage.budgets import (
    ALERTS_A_PAGE,
    DELIVERIES_A_PAGE,
    MAX_SILENCES,
    AlertAnswer,
    AlertPage,
    Asked,
    DeliveryAnswer,
    DeliveryPage,
    DeliveryState,
    NotPossibleError,
    Phase,
    SilenceAnswer,
)
from model.decisions import MAX_SILENCE, SILENCE_KEYS, Acknowledgement, Silence
from model.objective import Severity
from slo.alert_answers import Told, alert_answer, case_of, delivery_answer, silence_answer
from slo.routing import Case
from store import alerts, outbox
from store.alerts import Incident
from store.engine import Store
from store.outbox import Receipt

MAX_SPEAKERS = 100
"""Of so many firing incidents pages are looked for that speak for a ticket."""


@dataclass
class AlertDesk:
    """What was committed about alerts, and what people decide; see `lineage.budgets.Budgets`."""

    store: Store

    def alerts(
        self, *, now: datetime, phase: Phase | None = None, objective: str = "", flow: str = "", skip: int = 0
    ) -> AlertPage:
        found = self.shown(now, phase=phase, objective=objective, flow=flow, skip=skip, most=ALERTS_A_PAGE + 1)
        more = str(skip + ALERTS_A_PAGE) if len(found) > ALERTS_A_PAGE else None
        return AlertPage(alerts=found[:ALERTS_A_PAGE], firing=alerts.firing(self.store), next=more)

    def alert(self, incident: str, *, now: datetime) -> AlertAnswer:
        found = self.told(alerts.incidents(self.store, incident=incident, most=1), now) if incident else []
        if not found:
            raise NotFoundError(f"No alert has the id “{incident}”. /alerts lists them.")
        return found[0]

    def shown(
        self, now: datetime, *, phase: Phase | None = None, objective: str, flow: str = "", skip: int = 0, most: int
    ) -> list[AlertAnswer]:
        """Firing ones first, then the latest."""
        found = alerts.incidents(self.store, phase=phase or "", objective=objective, flow=flow, skip=skip, most=most)
        return self.told(found, now)

    def told(self, incidents: Sequence[Incident], now: datetime) -> list[AlertAnswer]:
        """These incidents as answers, in their order; those of which nothing was said are left out."""
        found = self._read(incidents)
        quiet = [one for one in alerts.silences(self.store, ended_after=now) if one.active(now)] if found else []
        pages = self._pages() if any(one.incident.severity != "page" for one in found) else []
        return [alert_answer(one, quiet, pages) for one in found]

    def _read(self, incidents: Sequence[Incident]) -> list[Told]:
        """Those of which anything was said."""
        ids = [one.id for one in incidents]
        steps, said = alerts.of_incidents(self.store, ids), alerts.acknowledgements(self.store, ids)
        told = [Told(one, steps.get(one.id, ()), said.get(one.id, ())) for one in incidents]
        return [one for one in told if one.alerts]

    def _pages(self) -> list[Case]:
        """The pages that fire: they speak for tickets."""
        firing = alerts.incidents(self.store, phase="firing", most=MAX_SPEAKERS)
        return [case_of(one) for one in self._read([one for one in firing if one.severity == "page"])]

    def acknowledge(self, incident: str, asked: Asked) -> AlertAnswer:
        found = self.alert(incident, now=asked.at)
        if found.phase != "firing":
            raise NotPossibleError("This alert is over; there is nothing left to acknowledge.")
        if found.acknowledged is None:
            severity: Severity = "page" if found.severity == "page" else "ticket"
            said = Acknowledgement(incident, asked.at, asked.author, asked.reason, severity)
            alerts.acknowledge(self.store, said)
        return self.alert(incident, now=asked.at)

    # ── silences ────────────────────────────────────────────────────────────────────────────────────────────────

    def silences(self, *, now: datetime) -> Sequence[SilenceAnswer]:
        found = [silence_answer(one, now) for one in alerts.silences(self.store, most=MAX_SILENCES)]
        return sorted(found, key=lambda one: (not one.active, -one.ends_at.timestamp()))

    def silence(self, matcher: Mapping[str, str], length: timedelta, asked: Asked) -> SilenceAnswer:
        wanted = {key: value for key, value in matcher.items() if value}
        if unknown := sorted(set(wanted) - set(SILENCE_KEYS)):
            known = ", ".join(SILENCE_KEYS)
            raise NotPossibleError(f"A silence cannot match {', '.join(unknown)}. It can match {known}.")
        if not any(value.strip("*") for value in wanted.values()):
            raise NotPossibleError("This would silence every alert. Name an objective, a campaign, or another value.")
        if length > MAX_SILENCE:
            raise NotPossibleError(
                f"A silence lasts {MAX_SILENCE.days} days at most. For longer, change the objective."
            )
        made = Silence(token_hex(8), wanted, asked.author, asked.reason, asked.at, asked.at + length, asked.at)
        alerts.keep_silence(self.store, made)
        return silence_answer(made, asked.at)

    def end_silence(self, silence: str, asked: Asked) -> SilenceAnswer:
        found = alerts.silence(self.store, silence) if silence else None
        if found is None:
            raise NotFoundError(f"No silence has the id “{silence}”.")
        if found.active(asked.at):
            found = replace(found, removed_at=asked.at, removed_by=asked.author)
            alerts.keep_silence(self.store, found)
        return silence_answer(found, asked.at)

    # ── messages ────────────────────────────────────────────────────────────────────────────────────────────────

    def deliveries(self, *, state: DeliveryState | None = None, skip: int = 0) -> DeliveryPage:
        found = outbox.deliveries(self.store, state=state or "", skip=skip, most=DELIVERIES_A_PAGE + 1)
        more = str(skip + DELIVERIES_A_PAGE) if len(found) > DELIVERIES_A_PAGE else None
        return DeliveryPage(deliveries=[delivery_answer(one) for one in found[:DELIVERIES_A_PAGE]], next=more)

    def retry(self, delivery: str, asked: Asked) -> DeliveryAnswer:
        found = outbox.deliveries(self.store, message=delivery, most=1) if delivery else []
        if not found:
            raise NotFoundError(f"No message has the id “{delivery}”.")
        if found[0].state == "dead":
            again = Receipt(delivery, found[0].receiver, "waiting", 0, asked.at, asked.at)
            outbox.record(self.store, [again])
            found = outbox.deliveries(self.store, message=delivery, most=1)
        return delivery_answer(found[0])
