"""Which statements cannot run inside a transaction block, here and on the servers themselves."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import asyncpg
import pytest

from asyncmig.sql import Dialect, autocommit_reason
from tests.sql.statements import statement

if TYPE_CHECKING:
    from pathlib import Path

SUBSCRIBE = "CREATE SUBSCRIPTION {} CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH ({})"

# (statement, why it cannot run in a transaction, first PostgreSQL that knows the statement)
POSTGRESQL = [
    ("CREATE INDEX CONCURRENTLY j ON t (a)", "CREATE INDEX CONCURRENTLY", 13),
    (
        "create /* a */ unique\nindex concurrently if not exists j on t (a)",
        "CREATE INDEX CONCURRENTLY",
        13,
    ),
    ("CREATE INDEX CONCURRENTLY ON t (a)", "CREATE INDEX CONCURRENTLY", 13),
    ('CREATE INDEX "CONCURRENTLY" ON t (a)', None, 13),
    ("CREATE INDEX j ON t (a)", None, 13),
    ("DROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY", 13),
    ("DROP INDEX CONCURRENTLY IF EXISTS x", "DROP INDEX CONCURRENTLY", 13),
    ("DROP INDEX i", None, 13),
    ("REINDEX INDEX i", None, 13),
    ("REINDEX TABLE t", None, 13),
    ("REINDEX INDEX CONCURRENTLY i", "REINDEX CONCURRENTLY", 13),
    ("REINDEX TABLE CONCURRENTLY t", "REINDEX CONCURRENTLY", 13),
    ("REINDEX (CONCURRENTLY) TABLE t", "REINDEX CONCURRENTLY", 14),
    ("REINDEX (VERBOSE, CONCURRENTLY on) TABLE t", "REINDEX CONCURRENTLY", 14),
    ("REINDEX (CONCURRENTLY 'true') INDEX i", "REINDEX CONCURRENTLY", 14),
    ("REINDEX (VERBOSE) TABLE t", None, 13),
    ("REINDEX (CONCURRENTLY false) TABLE t", None, 14),
    ("REINDEX (CONCURRENTLY 'off') TABLE t", None, 14),
    ("REINDEX (CONCURRENTLY, CONCURRENTLY 0) TABLE t", None, 14),
    ("REINDEX SCHEMA public", "REINDEX SCHEMA", 13),
    ("REINDEX (VERBOSE) SCHEMA public", "REINDEX SCHEMA", 13),
    ("REINDEX DATABASE x", "REINDEX DATABASE", 13),
    ("REINDEX SYSTEM x", "REINDEX SYSTEM", 13),
    ("VACUUM", "VACUUM", 13),
    ("VACUUM FULL t", "VACUUM", 13),
    ("VACUUM (ANALYZE) t", "VACUUM", 13),
    ("ANALYZE t", None, 13),
    ("CREATE DATABASE x", "CREATE DATABASE", 13),
    ("DROP DATABASE IF EXISTS x", "DROP DATABASE", 13),
    ("ALTER DATABASE x SET TABLESPACE pg_default", "ALTER DATABASE … SET TABLESPACE", 13),
    ("ALTER DATABASE x WITH TABLESPACE pg_default", "ALTER DATABASE … SET TABLESPACE", 13),
    ('ALTER DATABASE "x y" SET TABLESPACE pg_default', "ALTER DATABASE … SET TABLESPACE", 13),
    ("ALTER DATABASE x SET tablespace TO 'y'", None, 13),
    ("ALTER DATABASE x SET work_mem = '4MB'", None, 13),
    ("CREATE TABLESPACE x LOCATION '/nowhere'", "CREATE TABLESPACE", 13),
    ("DROP TABLESPACE x", "DROP TABLESPACE", 13),
    ("ALTER TABLESPACE pg_default SET (random_page_cost = 1)", None, 13),
    ("ALTER SYSTEM SET work_mem = '4MB'", "ALTER SYSTEM", 13),
    ("DISCARD ALL", "DISCARD ALL", 13),
    ("DISCARD TEMP", None, 13),
    (
        "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY",
        "ALTER TABLE … DETACH PARTITION … CONCURRENTLY",
        14,
    ),
    (
        'ALTER TABLE IF EXISTS ONLY public.parent DETACH PARTITION public."child" CONCURRENTLY',
        "ALTER TABLE … DETACH PARTITION … CONCURRENTLY",
        14,
    ),
    ("ALTER TABLE parent DETACH PARTITION child", None, 13),
    ("ALTER TABLE t ADD COLUMN b text DEFAULT ' DETACH PARTITION x CONCURRENTLY'", None, 13),
    ('ALTER TABLE t RENAME a TO " DETACH PARTITION x CONCURRENTLY"', None, 13),
    ("CLUSTER", "CLUSTER of every table", 13),
    ("CLUSTER VERBOSE", "CLUSTER of every table", 13),
    ("CLUSTER (VERBOSE)", "CLUSTER of every table", 17),
    ("CLUSTER t USING i", None, 13),
    ("COMMIT PREPARED 'x'", "COMMIT PREPARED", 13),
    ("ROLLBACK PREPARED 'x'", "ROLLBACK PREPARED", 13),
    ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", None, 13),
    ("ALTER TYPE e ADD VALUE 'b'", None, 13),
    (SUBSCRIBE.format("x", "enabled = false"), "CREATE SUBSCRIPTION with create_slot", 13),
    (SUBSCRIBE.format("x", "create_slot"), "CREATE SUBSCRIPTION with create_slot", 13),
    (SUBSCRIBE.format("x", "connect = off"), None, 13),
    (SUBSCRIBE.format("x", "slot_name = none, create_slot = 0"), None, 13),
    (SUBSCRIBE.format("x", "\"create_slot\" = 'FALSE'"), None, 13),
    ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION … REFRESH", 13),
    (
        "ALTER SUBSCRIPTION s SET PUBLICATION q",
        "ALTER SUBSCRIPTION … PUBLICATION with refresh",
        13,
    ),
    (
        "ALTER SUBSCRIPTION s ADD PUBLICATION q WITH (copy_data = false)",
        "ALTER SUBSCRIPTION … PUBLICATION with refresh",
        14,
    ),
    ("ALTER SUBSCRIPTION s SET PUBLICATION q WITH (refresh = false)", None, 13),
    ("ALTER SUBSCRIPTION d SET (binary = true)", None, 14),
    ("ALTER SUBSCRIPTION d SET (two_phase = true)", None, 18),
    (
        "ALTER SUBSCRIPTION d SET (two_phase = false)",
        "ALTER SUBSCRIPTION … SET (failover or two_phase)",
        18,
    ),
    (
        "ALTER SUBSCRIPTION d SET (failover = true)",
        "ALTER SUBSCRIPTION … SET (failover or two_phase)",
        17,
    ),
]
OBJECTS = f"""
    CREATE TABLE t (a int);
    CREATE INDEX i ON t (a);
    CREATE TABLE parent (a int) PARTITION BY RANGE (a);
    CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (9);
    CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;
    CREATE UNIQUE INDEX ON v (a);
    CREATE TYPE e AS ENUM ('a');
    {SUBSCRIBE.format("d", "connect = false")};
    {SUBSCRIBE.format("s", "connect = false")};
    ALTER SUBSCRIPTION s ENABLE;
"""
NOT_IN_A_TRANSACTION = "25001"

SQLITE = [
    ("VACUUM", "VACUUM"),
    ("VACUUM main INTO 'x'", "VACUUM"),
    ("DETACH DATABASE other", "DETACH"),
    ("DETACH other", "DETACH"),
    ("ATTACH ':memory:' AS more", None),
    ("PRAGMA synchronous = off", "PRAGMA synchronous"),
    ("PRAGMA main.synchronous(1)", "PRAGMA synchronous"),
    ("PRAGMA synchronous", None),
    ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode"),
    ("pragma /* a */ Journal_Mode (wal)", "PRAGMA journal_mode"),
    ("PRAGMA journal_mode", None),
    ("PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint"),
    ("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_checkpoint"),
    ("PRAGMA foreign_keys = on", None),
    ("PRAGMA user_version = 3", None),
    ("SELECT 'PRAGMA journal_mode = WAL'", None),
    ("PRAGMA", None),
    ("REINDEX", None),
    ("ANALYZE", None),
]


@pytest.mark.parametrize(("text", "reason"), [case[:2] for case in POSTGRESQL])
def test_what_postgresql_refuses_in_a_transaction_is_named(text: str, reason: str | None) -> None:
    """The reason names the part of the statement that forbids it; most statements have none."""
    for script in (text, f"-- c\n{text} ; "):
        first = statement(script.rstrip(" "), Dialect.POSTGRESQL)
        assert reason == autocommit_reason(first, Dialect.POSTGRESQL)


async def test_postgresql_refuses_the_same_statements_in_a_transaction(postgres_url: str) -> None:
    """The server answers 25001 to every statement that has a reason, and to no other one."""
    connection = await asyncpg.connect(postgres_url)
    try:
        version = connection.get_server_version().major
        cases = [case for case in POSTGRESQL if version >= case[2]]
        refused = [await is_refused(connection, text) for text, _, _ in cases]
    finally:
        await connection.close()

    expected = [(text, reason is not None) for text, reason, _ in cases]
    assert expected == list(zip([text for text, _, _ in cases], refused, strict=True))


@pytest.mark.parametrize(("text", "reason"), SQLITE)
def test_what_sqlite_refuses_in_a_transaction_is_named(text: str, reason: str | None) -> None:
    """The reason names the statement or the pragma; a pragma that only asks has none."""
    assert reason == autocommit_reason(statement(text, Dialect.SQLITE), Dialect.SQLITE)


@pytest.mark.parametrize(
    ("text", "reason"), [case for case in SQLITE if case[1] != "PRAGMA journal_mode"]
)
def test_sqlite_refuses_the_same_statements_in_a_transaction(
    text: str, reason: str | None, sqlite_path: Path
) -> None:
    """Inside a transaction that writes, what has a reason fails, and nothing else does."""
    connection = sqlite3.connect(sqlite_path, isolation_level=None)
    connection.executescript("ATTACH ':memory:' AS other; BEGIN IMMEDIATE; CREATE TABLE t (a)")

    assert (reason is not None or text == "PRAGMA") == fails(connection, text)
    connection.close()


@pytest.mark.parametrize("before", ["delete", "wal"])
@pytest.mark.parametrize("after", ["wal", "delete", "persist", "memory", "off"])
def test_sqlite_keeps_the_journal_mode_in_a_transaction(
    before: str, after: str, sqlite_path: Path
) -> None:
    """Once something was written it does not even complain, so the pragma has a reason."""
    connection = sqlite3.connect(sqlite_path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {before}").fetchone()
    connection.executescript("BEGIN IMMEDIATE; CREATE TABLE t (a)")

    found = connection.execute(f"PRAGMA journal_mode = {after}").fetchone()
    connection.close()

    assert (before,) == found


async def is_refused(connection: asyncpg.Connection, text: str) -> bool:
    """Tell whether the server refuses a statement because it is in a transaction block."""
    await connection.execute("BEGIN")
    await connection.execute(OBJECTS)
    state = None
    try:
        await connection.execute(text)
    except asyncpg.PostgresError as error:
        state = error.sqlstate
    await connection.execute("ROLLBACK")
    return state == NOT_IN_A_TRANSACTION


def fails(connection: sqlite3.Connection, text: str) -> bool:
    """Tell whether SQLite fails to run a statement."""
    try:
        connection.execute(text).fetchall()
    except sqlite3.OperationalError:
        return True
    return False
