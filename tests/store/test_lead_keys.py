"""By what a lead is found: its ids and the tokens of its addresses, one or several."""

import pytest
from otlp_requests import span, traces

from store import leads

ONE, OTHER = f"tok_{'a' * 32}", f"tok_{'b' * 32}"


def found(store, text):
    return [hit.lead for hit in leads.search(store, text, skip=0, most=10)]


def test_a_lead_with_several_addresses_is_found_by_each_with_its_own_mask(store):
    said = {
        "lead.email.token": [ONE, OTHER],
        "lead.email.mask": ["a•••@acme.example", "é•••@a-rather-long-domain.example"],
    }
    store.land("traces", traces(span("a", lead="L-1", attributes=said)), "s-1")
    assert found(store, ONE) == found(store, OTHER) == ["L-1"]
    masks = {key.key: key.mask for key in leads.keys_of(store, ["L-1"])["L-1"] if key.kind == "email"}
    assert masks == {ONE: "a•••@acme.example", OTHER: "é•••@a-rather-long-domain.example"}


def test_several_phone_numbers_are_keys_too(store):
    said = {"lead.phone.token": [ONE, OTHER], "lead.phone.mask": ["•••• 42", "•••• 17"]}
    store.land("traces", traces(span("a", lead="L-1", attributes=said)), "s-1")
    masks = {key.key: key.mask for key in leads.keys_of(store, ["L-1"])["L-1"] if key.kind == "phone"}
    assert masks == {ONE: "•••• 42", OTHER: "•••• 17"}


def test_one_address_is_one_key(store):
    said = {"lead.email.token": ONE, "lead.email.mask": "a•••@acme.example", "lead.crm.id": "00Q7"}
    store.land("traces", traces(span("a", lead="L-1", entry="c-1", attributes=said)), "s-1")
    keys = {(key.kind, key.key, key.mask) for key in leads.keys_of(store, ["L-1"])["L-1"]}
    assert keys == {
        ("lead", "L-1", ""), ("entry", "c-1", ""), ("crm", "00Q7", ""), ("email", ONE, "a•••@acme.example")
    }  # fmt: skip


@pytest.mark.parametrize("token", ["otlp-array:%%%", "otlp-array:", "otlp-array:AAAA", ["no token"], [""]])
def test_what_only_looks_like_an_array_of_tokens_is_no_key_and_stops_nothing(store, token):
    store.land("traces", traces(span("a", lead="L-1", attributes={"lead.email.token": token})), "s-1")
    assert [key.kind for key in leads.keys_of(store, ["L-1"])["L-1"]] == ["lead"]
