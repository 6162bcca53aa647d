"""One connection to ClickHouse, in two sizes: inside the process (`chdb:///path`) or a server (`clickhouse://…`).

Everything above speaks to `Store` and cannot tell which it is. chDB runs one statement at a time a client handle and
allows any number of handles, so a small pool serves threads; a server's clients are pooled the same way.
"""

import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from store import schema
from store.binding import bound
from store.errors import InsertRefused, StoreError, StoreUnavailable

log = structlog.get_logger(__name__)

DATABASE = "leadtrace"

# The defaults of 26.9 that bite are named here once (measured: shared facts, docs/adr/0003).
_SESSION = {"async_insert": 0, "insert_deduplicate": 1}

# What ClickHouse says when the bytes themselves are wrong. Anything else may pass: a full disk, a missing table, a
# server that restarts. Data is only ever set aside for a reason on this list.
_NEVER = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        407,  # DECIMAL_OVERFLOW
        434,  # PROTOBUF_BAD_CAST
        436,  # PROTOBUF_FIELD_NOT_REPEATED
        437,  # DATA_TYPE_CANNOT_BE_PROMOTED
        444,  # UNKNOWN_PROTOBUF_FORMAT
        636,  # CANNOT_EXTRACT_TABLE_STRUCTURE
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
_CODE = re.compile(r"Code: (\d+)")


class Store:
    """The database. Thread-safe; every call borrows one of `pool_size` client handles and waits when all are lent."""

    def __init__(self, url: str, *, pool_size: int = 4, database: str | None = None) -> None:
        """Connect lazily to `url`; `open()` proves that it answers. Raises ValueError for a URL of another kind.

        The database is the one that a server's URL names, else `leadtrace`; `database` overrides it.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"chdb", "clickhouse", "clickhouses"}:
            raise ValueError(f"{url!r} is neither chdb:///path nor clickhouse://user:password@host:8123/database")
        if parts.scheme == "chdb" and not parts.path.strip("/"):
            raise ValueError(f"{url!r} names no folder: write chdb:///absolute/path")
        self.url = url
        self.embedded = parts.scheme == "chdb"
        named = "" if self.embedded else parts.path.strip("/")
        self.database = database or named or DATABASE
        self._pool: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(pool_size):
            self._pool.put(None)
        self._pool_size = pool_size
        self._closed = threading.Event()

    # ── connecting ──────────────────────────────────────────────────────────────────────────────────────────────

    def _connect(self) -> Client:
        try:
            if self.embedded:
                client = clickhouse_connect.get_client(
                    interface="chdb", path=urlsplit(self.url).path, settings=dict(_SESSION), tz_mode="aware"
                )
                client.command(f"CREATE DATABASE IF NOT EXISTS {self.database}")
                client.database = self.database
                return client
            parts = urlsplit(self.url)
            return clickhouse_connect.get_client(
                host=parts.hostname,
                port=parts.port or (8443 if parts.scheme == "clickhouses" else 8123),
                username=unquote(parts.username or "default"),
                password=unquote(parts.password or ""),
                database=self.database,
                secure=parts.scheme == "clickhouses",
                settings=dict(_SESSION),
                autogenerate_session_id=False,
                tz_mode="aware",
            )
        except (ClickHouseError, OSError, RuntimeError) as error:
            raise StoreUnavailable(_sentence(error)) from error

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Borrow a client handle; errors of the engine come out as StoreError, never as the driver's own."""
        if self._closed.is_set():
            raise StoreUnavailable("the store is closed")
        handle = self._pool.get()
        try:
            if handle is None:
                handle = self._connect()
            yield handle
        except OperationalError as error:
            raise StoreUnavailable(_sentence(error)) from error
        except (ClickHouseError, RuntimeError) as error:
            raise _translated(error) from error
        except OSError as error:
            raise StoreUnavailable(_sentence(error)) from error
        finally:
            self._pool.put(handle)

    def open(self) -> "Store":
        """Prove that the engine answers; raises StoreUnavailable with the reason. Returns self."""
        self.command("SELECT 1")
        return self

    def close(self) -> None:
        """Close every handle. Waits for the calls under way."""
        self._closed.set()
        for _ in range(self._pool_size):
            handle = self._pool.get()
            if handle is not None:
                handle.close()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """The rows that `queries/{query}.sql` finds. Parameters are bound by the engine, never formatted in."""
        text, sent = bound(sql(query), parameters)
        with self.client() as client:
            return client.query(text, parameters=sent).result_rows

    def columns(self, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """The same, by column: cheaper when thousands of rows become objects."""
        text, sent = bound(sql(query), parameters)
        with self.client() as client:
            return client.query(text, parameters=sent, column_oriented=True).result_columns

    def dicts(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The same, each row by its columns' names."""
        text, sent = bound(sql(query), parameters)
        with self.client() as client:
            return list(client.query(text, parameters=sent).named_results())

    def command(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        text, sent = bound(statement, parameters or {})
        with self.client() as client:
            return client.command(text, parameters=sent)

    def run(self, query: str, **parameters: Any) -> None:
        """Run `queries/{query}.sql`, which writes (an INSERT … SELECT)."""
        self.command(sql(query), parameters)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with self.client() as client:
                client.insert(table, rows, column_names=columns)

    def insert_columns(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """The same, by column. Columns of one length, by name."""
        if any(columns.values()):
            with self.client() as client:
                client.insert(table, list(columns.values()), column_names=list(columns), column_oriented=True)

    def land(self, signal: str, payload: bytes, token: str) -> None:
        """Insert one serialized OTLP request (`signal` is traces or logs). The same token twice adds nothing.

        Raises InsertRefused when these bytes can never go in, StoreUnavailable when trying again may help.
        """
        with self.client() as client:
            client.raw_insert(
                f"otlp_{signal}",
                insert_block=payload,
                fmt="ProtobufSingle",
                settings={
                    **self._format_schema(signal.capitalize()),
                    "input_format_protobuf_oneof_presence": 1,
                    "insert_deduplication_token": token,
                    "deduplicate_blocks_in_dependent_materialized_views": 1,
                    "optimize_on_insert": 0,  # replaced rows go when parts merge: a sixth of an insert's time
                    **_SESSION,
                },
            )

    def _format_schema(self, message: str) -> dict[str, str]:
        """Where the engine reads the protobuf schema. The embedded one would write a given text to its working folder
        before it reads it; a server takes the text and knows no file of ours.
        """
        if self.embedded:
            return {"format_schema": f"{schema.PROTOBUF_FILE}:{message}"}
        return {
            "format_schema_source": "string",
            "format_schema": schema.PROTOBUF_FILE.read_text(),
            "format_schema_message_name": message,
        }

    # ── migrating ───────────────────────────────────────────────────────────────────────────────────────────────

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the names of what was applied. Safe to call again."""
        if not self.embedded:
            self._create_server_database()
        self.command(
            "CREATE TABLE IF NOT EXISTS migrations (number UInt32, name String, applied_at DateTime DEFAULT now())"
            " ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
        )
        applied = {row[0] for row in self.rows("migrations_applied")}
        pending = [migration for migration in schema.migrations() if migration.number not in applied]
        for migration in pending:
            for statement in migration.statements:
                self.command(_repeatable(statement))
            self.insert("migrations", ["number", "name"], [[migration.number, migration.name]])
            log.info("migrated", number=migration.number, name=migration.name)
        return [migration.name for migration in pending]

    def unmigrated(self) -> list[str]:
        """The migrations that this database still lacks."""
        applied = {row[0] for row in self.rows("migrations_applied")}
        return [migration.name for migration in schema.migrations() if migration.number not in applied]

    def _create_server_database(self) -> None:
        wanted, self.database = self.database, "default"
        try:
            admin = self._connect()
        finally:
            self.database = wanted
        try:
            admin.command(f"CREATE DATABASE IF NOT EXISTS `{wanted}`")
        except ClickHouseError as error:
            raise _translated(error) from error
        finally:
            admin.close()


@cache
def sql(query: str) -> str:
    """The text of `queries/{query}.sql`."""
    return (Path(__file__).with_name("queries") / f"{query}.sql").read_text(encoding="utf-8")


def _repeatable(statement: str) -> str:
    """A migration cut off half-way is run again from its start, so creating what exists must not fail."""
    return re.sub(r"^CREATE (TABLE|MATERIALIZED VIEW) (?!IF NOT EXISTS)", r"CREATE \1 IF NOT EXISTS ", statement)


def _translated(error: Exception) -> StoreError:
    code = getattr(error, "code", None)
    if code is None:
        match = _CODE.search(str(error))
        code = int(match.group(1)) if match else None
    if code in _NEVER:
        return InsertRefused(_sentence(error))
    return StoreUnavailable(_sentence(error))


def _sentence(error: BaseException) -> str:
    """The engine's own first line, bounded: its messages can carry a whole query."""
    return str(error).strip().split("\n", 1)[0][:500]
