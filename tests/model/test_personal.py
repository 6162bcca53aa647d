"""Tokens are the same for every spelling, masks say little, and no address survives in a text."""

import stat
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.personal import (
    Kind,
    PersonalKey,
    PersonalKeyError,
    is_token,
    load_key,
    load_or_create_key,
    mask,
    may_hold_address,
    normalise,
)

KEY = PersonalKey(b"a key for tests, of 32 bytes and more")
ADA = KEY.token("email", "ada@acme.com")


def test_a_token_is_keyed_and_says_nothing():
    assert is_token(ADA)
    assert PersonalKey(b"another key for tests, also long enough").token("email", "ada@acme.com") != ADA
    assert "acme" not in ADA + repr(KEY)


def test_a_token_stays_itself():
    assert KEY.token("email", ADA) == ADA


def test_the_same_text_as_another_kind_is_another_token():
    assert KEY.token(Kind.NAME, "ada@acme.com") != ADA


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("email", ["ada@acme.com", " Ada@ACME.com\n", "ADA@acme.COM"]),
        ("email", ["jo\u0308rg@acme.com", "j\u00f6rg@acme.com"]),
        ("phone", ["+49 (151) 234-56 42", "+491512345642", "+49.151.2345642 "]),
        ("name", ["Ada Lovelace", "ada  lovelace ", "ADA\tLOVELACE"]),
        ("name", ["Stra\u00dfe", "STRASSE"]),
    ],
)
def test_every_spelling_of_a_value_is_one_token(kind, spellings):
    assert len({KEY.token(kind, spelling) for spelling in spellings}) == 1


def test_a_phone_number_with_and_without_its_country_are_two():
    assert normalise("phone", "+49 151") != normalise("phone", "0151")


def test_words_in_the_place_of_a_phone_number_are_not_all_one_number():
    assert KEY.token("phone", "ask her") != KEY.token("phone", "none")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "ada@Acme.com", "a•••@acme.com"),
        ("email", "ada", "•••"),
        ("email", "@acme.com", "•••"),
        ("email", "", "•••"),
        ("phone", "+49 151 2345642", "•••• 42"),
        ("phone", "112", "••••"),
        ("name", "ada lovelace", "A. L."),
        ("name", "ada", "A."),
        ("name", "  ", "•••"),
    ],
)
def test_a_mask_shows_only_what_people_need(kind, value, shown):
    assert mask(kind, value) == shown


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("no such contact: ada@acme.com.", f"no such contact: {ADA}."),
        ("ADA@Acme.com", ADA),
        ("<ada@acme.com>,\tada@acme.com;", f"<{ADA}>,\t{ADA};"),
        ("'ada@acme.com'", f"'{ADA}'"),
        ("mailto:ada@acme.com?subject=x", f"mailto:{ADA}?subject=x"),
        ("https://x.io/leads?email=ada%40acme.com&id=7", f"https://x.io/leads?email={ADA}&id=7"),
        ("https://x.io/leads/ada@acme.com/score", f"https://x.io/leads/{ADA}/score"),
        ("next=%2Fto%3Fe%3Dada%40acme.com", f"next=%2Fto%3Fe%3D{ADA}"),
        ("next=e%253Dada%2540acme%252Ecom", f"next=e%253D{ADA}"),
        ("lead.id=L-1,lead.email=ada%40acme.com", f"lead.id=L-1,lead.email={ADA}"),
        ('{"to": "ada@acme.com"}', f'{{"to": "{ADA}"}}'),
        ("o'brien@acme.co.uk", KEY.token("email", "o'brien@acme.co.uk")),
        ("a%2Bb@acme.com x", f"{KEY.token('email', 'a%2Bb@acme.com')} x"),
        ("a%2Bb%40acme.com", KEY.token("email", "a+b@acme.com")),
        ("j\u00f6rg@ex\u00e4mple.de", KEY.token("email", "j\u00f6rg@ex\u00e4mple.de")),
        ("J%C3%B6rg%40ex%C3%A4mple.de", KEY.token("email", "j\u00f6rg@ex\u00e4mple.de")),
        ("a@b.io,c@d.io", f"{KEY.token('email', 'a@b.io')},{KEY.token('email', 'c@d.io')}"),
        ("ada@xn--exmple-cua.xn--p1ai", KEY.token("email", "ada@xn--exmple-cua.xn--p1ai")),
    ],
)
def test_an_address_in_a_text_becomes_the_token_that_a_search_for_it_finds(text, clean):
    assert KEY.scrub_text(text) == clean
    assert KEY.scrub_text(clean) == clean


@pytest.mark.parametrize(
    "text", ["", "@opentelemetry/instrumentation-http", "pkg@1.2.3", "a@b", "@", "@acme.com", "40 %40 leads", "40%"]
)
def test_a_text_without_an_address_is_left_alone(text):
    assert KEY.scrub_text(text) is text


local_parts = st.from_regex(r"[a-zA-Z0-9_]([a-zA-Z0-9_.+-]{0,20}[a-zA-Z0-9_])?", fullmatch=True)
domains = st.from_regex(r"([a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\.){1,3}[a-z]{2,6}", fullmatch=True)
around = st.sampled_from(["", " ", "<", ">", '"', "=", "&", "?", "/", ":", ";", ",", "(", ")", "\n", "|", "→"])


@given(local_parts, domains, around, around, st.integers(0, 2))
def test_every_address_is_found_however_often_it_was_encoded(local, domain, before, after, times):
    address = f"{local}@{domain}"
    written = address
    for _ in range(times):
        written = quote(written, safe="")
    if times:  # once encoded, signs beyond ASCII can no longer be told from letters
        before, after = (quote(sign.replace("→", " ")) for sign in (before, after))
    assert KEY.scrub_text(f"{before}{written}{after}") == f"{before}{KEY.token('email', address)}{after}"


@given(st.text(max_size=60), local_parts, domains, st.text(max_size=60))
def test_a_search_of_raw_bytes_never_misses_a_text_that_scrubbing_changes(before, local, domain, after):
    noise = b"\n\x90\x80\x01"
    for text in (before + after, f"{before}{local}@{domain}{after}", f"{before}{local}%40{domain}{after}"):
        written = text.encode("utf-8", "ignore")
        if KEY.scrub_text(written.decode()) != written.decode():
            assert may_hold_address(noise + written + noise)


@pytest.mark.parametrize(
    "hostile",
    ["@" + "a" * 500_000, "a." * 250_000, "@a." * 160_000, "a@" + "a." * 250_000 + "1", "%25" * 160_000 + "40", "a@" * 250_000]
)  # fmt: skip
def test_scrubbing_takes_time_in_proportion_to_the_text(hostile):
    started = time.process_time()
    KEY.scrub_text(hostile)
    assert time.process_time() - started < 2


# Key files.


def test_a_missing_key_file_is_made_readable_by_its_owner_only_and_kept(tmp_path):
    path = tmp_path / "new" / "pii.key"
    made = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path).token("email", "ada@acme.com") == made.token("email", "ada@acme.com")
    assert list(path.parent.iterdir()) == [path]


def test_a_key_file_is_the_same_key_with_and_without_a_newline(tmp_path):
    tokens = set()
    for number, ending in enumerate((b"", b"\n")):
        path = tmp_path / str(number)
        path.write_bytes(b"k" * 32 + ending)
        path.chmod(0o600)
        tokens.add(load_key(path).token("name", "Ada"))
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("content", "mode", "mend"),
    [
        pytest.param(b"k" * 32, 0o640, "chmod 600", id="readable by its group"),
        pytest.param(b"k" * 32, 0o604, "chmod 600", id="readable by everybody"),
        pytest.param(b"k" * 31, 0o600, "openssl rand", id="too short"),
        pytest.param(b"\n" * 99, 0o600, "openssl rand", id="only white space"),
    ],
)
def test_a_key_file_that_does_not_protect_is_refused_with_its_mend(tmp_path, content, mode, mend):
    path = tmp_path / "pii.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(PersonalKeyError, match=mend) as caught:
        load_or_create_key(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_unreadable_key_file_is_refused_with_its_mend(tmp_path):
    with pytest.raises(PersonalKeyError, match="openssl rand"):
        load_key(tmp_path / "none")
    with pytest.raises(PersonalKeyError, match="cannot be read"):
        load_key(tmp_path)
