"""Personal data: what may be kept of an address, a phone number, a name.

A keyed token (HMAC-SHA256) stands for the value: the same person always gets the same token, so a lead can be searched
by address, and nobody without the key can go back. A mask is what people see. The raw value is kept nowhere.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote

MIN_KEY_BYTES: Final = 32
MAX_KEY_BYTES: Final = 4096
_LOCAL_PART_WINDOW: Final = 256  # RFC 5321 allows 64 octets; percent-encoded they take up to 192


class Kind(StrEnum):
    """What a personal value is; it decides how two spellings of it are made one."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"


#: Attribute keys replaced by default, on resources, scopes, spans, events, links, log records and kvlist log bodies.
DEFAULT_PERSONAL_KEYS: Final = {
    "lead.email": Kind.EMAIL,
    "lead.phone": Kind.PHONE,
    "lead.name": Kind.NAME,
    "user.email": Kind.EMAIL,
    "user.full_name": Kind.NAME,
    "enduser.email": Kind.EMAIL,
    "contact.email": Kind.EMAIL,
}

_TOKEN = re.compile(r"tok_[0-9a-f]{32}")

# An address inside a text is found from its @ outwards: a pattern that starts with a literal is searched at memchr
# speed, and no run of letters without an @ is ever walked twice. The @ may be percent-encoded, once or again (%2540).
_LABEL = r"(?:[^\W_]|[-_]|%(?:25)*[89a-fA-F][0-9a-fA-F])"
_DOT = r"(?:\.|%(?:25)*2[eE])"
_DOMAIN = rf"(?:{_LABEL}{{1,190}}{_DOT}){{1,12}}(?:xn--[\w-]+|(?:[^\W\d_]|%(?:25)*[89a-fA-F][0-9a-fA-F]){{2,}})"
_AT_DOMAIN = re.compile(rf"(?:@|%(?:25)*40)(?:{_DOMAIN})")
# The local part is read backwards from the @, so this pattern is too: B2% is %2B, a plus.
_ENCODED_LOCAL = r"(?:[bBeEdD]2|[fF]5|72|\d3|[1-9a-fA-F][46]|[\daA][57]|[\da-fA-F][89a-fA-F])(?:52)*%"
_ENCODED_ANY = r"[\da-fA-F]{2}(?:52)*%"
_LOCAL_BACKWARDS = re.compile(rf"(?:{_ENCODED_LOCAL}|(?!{_ENCODED_ANY})[\w.+'-])+")

# The same in raw bytes, cheap and only likely; ids are random bytes and often look like a part of an address.
_LIKELY_ADDRESS: Final = (
    re.compile(rb"@(?<=[\w.+'\x80-\xff-]@)[\w\x80-\xff-]{0,760}(?:\.[\w\x80-\xff%-]|%[0-9a-fA-F]{2})"),
    re.compile(rb"%(?<=[\w.+'\x80-\xff-]%)(?:25)*40[\w\x80-\xff-]{0,760}(?:\.[\w\x80-\xff%-]|%[0-9a-fA-F]{2})"),
)
_ADDRESS_WINDOW_BYTES: Final = 4 * 190 * 13


class PersonalKeyError(ValueError):
    """The key file cannot be used; the message names it and the mend."""


class PersonalKey:
    """Makes tokens and masks. Two processes with the same key make the same tokens."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_KEY_BYTES:
            raise PersonalKeyError(f"the key has {len(secret)} bytes and needs at least {MIN_KEY_BYTES}")
        self._secret = secret

    def __repr__(self) -> str:
        return "PersonalKey(…)"

    def token(self, kind: Kind | str, value: str) -> str:
        """`tok_` and 32 hex digits; the same for every spelling of one value. A token stays itself."""
        if _TOKEN.fullmatch(value):
            return value
        text = f"{Kind(kind)}\0{normalise(kind, value)}".encode("utf-8", "surrogatepass")
        return "tok_" + hmac.digest(self._secret, text, hashlib.sha256).hex()[:32]

    def scrub_text(self, text: str) -> str:
        """The text with every e-mail address in it, percent-encoded or not, replaced by the address's token."""
        if "@" not in text and "40" not in text:
            return text
        pieces: list[str] = []
        end = 0
        for found in _AT_DOMAIN.finditer(text):
            start = _local_part_start(text, found.start(), end)
            if start == found.start():
                continue
            pieces += text[end:start], self.token(Kind.EMAIL, _decoded(text[start : found.end()]))
            end = found.end()
        return "".join([*pieces, text[end:]]) if pieces else text


def normalise(kind: Kind | str, value: str) -> str:
    """One spelling for all spellings of a value: e-mail NFC, trimmed, lower; phone + and digits; name casefolded."""
    value = unicodedata.normalize("NFC", value).strip()
    match Kind(kind):
        case Kind.EMAIL:
            return value.lower()
        case Kind.PHONE:
            digits = _digits(value)
            return ("+" if value.startswith("+") else "") + digits if digits else value.casefold()
        case Kind.NAME:
            return " ".join(value.casefold().split())


def mask(kind: Kind | str, value: str) -> str:
    """What people may see: `a•••@acme.com`, `•••• 42`, `A. L.`"""
    value = value.strip()
    match Kind(kind):
        case Kind.EMAIL:
            local, at, domain = value.rpartition("@")
            return f"{local[:1]}•••@{domain.lower()}" if at and local else "•••"
        case Kind.PHONE:
            digits = _digits(value)
            return f"•••• {digits[-2:]}" if len(digits) > 5 else "••••"  # a short number's last digits say too much
        case Kind.NAME:
            return " ".join(f"{word[0].upper()}." for word in value.split()[:4]) or "•••"


def may_hold_address(payload: bytes) -> bool:
    """Whether `scrub_text` would find an address in a text that lies somewhere in these bytes, as UTF-8."""
    return any(_is_address_at(payload, likely.start()) for hint in _LIKELY_ADDRESS for likely in hint.finditer(payload))


def _is_address_at(payload: bytes, at: int) -> bool:
    before = payload[max(0, at - 4 * _LOCAL_PART_WINDOW) : at].decode("utf-8", "replace")
    after = payload[at : at + _ADDRESS_WINDOW_BYTES].decode("utf-8", "replace")
    return bool(_AT_DOMAIN.match(after)) and _local_part_start(before, len(before), 0) < len(before)


def is_token(value: str) -> bool:
    return _TOKEN.fullmatch(value) is not None


def load_key(path: Path) -> PersonalKey:
    """The key in a file of at least 32 bytes that only its owner can read."""
    mend = f"make a new one with: (umask 077; openssl rand -hex 32 > {path})"
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read(MAX_KEY_BYTES).strip()
    except OSError as exc:
        raise PersonalKeyError(f"the key file {path} cannot be read ({exc.strerror}); {mend}") from exc
    if mode & 0o077:
        raise PersonalKeyError(f"the key file {path} can be read by others (mode {mode:o}); mend: chmod 600 {path}")
    if len(secret) < MIN_KEY_BYTES:
        raise PersonalKeyError(f"the key file {path} has {len(secret)} bytes, {MIN_KEY_BYTES} are needed; {mend}")
    return PersonalKey(secret)


def load_or_create_key(path: Path) -> PersonalKey:
    """The key in the file; a missing file is made, mode 0600. Of two processes starting at once, one makes it."""
    if not path.exists():
        _create_key(path)
    return load_key(path)


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(MIN_KEY_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, a link never replaces a key that another process just made
    finally:
        draft.unlink()


def _local_part_start(text: str, at: int, floor: int) -> int:
    backwards = text[max(floor, at - _LOCAL_PART_WINDOW) : at][::-1]
    found = _LOCAL_BACKWARDS.match(backwards)
    if found is None:
        return at
    local = found.group()[::-1]
    return at - len(local.lstrip("'.-"))  # 'ada@acme.com' in quotes is not 'ada


def _decoded(address: str) -> str:
    """Percent-encoding taken away, as often as the @ itself was encoded."""
    while "@" not in address:
        address = unquote(address)
    return address


def _digits(value: str) -> str:
    return "".join(filter(str.isdecimal, value))
