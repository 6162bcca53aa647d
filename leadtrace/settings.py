"""Settings: read once, here, from the environment and `leadtrace.toml`; passed down as arguments.

A wrong value stops the start with a sentence that names the key and the mend. docs/settings.md lists every one, and a
test fails when one is missing there.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model.personal import DEFAULT_PERSONAL_KEYS, Kind
from store.agenda import Shard
from store.engine import Store

PREFIX = "LEADTRACE_"
FILE = "leadtrace.toml"

_LABEL = r"[\w-]{1,63}"
_ADDRESS = re.compile(
    rf"(?:\[([0-9A-Fa-f:.]+)\]|({_LABEL}(?:\.{_LABEL})*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)):(\d{{1,5}})", re.ASCII
)
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@")


class SettingsError(ValueError):
    """A setting cannot be used; the message has a sentence for each."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def default_data() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "leadtrace"


class Settings(BaseModel):
    """Every setting, checked. LEADTRACE_DATA in the environment is `data` in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(default_factory=default_data, description="Folder for the spool, the embedded engine and keys.")
    clickhouse: str = Field("", description="chdb:///path, or clickhouse://user:password@host:8123/database.")
    flows: tuple[Path, ...] = Field((), description="Flow files or folders of them, separated by `:`.")
    objectives: tuple[Path, ...] = Field((), description="Objective files or folders of them, separated by `:`.")
    receivers: Path | None = Field(None, description="The file of receivers: who is told of alerts.")
    vendor_codes: Path | None = Field(None, description="Your own vendor codes: a CSV of system,code,cause.")
    web: Address = Field(Address("127.0.0.1", 8080), description="Where the pages and the API listen.")
    otlp_http: Address = Field(Address("127.0.0.1", 4318), description="Where OTLP over HTTP listens.")
    otlp_grpc: Address = Field(Address("127.0.0.1", 4317), description="Where OTLP over gRPC listens.")
    metrics: Address | None = Field(
        None, description="Where /healthz, /readyz and /metrics are answered besides, for a process without pages."
    )
    auth: Literal["token", "off"] = Field("token", description="`off` is allowed only where all listen on loopback.")
    tokens_file: Path | None = Field(None, description="Hashed tokens; by default tokens.json in the data folder.")
    session_key_file: Path | None = Field(
        None, description="Signs sign-ins; by default session.key in the data folder."
    )
    pii_key_file: Path | None = Field(
        None, description="Key of personal tokens; by default personal.key in the data folder."
    )
    pii_attributes: Mapping[str, Kind] = Field(
        default_factory=dict, description="More personal attributes: `contact.mail=email,boss.phone=phone`."
    )
    public_url: str = Field("", description="The address that people use, where it is not the one listened on.")
    spool_max_bytes: int = Field(2 * 1024**3, ge=16 * 1024**2, description="Acknowledged but not stored; beyond, 503.")
    max_body_bytes: int = Field(64 * 1024**2, ge=1024, le=1024**3, description="One OTLP request, decompressed.")
    shard: Shard = Field(Shard(), description="Which part of the leads this engine settles: `0/1`, `2/8`.")
    log: Literal["console", "json"] = Field("console", description="How log lines are written.")

    # ── what is derived ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def store_url(self) -> str:
        return self.clickhouse or f"chdb://{self.data.resolve()}/clickhouse"

    @property
    def tokens_path(self) -> Path:
        return self.tokens_file or self.data / "tokens.json"

    @property
    def session_key_path(self) -> Path:
        return self.session_key_file or self.data / "session.key"

    @property
    def pii_key_path(self) -> Path:
        return self.pii_key_file or self.data / "personal.key"

    @property
    def personal_keys(self) -> dict[str, Kind]:
        return {**DEFAULT_PERSONAL_KEYS, **self.pii_attributes}

    # ── how text becomes values ─────────────────────────────────────────────────────────────────────────────────

    @field_validator("web", "otlp_http", "otlp_grpc", "metrics", mode="before")
    @classmethod
    def _address(cls, value: object) -> object:
        if value is None or isinstance(value, Address):
            return value
        match = _ADDRESS.fullmatch(str(value))
        if match is None or int(match[3]) > 65535:
            raise ValueError("write it as host:port, such as 127.0.0.1:8080")
        return Address(match[1] or match[2], int(match[3]))

    @field_validator("flows", "objectives", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return [part for part in value.split(":") if part] if isinstance(value, str) else value

    @field_validator("flows", "objectives")
    @classmethod
    def _exist(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for path in value:
            if not path.exists():
                raise ValueError(f"{path} does not exist; name a file or a folder of them")
        return value

    @field_validator("receivers")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"{value} does not exist; name a file of receivers, as docs/alerts.md shows one")
        return value

    @field_validator("pii_attributes", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if any(not key.strip() or kind.strip() not in set(Kind) for key, _, kind in pairs):
            raise ValueError(f"write it as attribute=kind, separated by commas; kinds are {', '.join(Kind)}")
        return {key.strip(): Kind(kind.strip()) for key, _, kind in pairs}

    @field_validator("shard", mode="before")
    @classmethod
    def _shard(cls, value: object) -> object:
        if isinstance(value, Shard):
            return value
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", str(value))
        if match is None or int(match[1]) >= int(match[2]):
            raise ValueError("write it as index/count with an index from 0, such as 0/1 or 2/8")
        return Shard(int(match[1]), int(match[2]))

    @field_validator("clickhouse")
    @classmethod
    def _reachable(cls, value: str) -> str:
        if value:
            try:
                Store(value)
                _ = urlsplit(value).port
            except ValueError as error:
                mend = "write it as chdb:///absolute/path or clickhouse://user:password@host:8123/database"
                raise ValueError(mend) from error
        return value

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^/]+", value):
            raise ValueError("write it with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _off_only_on_loopback(self) -> Self:
        for name in ("web", "otlp_http", "otlp_grpc", "metrics"):
            address: Address | None = getattr(self, name)
            if self.auth == "off" and address is not None and not address.loopback:
                raise ValueError(
                    f"LEADTRACE_AUTH=off would open {address} to the network; use LEADTRACE_AUTH=token,"
                    f" or let LEADTRACE_{name.upper()} listen on 127.0.0.1"
                )
        return self


def read_settings(environment: Mapping[str, str], folder: Path | None = None) -> Settings:
    """The settings that `leadtrace.toml` in `folder` (or LEADTRACE_CONFIG) gives; the environment wins.

    Raises SettingsError with every mistake at once.
    """
    values = _from_file(environment, folder or Path.cwd())
    wrong: list[str] = []
    for key, value in environment.items():
        if not key.startswith(PREFIX) or key in {f"{PREFIX}CONFIG", f"{PREFIX}TORTURE", f"{PREFIX}TEST_BROWSER"}:
            continue
        name = key.removeprefix(PREFIX).lower()
        if name not in Settings.model_fields:
            wrong.append(f"{key} is no setting. {_near(name, prefix=PREFIX)}")
        elif value != "":
            values[name] = value
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join([*wrong, *map(_sentence, error.errors())])) from error
    if wrong:
        raise SettingsError("\n".join(wrong))
    return settings


def data_folder(settings: Settings) -> Path:
    """The data folder, made where it is missing. Raises SettingsError when it cannot be made or written."""
    reason = "this user cannot write it"
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = str(error.strerror)
    if not os.access(settings.data, os.W_OK | os.X_OK):
        mend = "chown it to the user that runs leadtrace, or set LEADTRACE_DATA to a folder of this user's"
        raise SettingsError(f"LEADTRACE_DATA (it is {str(settings.data)!r}): {reason}; {mend}")
    return settings.data


def _from_file(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    named = environment.get(f"{PREFIX}CONFIG")
    path = Path(named) if named else folder / FILE
    if not path.exists() and not named:
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    unknown = [name for name in values if name not in Settings.model_fields]
    if unknown:
        raise SettingsError("\n".join(f"{path}: `{name}` is no setting. {_near(name)}" for name in unknown))
    return values


def _near(name: str, prefix: str = "") -> str:
    near = get_close_matches(name, list(Settings.model_fields), 1)
    shown = f"{prefix}{near[0].upper() if prefix else near[0]}" if near else ""
    return f"Did you mean {shown}?" if near else "docs/settings.md lists them all."


def _sentence(error: Any) -> str:
    name = f"{PREFIX}{str(error['loc'][0]).upper()}" if error["loc"] else ""
    what = str(error["msg"]).removeprefix("Value error, ")
    given = f" (it is {error['input']!r})" if name and isinstance(error["input"], str | int | float) else ""
    given = _PASSWORD.sub(r"\1…@", given)
    return f"{name}{given}: {what}" if name else what
