"""Who may come in: tokens for machines, stored hashed; signed links and cookies for people.

A token is 256 bits of randomness, so a plain SHA-256 keeps it safe in the file. Signed values carry their own end and
are proved by a key that only the server's user can read; whoever can read it on this machine may sign for himself,
which is how the command line talks to a running server.
"""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SESSION_S = 30 * 86_400
LINK_S = 86_400
LOCAL_S = 300
LOCAL_PREFIX = "ltl_"
MAX_TOKENS = 10_000


class Role(StrEnum):
    """What a token may do: send telemetry and changes; read pages and the API; both, and manage."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"

    def may(self, wanted: "Role") -> bool:
        return self is Role.ADMIN or self is wanted


@dataclass(frozen=True, slots=True)
class Stored:
    """A token as it is kept: everything but the token."""

    id: str
    role: Role
    sha256: str
    note: str
    created_at: str


class TokenFileError(ValueError):
    """The tokens file cannot be used; the message names it and the mend."""


class Tokens:
    """The tokens file. Read again when it changed, so that a new token works without a restart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, Stored] = {}

    def create(self, role: Role, note: str = "", *, now: datetime | None = None) -> str:
        """Make a token and keep its hash; returns the token, which nobody can read again later."""
        token_id = secrets.token_hex(4)
        token = f"lt{role.value[0]}_{token_id}_{secrets.token_urlsafe(32)}"
        created = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        with self._alone():
            known = self._read()
            if len(known) >= MAX_TOKENS:
                raise TokenFileError(f"{self.path} holds {MAX_TOKENS} tokens; remove some")
            known[token_id] = Stored(token_id, role, _digest(token), note, created)
            self._write(known)
        return token

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process changes the file at a time: two that read before either wrote would lose a token."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def role_of(self, token: str) -> Role | None:
        """The role of a token; None for one that is unknown."""
        parts = token.split("_", 2)
        stored = self._read().get(parts[1]) if len(parts) == 3 else None
        if stored is not None and hmac.compare_digest(stored.sha256, _digest(token)):
            return stored.role
        return None

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> dict[str, Stored]:
        with self._lock:
            try:
                stat = self.path.stat()
            except FileNotFoundError:
                return {}
            seen = (stat.st_mtime_ns, stat.st_size)
            if seen != self._seen:
                self._known = self._parsed()
                self._seen = seen
            return dict(self._known)

    def _parsed(self) -> dict[str, Stored]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(rows, list):
                raise TypeError("it is no list")  # noqa: TRY301  told like every other mistake in it
            return {row["id"]: Stored(**{**row, "role": Role(row["role"])}) for row in rows}
        except (OSError, ValueError, TypeError, KeyError) as error:
            if self._seen is not None:
                log.error("tokens_unreadable", path=str(self.path), reason=str(error))
                return self._known
            raise TokenFileError(f"{self.path} cannot be read as tokens ({error}); mend or remove it") from error

    def _write(self, known: dict[str, Stored]) -> None:
        text = json.dumps([asdict(one) for one in known.values()], indent=1)
        write_private(self.path, text.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Signer:
    """Signs short texts with an end: sign-in links, session cookies, the local command line's bearer."""

    def __init__(self, key: bytes, now_s: Callable[[], float] = time.time) -> None:
        self._key = key
        self._now_s = now_s

    def sign(self, purpose: str, for_s: int) -> str:
        end = str(int(self._now_s()) + for_s)
        return f"{end}.{self._proof(purpose, end)}"

    def holds(self, purpose: str, signed: str) -> bool:
        end, _, proof = signed.partition(".")
        known = end.isdecimal() and len(end) < 12 and int(end) >= self._now_s()
        return hmac.compare_digest(proof.encode(), self._proof(purpose, end).encode()) and known

    def _proof(self, purpose: str, end: str) -> str:
        mac = hmac.digest(self._key, f"{purpose}\0{end}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def local_bearer(signer: Signer) -> str:
    """What the command line on this machine shows to its own server."""
    return f"Bearer {LOCAL_PREFIX}{signer.sign('local', LOCAL_S)}"


def session_key(path: Path) -> bytes:
    """The signing key, made at the first start. Raises TokenFileError for a file that others can read."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        write_private(draft, secrets.token_hex(32).encode())
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, a link never replaces a key that another process just made
        draft.unlink()
    if path.stat().st_mode & 0o077:
        raise TokenFileError(f"{path} can be read by others; mend: chmod 600 {path}")
    key = path.read_bytes().strip()
    if len(key) < 32:
        raise TokenFileError(f"{path} is shorter than 32 bytes; remove it and start again")
    return key


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
