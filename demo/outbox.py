"""The database of web-forms: leads, and the outbox that makes 'saved' and 'announced' one transaction."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from demo.messages import Lead

SCHEMA = """
CREATE TABLE IF NOT EXISTS leads (correlation_id TEXT PRIMARY KEY, lead_id TEXT NOT NULL, email TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS leads_by_email ON leads (email);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, headers TEXT NOT NULL, lead TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS outbox_unpublished ON outbox (id) WHERE NOT published;
"""


@dataclass(frozen=True)
class OutboxRow:
    """`headers` are the trace context and baggage of the moment of capture."""

    id: int
    headers: dict[str, str]
    lead: Lead


class Outbox:
    """One connection to the database. Statements take well under a millisecond, so they run on the event loop."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def save(self, lead: Lead, headers: dict[str, str]) -> None:
        """Lead and outbox row, or neither."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO leads VALUES (?, ?, ?)", (lead.correlation_id, lead.lead_id, lead.email))
            self._db.execute(
                "INSERT INTO outbox (headers, lead) VALUES (?, ?)", (json.dumps(headers), lead.model_dump_json())
            )

    def lead_id_of(self, email: str) -> str | None:
        row = self._db.execute("SELECT lead_id FROM leads WHERE email = ? LIMIT 1", (email,)).fetchone()
        return None if row is None else str(row[0])

    def unpublished(self, limit: int) -> list[OutboxRow]:
        """Oldest first."""
        rows = self._db.execute(
            "SELECT id, headers, lead FROM outbox WHERE NOT published ORDER BY id LIMIT ?", (limit,)
        )
        return [OutboxRow(row[0], json.loads(row[1]), Lead.model_validate_json(row[2])) for row in rows]

    def waiting(self) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM outbox WHERE NOT published").fetchone()
        return int(count)

    def mark_published(self, row_id: int) -> None:
        self._db.execute("UPDATE outbox SET published = 1 WHERE id = ?", (row_id,))

    def close(self) -> None:
        self._db.close()
