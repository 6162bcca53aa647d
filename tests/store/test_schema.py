"""The schema: what the migrations lead to is what schema.sql says, and every query fits it."""

import re
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from store import schema
from store.engine import Store, sql

QUERIES = sorted(entry.name.removesuffix(".sql") for entry in files("store").joinpath("queries").iterdir())
_PARAMETER = re.compile(r"\{(\w+):([^{}]+)\}")
_SAMPLES = {
    "String": "x",
    "UInt32": 1,
    "DateTime64(3, 'UTC')": datetime(2026, 3, 2, tzinfo=UTC),
    "Array(String)": ["x"],
    "UInt8": 0,
    "UInt64": 1,
    "Int64": 1,
    "Array(Int64)": [1],
    "Array(UInt32)": [1],
    "Array(UInt64)": [1],
    "Array(Array(String))": [["x"]],
}


def described(store: Store, statements=None) -> dict[str, str]:
    """Every table and view as ClickHouse describes it, without the database's name."""
    for statement in statements or ():
        store.command(statement)
    with store.client() as client:
        rows = client.query(
            "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND name != 'migrations'"
        ).result_rows
    return {name: query.replace(f"{store.database}.", "") for name, query in rows if not name.startswith(".inner")}


def test_schema_sql_is_where_the_migrations_lead(engine_path):
    by_steps, at_once = (Store(f"chdb://{engine_path}", database=name) for name in ("by_steps", "at_once"))
    by_steps.migrate()
    migrated, written = described(by_steps), described(at_once, schema.current())
    for store in (by_steps, at_once):
        store.command(f"DROP DATABASE {store.database}")
        store.close()
    assert migrated == written


def test_migrating_again_changes_nothing(store):
    before = described(store)
    assert store.migrate() == []
    assert described(store) == before
    assert store.unmigrated() == []


def test_a_migration_that_was_cut_off_is_run_again_from_its_start(engine_path):
    cut = Store(f"chdb://{engine_path}", database="cut_off")
    for statement in schema.migrations()[0].statements[:7]:
        cut.command(statement)
    assert cut.migrate() == [one.name for one in schema.migrations()]
    assert set(described(cut)) >= {"spans", "timeline", "verdicts"}
    cut.command("DROP DATABASE cut_off")
    cut.close()


def test_migration_numbers_rise_by_one():
    assert [one.number for one in schema.migrations()] == list(range(1, len(schema.migrations()) + 1))


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_fits_the_schema(module_store, query):
    text = sql(query)
    parameters = {name: _SAMPLES[kind] for name, kind in _PARAMETER.findall(text)}
    asked = re.sub(r"^INSERT INTO .*?(?=^SELECT|^WITH)", "", text, flags=re.DOTALL | re.MULTILINE)  # what it selects
    module_store.command(f"EXPLAIN {asked}", parameters)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_opens_with_the_question_it_answers(query):
    first = sql(query).splitlines()[0]
    assert first.startswith("-- ")
    assert first.endswith(("?", ".")) or sql(query).splitlines()[1].startswith("-- ")


def test_every_table_that_views_fill_has_a_deduplication_window():
    for statement in schema.current():
        filled = re.match(r"CREATE TABLE (\w+)", statement)
        name = filled[1] if filled else ""
        kept = "ENGINE = Null" not in statement
        if kept and f"TO {name} AS" in "\n".join(schema.current()):
            assert "non_replicated_deduplication_window" in statement, name
            assert "fsync_after_insert = 1" in statement, name
