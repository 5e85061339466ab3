"""What the lock report says of each statement that is known to take a site down.

The numbers are those of the list of hazards that the release was planned with. A lock counts here
from SHARE UPDATE EXCLUSIVE on, which is the weakest that another migration waits for; what is
weaker is listed only where a table was read from end to end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import MigrationFailedError
from asyncmig.locks import LockMode
from tests.engines.lab import sql
from tests.engines.postgres.ground import ask
from tests.engines.postgres.shop import report_of
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Generator

    from asyncmig.locks import LockReport, RelationReport
    from asyncmig.migration import Migration

AEL = "ACCESS EXCLUSIVE"
SRE = "SHARE ROW EXCLUSIVE"
SH = "SHARE"
SUE = "SHARE UPDATE EXCLUSIVE"
R = "rewritten"
S = "scanned"

REWRITTEN_USERS = {
    "users": [AEL, R, S],
    "users_born": [AEL, R],
    "users_pkey": [AEL, R],
}

CASES: dict[str, tuple[str, dict[str, list[str]]]] = {
    "1 volatile default": (
        "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid()",
        REWRITTEN_USERS,
    ),
    "1 stable default": (
        "ALTER TABLE users ADD COLUMN made timestamptz DEFAULT now()",
        {"users": [AEL]},
    ),
    "1 constant default": (
        "ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true",
        {"users": [AEL]},
    ),
    "2 serial": ("ALTER TABLE users ADD COLUMN number bigserial", REWRITTEN_USERS),
    "2 identity": (
        "ALTER TABLE users ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY",
        REWRITTEN_USERS,
    ),
    "3 generated and stored": (
        "ALTER TABLE users ADD COLUMN twice integer GENERATED ALWAYS AS (age * 2) STORED",
        REWRITTEN_USERS,
    ),
    "4 domain with a constraint": (
        "ALTER TABLE users ADD COLUMN score positive",
        REWRITTEN_USERS,
    ),
    "5 column that must not be null": (
        "ALTER TABLE items ADD COLUMN amount integer NOT NULL",
        {"items": [AEL, S]},
    ),
    "6 json": ("ALTER TABLE users ADD COLUMN doc json", {"users": [AEL]}),
    "7 column with a foreign key": (
        "ALTER TABLE users ADD COLUMN order_id integer REFERENCES orders",
        {"users": [AEL], "orders": [SRE]},
    ),
    "8 column with a check": (
        "ALTER TABLE users ADD COLUMN size integer CHECK (size > 0)",
        {"users": [AEL, S]},
    ),
    "9 column with a unique key": (
        "ALTER TABLE users ADD COLUMN nick text UNIQUE",
        {"users": [AEL, S]},
    ),
    "10 integer to bigint": (
        "ALTER TABLE users ALTER COLUMN height TYPE bigint",
        REWRITTEN_USERS,
    ),
    "10 text to varchar": (
        'ALTER TABLE users ALTER COLUMN "Odd name" TYPE varchar(20)',
        REWRITTEN_USERS,
    ),
    "10 another scale": (
        "ALTER TABLE users ALTER COLUMN price TYPE numeric(9, 3)",
        REWRITTEN_USERS,
    ),
    "10 timestamp away from UTC": (
        "SET LOCAL timezone = 'Europe/Berlin';ALTER TABLE users ALTER COLUMN born TYPE timestamptz",
        {"users": [AEL, R, S], "users_born": [AEL], "users_pkey": [AEL, R]},
    ),
    "10 timestamp in UTC": (
        "SET LOCAL timezone = 'UTC'; ALTER TABLE users ALTER COLUMN born TYPE timestamptz",
        {"users": [AEL, S], "users_born": [AEL]},
    ),
    "10 longer varchar": (
        "ALTER TABLE users ALTER COLUMN email TYPE varchar(100)",
        {"users": [AEL]},
    ),
    "10 varchar to text": ("ALTER TABLE users ALTER COLUMN note TYPE text", {"users": [AEL]}),
    "10 more digits": (
        "ALTER TABLE users ALTER COLUMN price TYPE numeric(10, 2)",
        {"users": [AEL]},
    ),
    "11 free type, but a check": (
        "ALTER TABLE notes ALTER COLUMN title TYPE varchar",
        {"notes": [AEL, S]},
    ),
    "12 collation of an indexed column": (
        'ALTER TABLE tags ALTER COLUMN name TYPE text COLLATE "POSIX"',
        {"tags": [AEL, S], "tags_name": [AEL]},
    ),
    "13 not null": ("ALTER TABLE users ALTER COLUMN email SET NOT NULL", {"users": [AEL, S]}),
    "13 not null behind a valid check": (
        "ALTER TABLE notes ALTER COLUMN title SET NOT NULL",
        {"notes": [AEL]},
    ),
    "14 check": (
        "ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 100)",
        {"users": [AEL, S]},
    ),
    "14 check that is not valid": (
        "ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 100) NOT VALID",
        {"users": [AEL]},
    ),
    "14 validating it": (
        "ALTER TABLE notes VALIDATE CONSTRAINT short",
        {"notes": [SUE, S]},
    ),
    "15 foreign key": (
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users",
        {"orders": [SRE, S], "users": [SRE, S]},
    ),
    "15 foreign key that is not valid": (
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID",
        {"orders": [SRE], "users": [SRE]},
    ),
    "15 validating it": (
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_user",
        {"orders": [SUE, S], "users": ["ROW SHARE", S]},
    ),
    "16 not valid and validated at once": (
        (
            "ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 100) NOT VALID;"
            "ALTER TABLE users VALIDATE CONSTRAINT short"
        ),
        {"users": [AEL, S]},
    ),
    "17 unique key": (
        "ALTER TABLE users ADD CONSTRAINT email_key UNIQUE (email)",
        {"users": [AEL, S]},
    ),
    "17 unique key of an index": (
        "ALTER TABLE notes ADD CONSTRAINT notes_key UNIQUE USING INDEX notes_id",
        {"notes": [AEL], "notes_id": [SUE]},
    ),
    "18 primary key of an index": (
        "ALTER TABLE notes ADD PRIMARY KEY USING INDEX notes_id",
        {"notes": [AEL, S]},
    ),
    "19 exclusion": (
        "ALTER TABLE users ADD EXCLUDE USING btree (email WITH =)",
        {"users": [AEL, S]},
    ),
    "20 index": ("CREATE INDEX users_email ON users (email)", {"users": [SH, S]}),
    "21 index dropped": ("DROP INDEX users_born", {"users": [AEL], "users_born": [AEL]}),
    "22 reindex": ("REINDEX INDEX users_born", {"users": [SH, S], "users_born": [AEL, R]}),
    "22 reindex of a table": (
        "REINDEX TABLE users",
        {"users": [SH, S], "users_born": [AEL, R], "users_pkey": [AEL, R]},
    ),
    "25 index on a partitioned table": (
        "CREATE INDEX events_at ON events (at)",
        {"events": [SH], "events_1": [SH, S]},
    ),
    "25 index on the parent only": (
        "CREATE INDEX events_at ON ONLY events (at)",
        {"events": [SH]},
    ),
    "26 column dropped": ("ALTER TABLE users DROP COLUMN note", {"users": [AEL]}),
    "26 table dropped": ("DROP TABLE caches", {"caches": [AEL]}),
    "27 child dropped": (
        "DROP TABLE items",
        {"items": [AEL], "items_pkey": [AEL], "orders": [AEL]},
    ),
    "27 its foreign key dropped": (
        "ALTER TABLE items DROP CONSTRAINT items_order_id_fkey",
        {"items": [AEL], "orders": [AEL]},
    ),
    "28 new table with a foreign key": (
        "CREATE TABLE refunds (order_id integer REFERENCES orders)",
        {"orders": [SRE]},
    ),
    "29 table renamed": ("ALTER TABLE users RENAME TO people", {"users": [AEL]}),
    "29 column renamed": ("ALTER TABLE users RENAME COLUMN name TO title", {"users": [AEL]}),
    "29 index renamed": ("ALTER INDEX users_born RENAME TO users_age", {"users_born": [SUE]}),
    "30 truncate": ("TRUNCATE caches", {"caches": [AEL]}),
    "30 truncate with children": (
        "TRUNCATE orders CASCADE",
        {"orders": [AEL], "orders_pkey": [AEL], "items": [AEL], "items_pkey": [AEL]},
    ),
    "31 partition attached": (
        (
            "ALTER TABLE events ATTACH PARTITION events_2 "
            "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')"
        ),
        {"events": [SUE], "events_2": [AEL, S]},
    ),
    "31 partition with a check attached": (
        (
            "ALTER TABLE events ATTACH PARTITION ready "
            "FOR VALUES FROM ('2026-04-01') TO ('2026-05-01')"
        ),
        {"events": [SUE], "ready": [AEL]},
    ),
    "32 partition created": (
        (
            "CREATE TABLE events_3 PARTITION OF events "
            "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
        ),
        {"events": [AEL]},
    ),
    "33 partition detached": (
        "ALTER TABLE events DETACH PARTITION events_1",
        {"events": [AEL], "events_1": [AEL]},
    ),
    "34 domain": (
        "ALTER DOMAIN plain ADD CONSTRAINT big CHECK (VALUE > 0)",
        {"scores": [SH, S]},
    ),
    "35 cluster": ("CLUSTER users USING users_born", REWRITTEN_USERS),
    "35 logged": ("ALTER TABLE caches SET LOGGED", {"caches": [AEL, R, S]}),
    "36 materialized view": (
        "REFRESH MATERIALIZED VIEW totals",
        {
            "orders": ["ACCESS SHARE", S],
            "totals": [AEL, R, S],
            "totals_user": [AEL, R],
        },
    ),
    "36 materialized view, concurrently": (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
        {"orders": ["ACCESS SHARE", S], "totals": ["EXCLUSIVE", S]},
    ),
    "37 slow work behind a lock": (
        "ALTER TABLE caches ADD COLUMN note text; UPDATE caches SET note = 'x'",
        {"caches": [AEL, S]},
    ),
    "39 update of everything": ("UPDATE users SET height = 1", {"users": ["ROW EXCLUSIVE", S]}),
    "39 update of one": ("UPDATE users SET height = 1 WHERE id = 7 AND false", {}),
    "40 default": ("ALTER TABLE users ALTER COLUMN age SET DEFAULT 3", {"users": [AEL]}),
    "41 foreign key without an index": (
        "DELETE FROM orders WHERE id = 3",
        {"items": ["ROW SHARE", S]},
    ),
    "45 value of an enumeration": (
        "CREATE TYPE mood AS ENUM ('fine'); ALTER TYPE mood ADD VALUE 'good'",
        {},
    ),
    "46 storage": ("ALTER TABLE users ALTER name SET STORAGE EXTERNAL", {"users": [AEL]}),
    "46 row level security": ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", {"users": [AEL]}),
    "46 policy": ("CREATE POLICY own ON users USING (true)", {"users": [AEL]}),
    "46 rule": (
        "CREATE RULE r AS ON DELETE TO caches DO INSTEAD NOTHING",
        {"caches": [AEL]},
    ),
    "46 owner": ("ALTER TABLE users OWNER TO CURRENT_USER", {"users": [AEL]}),
    "46 schema": (
        "CREATE SCHEMA other; ALTER TABLE caches SET SCHEMA other",
        {"caches": [AEL]},
    ),
    "46 replica identity": ("ALTER TABLE users REPLICA IDENTITY FULL", {"users": [AEL]}),
    "46 trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch()",
        {"users": [SRE]},
    ),
    "46 triggers disabled": ("ALTER TABLE users DISABLE TRIGGER ALL", {"users": [SRE]}),
    "view replaced": (
        "CREATE OR REPLACE VIEW adults AS SELECT id, name, age FROM users",
        {"adults": [AEL]},
    ),
    "sequence restarted": ("ALTER SEQUENCE numbers RESTART", {"numbers": [SRE]}),
    "statistics": ("ALTER TABLE users ALTER age SET STATISTICS 500", {"users": [SUE]}),
    "explicit lock": ("LOCK TABLE users IN EXCLUSIVE MODE", {"users": ["EXCLUSIVE"]}),
    "temporary table": ("CREATE TEMPORARY TABLE t (id integer); ALTER TABLE t ADD a text", {}),
    "new table, changed": ("CREATE TABLE t (id integer); ALTER TABLE t ADD a bigserial", {}),
}

NEWER: dict[str, tuple[int, str, dict[str, list[str]]]] = {
    "3 generated and not stored": (
        18,
        "ALTER TABLE users ADD COLUMN twice integer GENERATED ALWAYS AS (age * 2) VIRTUAL",
        {"users": [AEL]},
    ),
    "13 not null that is not valid": (
        18,
        "ALTER TABLE users ADD CONSTRAINT email_set NOT NULL email NOT VALID",
        {"users": [AEL]},
    ),
    "15 foreign key that is not enforced": (
        18,
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT ENFORCED",
        {"orders": [SRE], "users": [SRE]},
    ),
    "17 unique key that counts nulls": (
        15,
        "ALTER TABLE users ADD UNIQUE NULLS NOT DISTINCT (email)",
        {"users": [AEL, S]},
    ),
    "39 merge into everything": (
        15,
        (
            "MERGE INTO orders USING users ON orders.user_id = users.id "
            "WHEN MATCHED THEN UPDATE SET total = 0"
        ),
        {"orders": ["ROW EXCLUSIVE", S], "users": ["ACCESS SHARE", S]},
    ),
}
"""What an older server does not know, with the major version that brought it."""

UNKNOWN = "syntax error"


@pytest.fixture(scope="module")
def shop_url(postgres_server: str) -> Generator[str]:
    """Yield a database that all cases share: each builds the shop anew."""
    with fresh_database(postgres_server, f"test_hazards_{os.getpid()}") as url:
        yield url


def _said(report: LockReport) -> dict[str, list[str]]:
    """Return what a report says of the relations that it is about."""
    return {
        relation.relation.removeprefix("shop."): _words(relation)
        for relation in report.relations
        if relation.mode >= LockMode.SHARE_UPDATE_EXCLUSIVE
        or relation.rewritten
        or relation.scanned
    }


def _words(relation: RelationReport) -> list[str]:
    words = {R: relation.rewritten, S: relation.scanned}
    return [str(relation.mode), *(word for word, is_so in words.items() if is_so)]


@pytest.mark.parametrize("case", CASES)
async def test_the_report_names_lock_rewrite_and_scan(shop_url: str, case: str) -> None:
    """Of the relations that were there before, and of no other one."""
    text, expected = CASES[case]

    assert expected == _said(await report_of(shop_url, sql("1", text)))


@pytest.mark.parametrize("case", NEWER)
async def test_the_report_knows_what_newer_servers_brought(shop_url: str, case: str) -> None:
    """Each major version has its own answer: an older one refuses the statement."""
    since, text, expected = NEWER[case]

    found = await _said_or_refused(shop_url, sql("1", text))

    assert (expected if await _major(shop_url) >= since else UNKNOWN) == found


async def _said_or_refused(url: str, migration: Migration) -> dict[str, list[str]] | str:
    try:
        return _said(await report_of(url, migration))
    except MigrationFailedError as error:
        return UNKNOWN if UNKNOWN in str(error) else str(error)


async def _major(url: str) -> int:
    ((number,),) = await ask(url, "SHOW server_version_num")
    return int(number) // 10_000


def test_most_of_the_hazards_are_tried() -> None:
    """The list has 46; the others are no statement, or one that fails."""
    numbers = {name.split()[0] for name in CASES}

    assert 40 == len([number for number in numbers if number.isdigit()])
