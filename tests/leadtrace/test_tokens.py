import json
import re
import stat
import threading
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from leadtrace import tokens as room
from leadtrace.tokens import Role, Signer, TokenFileError, Tokens, session_key, write_private

TOKEN = re.compile(r"lt[ira]_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    return Tokens(tmp_path / "deep" / "tokens.json")


@pytest.mark.parametrize("role", Role)
def test_a_token_has_its_role_and_one_form(tokens, role):
    token = tokens.create(role)
    assert TOKEN.fullmatch(token)
    assert token[2] == role.value[0]
    assert tokens.role_of(token) is role


def test_a_token_survives_a_header_a_url_and_a_form_unescaped(tokens):
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", tokens.create(Role.READ))


def test_no_two_tokens_are_alike(tokens):
    assert len({tokens.create(Role.READ) for _ in range(20)}) == 20
    assert len(tokens) == 20


def test_the_file_holds_hashes_that_only_its_owner_reads(tokens):
    token = tokens.create(Role.INGEST, "crm-writer", now=datetime(2026, 5, 1, tzinfo=UTC))
    text = tokens.path.read_text()
    assert token not in text
    assert token.rpartition("_")[2] not in text
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    [row] = json.loads(text)
    assert (row["role"], row["note"], row["created_at"]) == ("ingest", "crm-writer", "2026-05-01T00:00:00+00:00")
    assert [one.name for one in tokens.path.parent.iterdir()] == ["tokens.json"]


def test_a_token_made_elsewhere_works_without_a_restart(tokens):
    tokens.create(Role.READ)
    new = Tokens(tokens.path).create(Role.INGEST)
    assert tokens.role_of(new) is Role.INGEST


def test_a_token_that_was_removed_from_the_file_works_no_more(tokens):
    gone, kept = tokens.create(Role.READ), tokens.create(Role.READ)
    rows = json.loads(tokens.path.read_text())
    tokens.path.write_text(json.dumps([row for row in rows if row["id"] != gone.split("_")[1]]))
    assert tokens.role_of(gone) is None
    assert tokens.role_of(kept) is Role.READ


@pytest.mark.parametrize("wrong", ["", "_", "__", "lti_00000000_x", "bearer", "é_é_é", "lti_" + "0" * 100_000])
def test_what_is_no_token_has_no_role(tokens, wrong):
    tokens.create(Role.ADMIN)
    assert tokens.role_of(wrong) is None


def test_a_known_id_with_another_secret_has_no_role(tokens):
    token = tokens.create(Role.ADMIN)
    assert tokens.role_of(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert tokens.role_of(token + "A") is None
    assert tokens.role_of("lti" + token[3:]) is None


def test_without_a_file_nobody_is_known(tokens):
    assert len(tokens) == 0
    assert tokens.role_of("lti_00000000_x") is None


@pytest.mark.parametrize("text", ["", "{}", "[{}]", "null", '[{"id": "a"}]', "nonsense", '"text"', "[1]"])
def test_a_broken_file_is_told_with_its_name_and_the_mend(tokens, text):
    tokens.path.parent.mkdir()
    tokens.path.write_text(text)
    with pytest.raises(TokenFileError, match=re.escape(str(tokens.path))):
        len(tokens)
    with pytest.raises(TokenFileError, match="mend or remove it"):
        tokens.create(Role.READ)
    assert tokens.path.read_text() == text


def test_a_file_broken_while_it_runs_keeps_those_who_were_known(tokens):
    token = tokens.create(Role.READ)
    assert tokens.role_of(token) is Role.READ
    tokens.path.write_text("[")
    with capture_logs() as logs:
        assert tokens.role_of(token) is Role.READ
        assert tokens.role_of(token) is Role.READ
    assert [one["event"] for one in logs] == ["tokens_unreadable"]


def test_a_token_made_over_a_broken_file_does_not_wipe_the_others(tokens):
    """The server keeps those it knows, but a file that it cannot read is not its to write anew."""
    token = tokens.create(Role.READ)
    assert tokens.role_of(token) is Role.READ
    whole = tokens.path.read_text()
    tokens.path.write_text(whole[:-1])
    with pytest.raises(TokenFileError):
        Tokens(tokens.path).create(Role.READ)
    tokens.path.write_text(whole)
    assert Tokens(tokens.path).role_of(token) is Role.READ


def test_there_is_a_bound_on_how_many(tokens, monkeypatch):
    monkeypatch.setattr(room, "MAX_TOKENS", 2)
    tokens.create(Role.READ)
    tokens.create(Role.READ)
    with pytest.raises(TokenFileError, match="remove some"):
        tokens.create(Role.READ)


def test_admins_may_everything_and_others_only_their_own():
    may = {(has.value, wants.value) for has in Role for wants in Role if has.may(wants)}
    assert may == {
        ("ingest", "ingest"),
        ("read", "read"),
        ("admin", "ingest"),
        ("admin", "read"),
        ("admin", "admin"),
    }


# ── signatures ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock) -> Signer:
    return Signer(b"k" * 32, clock)


def test_a_signature_holds_until_its_end_and_not_a_second_longer(signer, clock):
    signed = signer.sign("link", 60)
    clock.now_s += 60
    assert signer.holds("link", signed)
    clock.now_s += 1
    assert not signer.holds("link", signed)


def test_a_signature_holds_for_its_purpose_only(signer):
    assert not signer.holds("session", signer.sign("link", 60))
    assert not signer.holds("local", signer.sign("link", 60))


def test_another_key_signs_nothing_here(signer, clock):
    assert not signer.holds("link", Signer(b"j" * 32, clock).sign("link", 60))


def test_a_signature_with_a_later_end_does_not_hold(signer):
    end, _, proof = signer.sign("link", 60).partition(".")
    assert not signer.holds("link", f"{int(end) + 1}.{proof}")


def test_no_single_letter_of_a_signature_can_be_changed(signer):
    signed = signer.sign("link", 60)
    for at, letter in enumerate(signed):
        changed = signed[:at] + ("A" if letter != "A" else "B") + signed[at + 1 :]
        assert not signer.holds("link", changed), changed
    assert not signer.holds("link", signed + "A")
    assert not signer.holds("link", signed[:-1])


@pytest.mark.parametrize("wrong", ["", ".", "..", "1", "é.é", "-1.x", "9" * 5_000 + ".x", "٣.x", "1800000099."])
def test_nonsense_does_not_hold_and_does_not_fail(signer, wrong):
    assert not signer.holds("link", wrong)


# ── key files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_signing_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "new" / "session.key"
    key = session_key(path)
    assert len(key) >= 32
    assert session_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_signing_key_that_others_can_read_stops_the_start(tmp_path):
    path = tmp_path / "session.key"
    session_key(path)
    path.chmod(0o640)
    with pytest.raises(TokenFileError, match=f"chmod 600 {re.escape(str(path))}"):
        session_key(path)


def test_a_signing_key_that_is_too_short_stops_the_start(tmp_path):
    path = tmp_path / "session.key"
    write_private(path, b"short")
    with pytest.raises(TokenFileError, match="shorter than 32 bytes"):
        session_key(path)


def test_a_private_file_is_replaced_whole_and_stays_private(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_tokens_made_at_the_same_moment_are_all_kept(tmp_path):
    path = tmp_path / "tokens.json"
    threads = [threading.Thread(target=lambda: Tokens(path).create(Role.INGEST)) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(Tokens(path)) == 12
