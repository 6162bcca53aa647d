"""The causes are data: every one has its words, and every vendor's code finds its cause."""

import csv

import pytest

from model.causes import CLASSES, UNMAPPED, causes, resolve


def test_every_cause_is_complete():
    assert len(causes()) == 131
    for one in causes().values():
        assert one.cls in CLASSES
        assert one.title
        assert one.clause
        assert one.remedy
        assert one.owner
        assert not one.clause.endswith(".")


@pytest.mark.shared
def test_every_vendor_code_that_was_collected_is_known(shared_cases):
    with (shared_cases.parent / "causes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["vendor"]]
    assert len(rows) == 363
    first = {}
    for row in rows:
        first.setdefault((row["vendor"].casefold(), row["vendor_code"].casefold()), row["cause"])
    for (vendor, code), cause in first.items():
        assert resolve(code, vendor) == cause


@pytest.mark.parametrize(
    ("reason", "system", "cause"),
    [
        ("crm.rate_limit", "", "crm.rate_limit"),
        ("REQUEST_LIMIT_EXCEEDED", "salesforce", "crm.rate_limit"),
        ("request_limit_exceeded", "", "crm.rate_limit"),
        ("1004", "marketo-api", None),
        ("429", "segment", "crm.rate_limit"),
        ("429", "", None),
        ("DISABLED", "", None),
        ("5 InvalidEmailAddress", "salesforce-marketing-cloud", "address.invalid"),
        ("InvalidEmailAddress", "Salesforce-Marketing-Cloud", "address.invalid"),
        ("5", "salesforce-marketing-cloud", "address.invalid"),
        ("no such thing", "nobody", None),
        ("", "", None),
    ],
)
def test_a_reason_is_resolved_at_its_vendor_first(reason, system, cause):
    assert resolve(reason, system) == cause


def test_what_is_unmapped_has_a_cause_of_its_own():
    assert UNMAPPED in causes()
