"""What the lock report says of each statement that is known to take a site down.

The numbers are those of the list of hazards that the release was planned with. A lock counts here
from SHARE UPDATE EXCLUSIVE on, which is the weakest that another migration waits for; what is
weaker is listed only where a table was read from end to end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from asyncmig.locks import LockMode
from tests.engines.lab import sql
from tests.engines.postgres.shop import report_of
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Generator

    from asyncmig.locks import LockReport, RelationReport

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
