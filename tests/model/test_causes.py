"""The causes are data: every one has its words, and every vendor's code finds its cause."""

import csv
import re

import pytest

from model.causes import (
    CLASSES,
    UNMAPPED,
    CodeProblems,
    VendorCodes,
    built_in_codes,
    causes,
    collected_codes,
    read_codes,
)


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
        assert built_in_codes().resolve(code, vendor) == cause


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
    assert built_in_codes().resolve(reason, system) == cause


def test_what_is_unmapped_has_a_cause_of_its_own():
    assert UNMAPPED in causes()


def test_a_users_own_code_counts_before_those_that_come_with_leadtrace():
    own = read_codes(
        "system,code,cause\nacme-crm,E77,crm.row_lock\nsalesforce,INVALID_FIELD,crm.bad_value\n", "codes.csv"
    )
    codes = VendorCodes([*own, *collected_codes()])
    assert codes.resolve("e77", "Acme-CRM") == "crm.row_lock"
    assert codes.resolve("INVALID_FIELD", "salesforce") == "crm.bad_value"
    assert built_in_codes().resolve("E77", "acme-crm") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "codes.csv:1: the first line must be"),
        ("vendor,code,cause\n", "codes.csv:1: the first line must be"),
        (
            "system,code,cause\nx,E1,crm.rate_limits\n",
            "codes.csv:2: `crm.rate_limits` is no cause; did you mean crm.rate_limit?",
        ),
        ("system,code,cause\n\nx,,crm.auth\n", "codes.csv:3: no code"),
    ],
)
def test_a_wrong_file_of_codes_is_told_by_line(text, said):
    with pytest.raises(CodeProblems, match=re.escape(said)):
        read_codes(text, "codes.csv")
