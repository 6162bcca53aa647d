"""Who visits, in which order, with which fault: the same for the same seed."""

import random
from dataclasses import dataclass

from demo.faults import FAULTS, Fault
from demo.messages import Submission
from demo.people import Person, make_person

CAMPAIGNS = ("spring-webinar", "pricing-page")
UNLUCKY_CAMPAIGN = "pricing-page"
UNLUCKY_SHARE = 0.85
SOURCES = ("google-ads", "linkedin", "newsletter", "organic")
ROLL_OUT_AT = 0.4


@dataclass(frozen=True)
class Visitor:
    person: Person
    campaign: str
    source: str
    fault: Fault

    @property
    def submission(self) -> Submission:
        form = {
            "email": self.person.email,
            "name": self.person.name,
            "phone": self.person.phone,
            "company": self.person.company.name,
            "company_size": self.person.company.employees,
            "title": self.person.title,
            "country": self.person.country,
            "consent": True,
            "campaign": self.campaign,
            "source": self.source,
        }
        return Submission.model_validate({**form, **self.fault.fields})


class Plan:
    """`before` visits come before crm-writer's roll-out, `after` from then on; `another` goes on for ever."""

    def __init__(self, leads: int, seed: int) -> None:
        self._rng = random.Random(seed)
        self._next_number = 1
        early, late = self._faults(leads)
        cut = min(round(leads * ROLL_OUT_AT), len(early))
        remaining = early[cut:] + late
        self._rng.shuffle(remaining)
        self.before = [self._visitor(fault) for fault in early[:cut]]
        self.after = [self._visitor(fault) for fault in remaining]

    def another(self) -> Visitor:
        return self._visitor(self._drawn(1)[0])

    def _faults(self, leads: int) -> tuple[list[Fault], list[Fault]]:
        """Each fault at least once when there are leads enough, the rest by weight."""
        chosen = [*FAULTS[:leads], *self._drawn(max(0, leads - len(FAULTS)))]
        self._rng.shuffle(chosen)
        return [fault for fault in chosen if not fault.late], [fault for fault in chosen if fault.late]

    def _drawn(self, count: int) -> list[Fault]:
        return self._rng.choices(FAULTS, weights=[fault.weight for fault in FAULTS], k=count)

    def _visitor(self, fault: Fault) -> Visitor:
        person = make_person(self._next_number, self._rng)
        self._next_number += 1
        return Visitor(person, self._campaign(fault), self._rng.choice(SOURCES), fault)

    def _campaign(self, fault: Fault) -> str:
        if fault.late and self._rng.random() < UNLUCKY_SHARE:
            return UNLUCKY_CAMPAIGN
        return self._rng.choice(CAMPAIGNS)
