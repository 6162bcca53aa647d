"""Made-up companies and people, every address at a domain that cannot exist."""

import random
from dataclasses import dataclass

FIRST_NAMES = (
    "Amara", "Bruno", "Chiara", "Daniel", "Elif", "Farah", "Goran", "Hanna", "Ines", "Jonas", "Keiko", "Lucas",
    "Maya", "Nikhil", "Olga", "Pedro", "Quinn", "Rosa", "Samir", "Tove", "Uma", "Viktor", "Wanjiru", "Ximena",
    "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Bergström", "Castillo", "Dimitrov", "Eriksen", "Ferreira", "Grant", "Haddad", "Ivanova", "Jansen",
    "Kowalski", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quintana", "Rossi", "Schneider", "Tanaka",
    "Ueda", "Vargas", "Weber", "Yilmaz", "Zhang",
)  # fmt: skip
TITLES = ("VP Marketing", "Head of Growth", "Marketing Manager", "Demand Generation Manager")
COUNTRIES = ("DE", "FR", "GB", "US", "CA", "JP", "BR", "SE")
_ASCII = str.maketrans({"ö": "o"})


@dataclass(frozen=True)
class Company:
    name: str
    domain: str
    employees: int

    @property
    def segment(self) -> str:
        return segment_of(self.employees)


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    phone: str
    company: Company
    title: str
    country: str


COMPANIES = (
    Company("Acme Tools", "acme.example", 85),
    Company("Bluebird Bakery", "bluebird.example", 22),
    Company("Cobalt Studios", "cobalt.example", 60),
    Company("Driftwood Travel", "driftwood.example", 41),
    Company("Evergreen Dental", "evergreen.example", 18),
    Company("Fjord Logistics", "fjord.example", 640),
    Company("Granite Insurance", "granite.example", 480),
    Company("Harbour Health", "harbour.example", 900),
    Company("Iris Analytics", "iris.example", 320),
    Company("Juniper Foods", "juniper.example", 12_000),
    Company("Kestrel Energy", "kestrel.example", 8_400),
    Company("Lumen Bank", "lumen.example", 25_000),
)


def segment_of(employees: int) -> str:
    if employees < 200:
        return "smb"
    return "mid" if employees < 1_000 else "enterprise"


def make_person(number: int, rng: random.Random) -> Person:
    """A person no other `number` shares an e-mail or a phone with."""
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    company = rng.choice(COMPANIES)
    mailbox = f"{first}.{last}{number}".lower().translate(_ASCII)
    return Person(
        name=f"{first} {last}",
        email=f"{mailbox}@{company.domain}",
        phone=f"+1 202 555 {number:04d}",
        company=company,
        title=rng.choice(TITLES),
        country=rng.choice(COUNTRIES),
    )
