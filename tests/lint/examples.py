"""For each rule and dialect a folder that it finds something in, and the same folder put right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

PG, LITE = Dialect.POSTGRESQL, Dialect.SQLITE

BASE = """\
-- migrate:up
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), n INTEGER);
-- migrate:down
DROP TABLE orders;
DROP TABLE users;
"""


@dataclass(frozen=True, slots=True)
class Example:
    """What a rule is about.

    Attributes:
        rule: The rule.
        dialect: Where.
        at: ``file:line:column`` of the one thing that it finds.
        bad: The files; the one that makes the tables is put in front.
        good: The files, put right.
    """

    rule: str
    dialect: Dialect
    at: str
    bad: Mapping[str, str]
    good: Mapping[str, str]


def second(rule: str, dialect: Dialect, at: str, bad: str, good: str) -> Example:
    """Return an example in the second file of a folder."""
    return Example(rule, dialect, f"0002_b.sql:{at}", {"0002_b.sql": bad}, {"0002_b.sql": good})


def repeatable(rule: str, dialect: Dialect, at: str, bad: str, good: str) -> Example:
    """Return an example in a repeatable migration."""
    return Example(rule, dialect, f"R__r.sql:{at}", {"R__r.sql": bad}, {"R__r.sql": good})


EXAMPLES = (
    second(
        "cannot-run-in-transaction",
        PG,
        "2:1",
        "-- an index\nCREATE INDEX CONCURRENTLY i ON users (name);\n",
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON users (name);\n",
    ),
    second(
        "cannot-run-in-transaction",
        LITE,
        "1:1",
        "VACUUM;\n",
        "-- migrate:up transaction:false\nVACUUM;\n",
    ),
    second(
        "transaction-control",
        PG,
        "2:1",
        "INSERT INTO users VALUES (1);\nCOMMIT;\nINSERT INTO users VALUES (2);\n",
        "INSERT INTO users VALUES (1);\nSAVEPOINT s;\nROLLBACK TO s;\n",
    ),
    second(
        "transaction-control",
        LITE,
        "2:1",
        "-- migrate:up transaction:false\nBEGIN;\nINSERT INTO users VALUES (1, 'a');\n",
        "-- migrate:up transaction:false\nBEGIN;\nINSERT INTO users VALUES (1, 'a');\nCOMMIT;\n"
        "INSERT INTO users VALUES (2, 'b');\n",
    ),
    second(
        "redundant-transaction",
        PG,
        "1:1",
        "BEGIN;\nINSERT INTO users VALUES (1);\nCOMMIT;\n",
        "INSERT INTO users VALUES (1);\n",
    ),
    second(
        "redundant-transaction",
        LITE,
        "2:1",
        "PRAGMA foreign_keys = OFF;\nBEGIN;\nINSERT INTO users VALUES (1, 'a');\nCOMMIT;\n",
        "PRAGMA foreign_keys = OFF;\nINSERT INTO users VALUES (1, 'a');\n",
    ),
    second(
        "needless-transaction-false",
        PG,
        "2:1",
        "-- migrate:up transaction:false\nCREATE TABLE t (a int);\n",
        "-- migrate:up transaction:false\nCREATE TABLE t (a int);\nDO $$BEGIN COMMIT; END$$;\n",
    ),
    second(
        "needless-transaction-false",
        LITE,
        "2:1",
        "-- migrate:up transaction:false\nCREATE TABLE t (a);\n",
        "-- migrate:up transaction:false\nPRAGMA journal_mode = WAL;\n",
    ),
    second(
        "concurrently-if-not-exists",
        PG,
        "2:1",
        "-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i "
        "ON users (name);\n",
        "-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY i ON users (name);\n",
    ),
    second(
        "concurrently-without-name",
        PG,
        "2:1",
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON users (name);\n",
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON users (name);\n",
    ),
    second(
        "slow-statement-under-lock",
        PG,
        "2:1",
        "ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX i ON orders (user_id);\n",
        "CREATE TABLE pets (id int);\nALTER TABLE pets ADD COLUMN age int;\n"
        "CREATE INDEX j ON pets (age);\nCREATE INDEX i ON orders (user_id);\n",
    ),
    second(
        "locks-several-tables",
        PG,
        "2:1",
        "ALTER TABLE users ADD COLUMN age int;\nALTER TABLE orders ADD COLUMN age int;\n",
        "ALTER TABLE users ADD COLUMN age int;\nALTER TABLE users ADD COLUMN size int;\n",
    ),
    second(
        "validate-in-same-transaction",
        PG,
        "2:1",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT c;\n",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT b;\n",
    ),
    second(
        "write-without-where",
        PG,
        "1:1",
        "UPDATE users SET name = lower(name);\n",
        "UPDATE users SET name = lower(name) WHERE id = 7;\n",
    ),
    second(
        "new-enum-value-used",
        PG,
        "2:1",
        "ALTER TYPE mood ADD VALUE 'sad';\nINSERT INTO users (name) VALUES ('sad');\n",
        "ALTER TYPE mood ADD VALUE 'sad';\nINSERT INTO users (name) VALUES ('ok');\n",
    ),
    second(
        "breaks-running-code",
        PG,
        "1:1",
        "ALTER TABLE users ADD age int, DROP COLUMN name;\n",
        "-- migrate:up phase:post\nALTER TABLE users ADD age int, DROP COLUMN name;\n",
    ),
    *(
        Example(
            "builds-on-postponed",
            dialect,
            "0003_c.sql:1:1",
            {
                "0002_b.sql": "-- migrate:up phase:post\n"
                "ALTER TABLE users RENAME COLUMN name TO full_name;\n",
                "0003_c.sql": "UPDATE users SET full_name = 'a' WHERE id = 1;\n",
            },
            {
                "0002_b.sql": "-- migrate:up phase:post\nALTER TABLE users DROP COLUMN name;\n",
                "0003_c.sql": "ALTER TABLE users ADD COLUMN full_name TEXT;\n",
            },
        )
        for dialect in Dialect
    ),
    second(
        "search-path",
        PG,
        "1:1",
        "SET LOCAL search_path TO shop, public;\nCREATE TABLE t (a int);\n",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = '' AS 'SELECT 1';\n",
    ),
    second(
        "unlimited-lock-wait",
        PG,
        "1:1",
        "SET lock_timeout = 0;\nALTER TABLE users ADD COLUMN age int;\n",
        "SET lock_timeout = '500ms';\nALTER TABLE users ADD COLUMN age int;\n",
    ),
    second(
        "releases-lock",
        PG,
        "1:1",
        "SELECT pg_advisory_unlock_all();\n",
        "SELECT pg_advisory_xact_lock(7);\n",
    ),
    second(
        "history-table",
        PG,
        "1:1",
        "DELETE FROM public.asyncmig_history WHERE id = 7;\n",
        "SELECT count(*) FROM public.asyncmig_history;\n",
    ),
    second(
        "history-table",
        LITE,
        "1:1",
        "UPDATE asyncmig_history SET checksum = '' WHERE id = 7;\n",
        "UPDATE users SET name = 'asyncmig_history' WHERE id = 7;\n",
    ),
    second(
        "rebuild-with-foreign-keys",
        LITE,
        "3:1",
        "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        "INSERT INTO users_new (id, name) SELECT id, name FROM users;\n"
        "DROP TABLE users;\nALTER TABLE users_new RENAME TO users;\n",
        "-- migrate:up foreign_keys:off\n"
        "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        "INSERT INTO users_new (id, name) SELECT id, name FROM users;\n"
        "DROP TABLE users;\nALTER TABLE users_new RENAME TO users;\n",
    ),
    second(
        "rename-takes-references-along",
        LITE,
        "2:1",
        "-- migrate:up foreign_keys:off\nALTER TABLE users RENAME TO users_old;\n"
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        "INSERT INTO users (id, name) SELECT id, name FROM users_old;\nDROP TABLE users_old;\n",
        "-- migrate:up foreign_keys:off\nPRAGMA legacy_alter_table = ON;\n"
        "ALTER TABLE users RENAME TO users_old;\n"
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        "INSERT INTO users (id, name) SELECT id, name FROM users_old;\nDROP TABLE users_old;\n",
    ),
    second(
        "add-column-fails-on-rows",
        LITE,
        "1:1",
        "ALTER TABLE users ADD COLUMN born TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP;\n",
        "ALTER TABLE users ADD COLUMN born TEXT NOT NULL DEFAULT '';\n",
    ),
    second(
        "foreign-keys-by-pragma",
        LITE,
        "1:1",
        "PRAGMA foreign_keys = OFF;\nCREATE TABLE t (a);\nPRAGMA foreign_keys = ON;\n",
        "-- migrate:up foreign_keys:off\nCREATE TABLE t (a);\n",
    ),
    second(
        "copy-by-position",
        PG,
        "2:1",
        "CREATE TABLE people (name text, id int);\nINSERT INTO people SELECT * FROM users;\n",
        "INSERT INTO users (id, name) SELECT * FROM (VALUES (1, 'a')) AS v;\n",
    ),
    second(
        "copy-by-position",
        LITE,
        "2:1",
        "CREATE TABLE people (name TEXT, id INTEGER);\n"
        "INSERT OR IGNORE INTO people SELECT * FROM users;\n",
        "CREATE TABLE people (name TEXT, id INTEGER);\n"
        "INSERT INTO people (id, name) SELECT id, name FROM users;\n",
    ),
    repeatable(
        "versioned-ddl-in-repeatable",
        PG,
        "1:1",
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS age int;\n",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;\n",
    ),
    repeatable(
        "versioned-ddl-in-repeatable",
        LITE,
        "1:1",
        "CREATE TABLE IF NOT EXISTS pets (a);\n",
        "CREATE TEMP TABLE pets (a);\n",
    ),
    repeatable(
        "repeatable-create-fails-again",
        PG,
        "1:1",
        "CREATE VIEW v AS SELECT 1 AS n;\n",
        "DROP MATERIALIZED VIEW IF EXISTS m;\nCREATE MATERIALIZED VIEW m AS SELECT 1 AS n;\n"
        "CREATE OR REPLACE VIEW v AS SELECT 1 AS n;\n",
    ),
    repeatable(
        "repeatable-create-fails-again",
        LITE,
        "2:1",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW w AS SELECT 1 AS n;\n",
        'DROP VIEW IF EXISTS "w";\nCREATE VIEW w AS SELECT 1 AS n;\n',
    ),
    repeatable(
        "repeatable-inserts-again",
        PG,
        "1:1",
        "INSERT INTO users VALUES (1, 'a');\n",
        "INSERT INTO users VALUES (1, 'a') ON CONFLICT DO NOTHING;\n",
    ),
    repeatable(
        "repeatable-inserts-again",
        LITE,
        "1:1",
        "INSERT INTO users VALUES (1, 'a');\n",
        "DELETE FROM users;\nINSERT INTO users VALUES (1, 'a');\n",
    ),
    second("not-sql", PG, "1:1", "\\connect shop\n", "SELECT '\\connect';\n"),
    second("not-sql", LITE, "2:1", "SELECT 1;\nSELECT 'a;\n", "SELECT 1;\nSELECT 'a';\n"),
    second("empty", PG, "1:1", "-- migrate:up\n\n-- migrate:down\n", "SELECT 1;\n"),
    second("empty", LITE, "1:1", "-- to be written\n", "SELECT 1;\n"),
    second("irreversible", PG, "1:1", "SELECT 1;\n", "-- migrate:up\nSELECT 1;\n-- migrate:down\n"),
    Example(
        "irreversible",
        LITE,
        "0002_b.py:1:1",
        {"0002_b.py": "async def up(connection):\n    pass\n"},
        {
            "0002_b.py": "async def up(connection):\n    pass\n\n\n"
            "async def down(connection):\n    pass\n"
        },
    ),
    *(
        Example(
            "version-in-the-future",
            dialect,
            "29990101000000_b.sql:1:1",
            {"29990101000000_b.sql": "SELECT 1;\n"},
            {"20250101000000_b.sql": "SELECT 1;\n", "20259999000000_c.sql": "SELECT 1;\n"},
        )
        for dialect in Dialect
    ),
    *(
        Example(
            "version-gap",
            dialect,
            "0003_b.sql:1:1",
            {"0003_b.sql": "SELECT 1;\n"},
            {"0002_b.sql": "SELECT 1;\n", "20250101000000_c.sql": "SELECT 1;\n"},
        )
        for dialect in Dialect
    ),
)
