"""What the rules take for granted is what the databases do."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest

from asyncmig.lint.impact import Blocks, impact_of
from asyncmig.sql import Dialect, split
from asyncmig.sql.statements import statement_tokens
from tests.lint.examples import BASE, EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tests.lint.conftest import Linted

TABLES = BASE.partition("-- migrate:down")[0]
ROWS = """
CREATE TABLE users (id int PRIMARY KEY, name varchar(40), n int);
CREATE TABLE orders (id int PRIMARY KEY, user_id int, n int NOT NULL);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM orders;
CREATE INDEX orders_n_idx ON orders (n);
CREATE TABLE logs (id int) PARTITION BY RANGE (id);
INSERT INTO users SELECT i, 'name', i FROM generate_series(1, 100) AS i;
INSERT INTO orders SELECT i, i, i FROM generate_series(1, 100) AS i;
ALTER TABLE orders ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
"""
BLOCKS = {
    "AccessExclusiveLock": Blocks.EVERYBODY,
    "ExclusiveLock": Blocks.WRITERS,
    "ShareRowExclusiveLock": Blocks.WRITERS,
    "ShareLock": Blocks.WRITERS,
}
"""What each lock keeps out: PostgreSQL's manual, 13.3.1. The weaker ones let writers pass."""
STATEMENTS = [
    "ALTER TABLE orders ADD x int",
    "ALTER TABLE orders ADD COLUMN x int DEFAULT 7",
    "ALTER TABLE orders ADD COLUMN x timestamptz DEFAULT now()",
    "ALTER TABLE orders ADD COLUMN x uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE orders ADD COLUMN x serial",
    "ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS (n + 1) STORED",
    "ALTER TABLE orders ADD COLUMN x int CHECK (x > 0)",
    "ALTER TABLE orders ADD COLUMN x int UNIQUE",
    "ALTER TABLE orders ADD CHECK (n > 0)",
    "ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (user_id) REFERENCES users (id)",
    "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
    "ALTER TABLE orders ADD UNIQUE (n)",
    "ALTER TABLE orders VALIDATE CONSTRAINT positive",
    "ALTER TABLE orders ALTER COLUMN n TYPE bigint",
    "ALTER TABLE users ALTER name TYPE text",
    "ALTER TABLE orders ALTER COLUMN user_id SET NOT NULL",
    "ALTER TABLE orders ALTER COLUMN n SET DEFAULT 7",
    "ALTER TABLE orders ALTER COLUMN n SET STATISTICS 10",
    "ALTER TABLE orders SET (fillfactor = 90)",
    "ALTER TABLE orders SET UNLOGGED",
    "ALTER TABLE orders DISABLE TRIGGER ALL",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE orders DROP COLUMN n",
    "ALTER TABLE orders ADD a int, ALTER n TYPE bigint",
    "CREATE INDEX i ON orders (user_id)",
    "CREATE UNIQUE INDEX i ON orders (n)",
    "DROP TABLE orders CASCADE",
    "TRUNCATE orders",
    "LOCK TABLE orders",
    "REINDEX TABLE orders",
    "CLUSTER orders USING orders_n_idx",
    "REFRESH MATERIALIZED VIEW totals",
    "UPDATE orders SET n = n + 1",
    "DELETE FROM orders",
    "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1) TO (9)",
]


def tokens(statement: str) -> Sequence[str]:
    """Return the words of a statement."""
    (found,) = split(statement, Dialect.POSTGRESQL)
    return statement_tokens(found, Dialect.POSTGRESQL)


async def measure(connection: asyncpg.Connection, statement: str) -> tuple[Blocks, bool]:
    """Return whom a statement keeps out, and whether it reads or writes a whole table."""
    files = await file_nodes(connection)
    transaction = connection.transaction()
    await transaction.start()
    before = await scans(connection, files)
    await connection.execute(statement)
    scanned = await scans(connection, files) > before
    after = await file_nodes(connection)
    rewritten = any(files[oid] != after.get(oid, files[oid]) for oid in files)
    locks = await connection.fetch(
        "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = ANY($1)",
        list(files),
    )
    await transaction.rollback()
    blocks = max(BLOCKS.get(row["mode"], Blocks.NOBODY) for row in locks)
    return blocks, scanned or rewritten


async def file_nodes(connection: asyncpg.Connection) -> dict[int, int]:
    """Return the file of every relation of ours."""
    rows = await connection.fetch("SELECT oid, relfilenode FROM pg_class WHERE oid >= 16384")
    return {row["oid"]: row["relfilenode"] for row in rows}


async def scans(connection: asyncpg.Connection, files: dict[int, int]) -> int:
    """Return how often a table was read from end to end; the counter has a past."""
    found: int = await connection.fetchval(
        "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relid = ANY($1)",
        list(files),
    )
    return found


async def test_the_impact_of_a_statement_is_what_postgresql_does(postgres_url: str) -> None:
    """Whom it keeps out, from pg_locks; whether it reads or rewrites a table, from the counters.

    The rows of an UPDATE or DELETE are locked, not the table. TRUNCATE gives the table a new file,
    an empty one.
    """
    connection = await asyncpg.connect(postgres_url)
    wrong: list[tuple[str, object, object]] = []
    try:
        await connection.execute(ROWS)
        for statement in STATEMENTS:
            impact = impact_of(tokens(statement))
            said = None if impact is None else (impact.blocks, bool(impact.cost))
            seen = await measure(connection, statement)
            if statement.startswith(("UPDATE", "DELETE")):
                seen = (Blocks.WRITERS, seen[1])
            if statement.startswith("TRUNCATE"):
                seen = (seen[0], False)
            if said != seen:
                wrong.append((statement, said, seen))
    finally:
        await connection.close()

    assert wrong == []


async def test_postgresql_refuses_a_new_value_of_an_enumeration(postgres_url: str) -> None:
    """Until the transaction is committed that adds it; those of its creation are fine."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("CREATE TYPE mood AS ENUM ('ok')")
        with pytest.raises(asyncpg.UnsafeNewEnumValueUsageError):
            await connection.execute("ALTER TYPE mood ADD VALUE 'sad'; SELECT 'sad'::mood")
        await connection.execute("CREATE TYPE tone AS ENUM ('ok'); SELECT 'ok'::tone")
    finally:
        await connection.close()


@contextmanager
def on_sqlite(text: str, *, foreign_keys: bool) -> Generator[sqlite3.Connection]:
    """Run a script in a transaction, on two users with an order each."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA foreign_keys = {foreign_keys:d}")
        connection.executescript(TABLES.replace("users (id)", "users (id) ON DELETE CASCADE"))
        connection.executescript(
            "INSERT INTO users VALUES (1, 'a'), (2, 'b');"
            "INSERT INTO orders VALUES (1, 1, 1), (2, 2, 2);"
        )
        connection.executescript(f"BEGIN; {text}; COMMIT")
        yield connection


def example_of(rule: str) -> tuple[str, str]:
    """Return the bad and the good text for SQLite."""
    (found,) = (one for one in EXAMPLES if (one.rule, one.dialect) == (rule, Dialect.SQLITE))
    return found.bad["0002_b.sql"], found.good["0002_b.sql"]


def test_a_rebuild_with_foreign_keys_deletes_what_refers_to_the_table() -> None:
    """Two orders are gone; with the keys off they stay."""
    bad, good = example_of("rebuild-with-foreign-keys")
    left: list[int] = []
    for text, foreign_keys in ((bad, True), (good, False)):
        with on_sqlite(text, foreign_keys=foreign_keys) as connection:
            left += connection.execute("SELECT count(*) FROM orders").fetchone()

    assert [0, 2] == left


def test_a_rename_takes_the_references_along() -> None:
    """The orders refer to a table that is gone; with the legacy behaviour to the new one."""
    refers: list[str] = []
    for text in example_of("rename-takes-references-along"):
        with on_sqlite(text, foreign_keys=False) as connection:
            refers += [row[2] for row in connection.execute("PRAGMA foreign_key_list(orders)")]

    assert ["users_old", "users"] == refers


@pytest.mark.parametrize(
    ("definition", "is_refused"),
    [
        ("x INT NOT NULL", True),
        ("x INT NOT NULL DEFAULT NULL", True),
        ("x INT DEFAULT (1 + 1)", True),
        ("x TEXT DEFAULT CURRENT_DATE", True),
        ("x INT UNIQUE", True),
        ("x INT PRIMARY KEY", True),
        ("x INT AS (id) STORED", True),
        ("x INT", False),
        ("x INT NOT NULL DEFAULT 7", False),
        ("x TEXT DEFAULT 'UNIQUE'", False),
        ("x INT AS (id) VIRTUAL", False),
    ],
)
def test_the_rule_about_columns_finds_what_sqlite_refuses(
    lint: Linted, definition: str, *, is_refused: bool
) -> None:
    """On a table with rows, as the one in production is."""
    statement = f"ALTER TABLE users ADD COLUMN {definition}"
    try:
        with on_sqlite(statement, foreign_keys=False) as connection:
            refused = connection.execute("SELECT count(x) FROM users").fetchone() is None
    except sqlite3.OperationalError:
        refused = True

    found = lint.rules(f"{statement};\n", Dialect.SQLITE)

    assert (is_refused, ["1:1 add-column-fails-on-rows"] if is_refused else []) == (refused, found)
