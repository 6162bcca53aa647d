"""A night on call: leads, an outage, the alert loop, and receivers on loopback that hear of it."""

from contextlib import ExitStack, contextmanager

from counting_world import FLOWS, World, at, entry, objective
from vendors import Vendor, alertmanager, pagerduty, serving, slack, standard_webhook

from slo.loop import AlertLoop
from slo.notify.alertmanager import Alertmanager
from slo.notify.pagerduty import PagerDuty
from slo.notify.post import Target
from slo.notify.slack import Slack
from slo.notify.webhook import Webhook, read_secret
from slo.receivers import Receivers

SECRET = "whsec_" + "c2VjcmV0" * 4
#: A first look, one when an outage from minute 120 on has long been told, and two when no window knows of it any more.
CALM, FIRES, CLEAR, OVER = 119, 130, 511, 512
ENROLMENT = objective("enrolment", group_by=("campaign",), title="Leads enter the sequence", owner="growth")


def leads(since: int, until: int, *, campaign: str = "spring", bad_from: int = 10_000, bad_until: int = 10_000, **bad):
    """A lead a minute. Those captured from `bad_from` to before `bad_until` are blocked at the CRM."""
    for minute in range(since, until):
        name = f"c-{campaign}-{minute}"
        if bad_from <= minute < bad_until:
            yield entry(name, "blocked", at=minute, after=0.2, campaign=campaign, **bad)
        else:
            yield entry(name, at=minute, after=0.2, campaign=campaign)


class Night:
    """`tick(minute)` is one evaluation, with everything that is due sent after it."""

    def __init__(self, store, vendors: dict[str, Vendor]):
        self.world = World(store)
        self.store, self.vendors, self.minute = store, vendors, 0.0
        self.receivers = Receivers({name: receiver(name, vendor) for name, vendor in vendors.items()})
        self.flows = dict(FLOWS)
        self.loop = self.another()

    def another(self, name: str = "first", **how) -> AlertLoop:
        return AlertLoop(
            self.store,
            self.world.counter,
            lambda: self.world.objectives,
            lambda: self.flows,
            lambda: self.receivers,
            home="https://leadtrace.example.com",
            clock=lambda: at(self.minute),
            name=name,
            **how,
        )

    def restart(self) -> None:
        self.loop.stop()
        self.world.counting_anew()
        self.loop = self.another()

    def tick(self, minute: float) -> bool:
        self.minute = minute
        worked = self.loop.tick(at(minute))
        self.send()
        return worked

    def ticks(self, *minutes: float) -> None:
        for minute in minutes:
            self.tick(minute)

    def send(self) -> None:
        while self.loop.outbox.turn():
            self.loop.outbox.wait()
        self.loop.outbox.wait()

    def heard(self, name: str) -> list[str]:
        """What each receiver was told, in a word each."""
        return [word(one) for one in self.vendors[name].good]


def receiver(name: str, vendor: Vendor):
    target = Target(vendor.url, allow_private=True)
    return {
        "pager": lambda: PagerDuty(name, "K" * 32, target),
        "channel": lambda: Slack(name, target),
        "prometheus": lambda: Alertmanager(name, (target,)),
        "bus": lambda: Webhook(name, target, (read_secret(SECRET),)),
    }[name]()


def word(said) -> str:
    if isinstance(said, list):
        return "kept"
    if "blocks" in said:
        return said["blocks"][0]["text"]["text"].partition(":")[0]
    return said.get("event_action") or said.get("type") or "change"


CHECKS = {"pager": pagerduty, "channel": slack, "prometheus": alertmanager, "bus": standard_webhook(SECRET)}


@contextmanager
def night(store, *names: str):
    with ExitStack() as open_doors:
        vendors = {name: open_doors.enter_context(serving(CHECKS[name])) for name in names}
        made = Night(store, vendors)
        try:
            yield made
        finally:
            made.loop.stop()
