"""What a file may not count on while another waits for the new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.sql import Dialect
from tests.lint.conftest import places

if TYPE_CHECKING:
    from tests.lint.conftest import Linted

PG, LITE = Dialect.POSTGRESQL, Dialect.SQLITE
RULE = "builds-on-postponed"
REBUILD = (
    "CREATE TABLE users_new (id INTEGER PRIMARY KEY, full_name TEXT);\n"
    "INSERT INTO users_new (id, full_name) SELECT id, name FROM users;\n"
    "DROP TABLE users;\nALTER TABLE users_new RENAME TO users;"
)


def found(lint: Linted, post: str, pre: str, dialect: Dialect = PG) -> list[str]:
    """Return where the rule finds something in a file behind one that waits."""
    files = {"0002_post.sql": f"-- migrate:up phase:post\n{post}\n", "0003_pre.sql": f"{pre}\n"}
    report = lint(files, dialect)
    return places(one for one in report.findings if one.rule == RULE)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("post", "pre"),
    [
        ("CREATE TABLE pets (id INTEGER)", "INSERT INTO pets VALUES (1)"),
        ("CREATE TABLE pets (id INTEGER)", "INSERT INTO users (id) SELECT id FROM orders, pets"),
        (
            "CREATE TABLE pets (id INTEGER)",
            "UPDATE users SET n = 1 WHERE id IN (SELECT id FROM pets)",
        ),
        ("CREATE TABLE pets (id INTEGER)", "SELECT 1 FROM users AS u LEFT JOIN pets AS p ON true"),
        ("CREATE TABLE pets (id INTEGER)", "CREATE TABLE toys (pet INTEGER REFERENCES pets (id))"),
        ("CREATE TABLE pets (id INTEGER)", "CREATE INDEX i ON pets (id)"),
        ("CREATE TABLE pets (id INTEGER)", "CREATE VIEW v AS SELECT * FROM Pets"),
        ("CREATE TABLE pets (id INTEGER)", "CREATE TABLE IF NOT EXISTS pets (id INTEGER)"),
        ("CREATE TABLE pets (id INTEGER)", "ALTER TABLE pets ADD COLUMN name TEXT"),
        ("CREATE TABLE pets (id INTEGER)", 'DROP TABLE "pets"'),
        ("CREATE VIEW v AS SELECT 1 AS n", "SELECT * FROM v"),
        ("CREATE VIEW v AS SELECT 1 AS n", "DROP VIEW IF EXISTS v"),
        ("CREATE INDEX i ON users (name)", "DROP INDEX i"),
        ("ALTER TABLE users RENAME TO people", "DELETE FROM people WHERE id = 1"),
        ("ALTER TABLE users RENAME TO people", "CREATE TABLE users (id INTEGER)"),
        ("ALTER TABLE users RENAME TO people", "CREATE VIEW users AS SELECT 1 AS n"),
        ("DROP TABLE orders", "CREATE TABLE IF NOT EXISTS orders (id INTEGER)"),
        ("DROP TABLE orders", "DROP TABLE IF EXISTS orders; CREATE TABLE orders (id INTEGER)"),
        ("DROP TABLE orders", "CREATE TABLE new (id INTEGER); ALTER TABLE new RENAME TO orders"),
        ("DROP INDEX i", "CREATE INDEX i ON users (name)"),
        ("DROP VIEW v", "CREATE VIEW v AS SELECT 1 AS n"),
        ("ALTER TABLE users ADD COLUMN age INTEGER", "UPDATE users SET age = 1 WHERE id = 1"),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "INSERT INTO users (id, age) SELECT n, n FROM orders",
        ),
        ("ALTER TABLE users ADD COLUMN age INTEGER", "CREATE INDEX i ON users (lower(name), age)"),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "SELECT u.age FROM orders AS o JOIN users u ON o.user_id = u.id",
        ),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "CREATE TABLE pets (n INTEGER REFERENCES users (age))",
        ),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "ALTER TABLE users RENAME COLUMN age TO years",
        ),
        ("ALTER TABLE users ADD COLUMN age INTEGER", "ALTER TABLE users ADD COLUMN age INTEGER"),
        (
            "ALTER TABLE users RENAME COLUMN name TO full_name",
            "CREATE VIEW v AS SELECT full_name FROM users",
        ),
        (
            "ALTER TABLE users RENAME COLUMN name TO full_name",
            "ALTER TABLE users ADD COLUMN name TEXT",
        ),
        ("ALTER TABLE users DROP COLUMN name", "ALTER TABLE users ADD COLUMN name INTEGER"),
        (REBUILD, "UPDATE users SET full_name = 'a' WHERE id = 1"),
        (REBUILD, "ALTER TABLE users ADD COLUMN age INTEGER"),
        (REBUILD, "CREATE INDEX i ON users (id)"),
        (
            "DROP VIEW v; CREATE VIEW v AS SELECT 2 AS n",
            "DROP VIEW v; CREATE VIEW v AS SELECT 3 AS n",
        ),
    ],
)
def test_what_comes_with_a_later_phase_cannot_be_built_on(
    lint: Linted, post: str, pre: str, dialect: Dialect
) -> None:
    """Whether it is brought, taken away or made anew; said once."""
    assert 1 == len(found(lint, f"{post};", f"{pre};", dialect))


@pytest.mark.parametrize(
    ("post", "pre"),
    [
        ("CREATE TYPE mood AS ENUM ('ok')", "ALTER TABLE users ADD COLUMN mood mood"),
        ("CREATE TYPE mood AS ENUM ('ok')", "CREATE TABLE pets (mood mood NOT NULL)"),
        ("CREATE TYPE mood AS ENUM ('ok')", "SELECT 'ok'::mood"),
        ("CREATE TYPE mood AS ENUM ('ok')", "SELECT CAST('ok' AS mood)"),
        (
            "CREATE TYPE mood AS ENUM ('ok')",
            "ALTER TABLE users ALTER COLUMN name TYPE mood USING 'ok'",
        ),
        ("CREATE TYPE mood AS ENUM ('ok')", "ALTER TYPE mood ADD VALUE 'sad'"),
        ("CREATE DOMAIN mood AS text", "DROP DOMAIN mood"),
        ("ALTER TYPE tone RENAME TO mood", "CREATE TYPE tone AS ENUM ('ok')"),
        ("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT f(1)"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''",
            "CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()",
        ),
        ("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f"),
        ("DROP FUNCTION f(int)", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        ("CREATE SCHEMA shop", "CREATE TABLE shop.pets (id int)"),
        ("CREATE SCHEMA shop", "INSERT INTO shop.pets VALUES (1)"),
        ("CREATE SCHEMA shop", "ALTER SCHEMA shop OWNER TO me"),
        ("ALTER TABLE users SET SCHEMA shop", "INSERT INTO shop.users (id) VALUES (1)"),
        (
            "ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
            "ALTER TABLE users VALIDATE CONSTRAINT c",
        ),
        (
            "ALTER TABLE users RENAME CONSTRAINT b TO c",
            "ALTER TABLE users DROP CONSTRAINT IF EXISTS c",
        ),
        (
            "ALTER TABLE users DROP CONSTRAINT c",
            "ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0)",
        ),
        ("CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()", "DROP TRIGGER t ON users"),
        ("ALTER TABLE users ADD age int", "ALTER TABLE users ALTER age SET NOT NULL"),
        ("ALTER TABLE users ADD age int", "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)"),
        ("ALTER TABLE users ADD age int", "COMMENT ON COLUMN users.age IS 'in years'"),
        ("ALTER TABLE users ADD age int", "DELETE FROM orders USING users AS u WHERE u.age > 7"),
        ("ALTER INDEX i RENAME TO j", "REINDEX INDEX CONCURRENTLY j"),
        (
            "CREATE UNIQUE INDEX i ON users (name)",
            "ALTER TABLE users ADD CONSTRAINT c UNIQUE USING INDEX i",
        ),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1 AS n", "REFRESH MATERIALIZED VIEW CONCURRENTLY m"),
        ("CREATE SEQUENCE s", "ALTER SEQUENCE s RESTART"),
    ],
)
def test_what_only_postgresql_has_is_known_too(lint: Linted, post: str, pre: str) -> None:
    """Types, functions, schemas, constraints."""
    assert ["1:1"] == [place.split()[0] for place in found(lint, f"{post};", f"{pre};")]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("post", "pre"),
    [
        ("DROP TABLE orders", "INSERT INTO users (id, name) VALUES (1, 'orders')"),
        ("DROP TABLE orders", "CREATE TABLE orders_new (orders INTEGER)"),
        ("DROP TABLE orders", "DROP TABLE IF EXISTS orders"),
        ("ALTER TABLE users DROP COLUMN name", "ALTER TABLE orders ADD COLUMN name TEXT"),
        ("ALTER TABLE users DROP COLUMN name", "UPDATE users SET id = 2 WHERE id = 1"),
        (
            "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people",
            "SELECT * FROM users",
        ),
        (
            "ALTER TABLE users RENAME COLUMN name TO full_name",
            "CREATE VIEW v AS SELECT name AS full_name FROM users",
        ),
        ("ALTER TABLE users ADD COLUMN age INTEGER", "ALTER TABLE orders ADD COLUMN age INTEGER"),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "CREATE TABLE pets (age INTEGER, owner INTEGER REFERENCES users (id))",
        ),
        (
            "ALTER TABLE users ADD COLUMN n INTEGER",
            "SELECT n FROM orders JOIN users AS u ON u.id = user_id",
        ),
        (
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "SELECT o.age FROM orders AS o JOIN users AS u ON u.id = o.user_id",
        ),
        ("ALTER TABLE users ADD COLUMN type TEXT", "ALTER TABLE users ADD COLUMN x INTEGER"),
        ("CREATE TABLE IF NOT EXISTS users (id INTEGER)", "INSERT INTO users (id) VALUES (1)"),
        (
            "CREATE TABLE status (id INTEGER)",
            "INSERT INTO users (id, status) SELECT id, status FROM orders",
        ),
        ("CREATE TABLE tmp (id INTEGER); DROP TABLE tmp", "CREATE TABLE tmp (id INTEGER)"),
        (REBUILD, "INSERT INTO users (id) VALUES (1)"),
        (REBUILD, "CREATE TABLE users_new (id INTEGER)"),
        (REBUILD.replace("users", "outside"), "UPDATE outside SET full_name = 'a' WHERE id = 1"),
        ("CREATE INDEX i ON users (name)", "CREATE INDEX j ON users (name)"),
        ("CREATE TABLE pets (id INTEGER)", "-- migrate:up phase:post\nINSERT INTO pets VALUES (1)"),
    ],
)
def test_what_needs_nothing_of_a_later_phase_is_left_alone(
    lint: Linted, post: str, pre: str, dialect: Dialect
) -> None:
    """Names in strings, columns of other tables, aliases, and what was there before."""
    assert found(lint, f"{post};", f"{pre};", dialect) == []


@pytest.mark.parametrize(
    ("post", "pre"),
    [
        (
            "ALTER TABLE users ADD COLUMN type text",
            "ALTER TABLE users ALTER COLUMN name TYPE varchar(9)",
        ),
        ("CREATE TYPE mood AS ENUM ('ok')", "ALTER TABLE users ADD COLUMN mood text"),
        ("CREATE TYPE mood AS ENUM ('ok')", "CREATE TABLE pets (id int, mood text)"),
        ("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS ''", "CREATE TABLE f (a int)"),
        ("DROP FUNCTION f(int)", "CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql AS ''"),
        ("DROP FUNCTION f", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS ''"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()",
            "DROP TRIGGER t ON orders",
        ),
        ("CREATE SCHEMA shop", "SELECT shop.id FROM users AS shop"),
        ("CREATE TABLE name (id int)", "SELECT 1 FROM users WHERE name IS DISTINCT FROM name"),
        ("CREATE TEMPORARY TABLE tmp (id int)", "CREATE TABLE tmp (id int)"),
    ],
)
def test_a_name_of_postgresql_has_to_be_that_of_the_thing(
    lint: Linted, post: str, pre: str
) -> None:
    """A column is called like a type, a trigger like that of another table."""
    assert found(lint, f"{post};", f"{pre};") == []


def findings(lint: Linted, files: dict[str, str]) -> list[str]:
    """Return where the rule finds something, with the file."""
    return [one.location.rpartition("/")[2] for one in lint(files).findings if one.rule == RULE]


def test_what_is_said_names_both_files_and_the_way_out(lint: Linted) -> None:
    """The later statement is the place."""
    report = lint(
        {
            "0002_post.sql": (
                "-- migrate:up phase:post\nALTER TABLE users RENAME name TO full_name;\n"
                "DROP TABLE orders;\nDROP VIEW v;\nCREATE VIEW v AS SELECT 1 AS n;\n"
            ),
            "0003_pre.sql": (
                "-- migrate:up\nSELECT 1;\n  UPDATE users SET full_name = '' WHERE id = 1;\n"
                "CREATE TABLE orders (id int);\nCREATE OR REPLACE VIEW v AS SELECT 2 AS n;\n"
            ),
        }
    )

    found = [
        (one.severity.value, f"{one.line}:{one.column}", one.message, one.hint)
        for one in report.findings
        if one.rule == RULE
    ]

    post = f"{lint.folder.path}/0002_post.sql"
    hint = (
        f"write `phase:post` on this file's marker too; or take it out of {post}, if that may "
        "run before the new code, or has run everywhere"
    )
    brings = f"column full_name of users comes with {post}, which waits for the new code and may"
    takes = f"table orders is taken away by {post}, which waits for the new code: until then the"
    remakes = f"view v is made anew by {post}, which waits for the new code and would undo this"
    expected = [
        ("3:3", f"{brings} be pending"),
        ("4:1", f"{takes} name is not free"),
        ("5:1", remakes),
    ]
    assert [("error", place, message, hint) for place, message in expected] == found


def test_a_name_is_said_once_in_a_file(lint: Linted) -> None:
    """And a column of a table that was said is not said either; another name is."""
    files = {
        "0002_post.sql": (
            "-- migrate:up phase:post\nCREATE TABLE pets (id int);\n"
            "ALTER TABLE pets ADD COLUMN age int;\nALTER TABLE users ADD COLUMN pet int;\n"
        ),
        "0003_pre.sql": (
            "INSERT INTO pets (id) VALUES (1);\nUPDATE pets SET age = 1 WHERE id = 1;\n"
            "UPDATE users SET pet = (SELECT id FROM pets) WHERE id = 1;\n"
        ),
        "0004_pre.sql": "DELETE FROM pets WHERE id = 1;\n",
    }

    assert ["0003_pre.sql:1:1", "0003_pre.sql:3:1", "0004_pre.sql:1:1"] == findings(lint, files)


def test_what_a_file_makes_by_itself_is_there_for_those_behind_it(lint: Linted) -> None:
    """Only the file that made it again has to be put right."""
    files = {
        "0002_post.sql": "-- migrate:up phase:post\nCREATE TABLE pets (id int);\n",
        "0003_pre.sql": "CREATE TABLE IF NOT EXISTS pets (id int);\n",
        "0004_pre.sql": "INSERT INTO pets VALUES (1);\n",
    }

    assert ["0003_pre.sql:1:1"] == findings(lint, files)


def test_the_last_of_two_that_wait_is_named(lint: Linted) -> None:
    """What one makes, the next takes away."""
    files = {
        "0002_post.sql": "-- migrate:up phase:post\nCREATE TABLE pets (id int);\n",
        "0003_post.sql": "-- migrate:up phase:post\nALTER TABLE pets RENAME TO dogs;\n",
        "0004_pre.sql": "CREATE TABLE pets (id int);\nINSERT INTO dogs VALUES (1);\n",
    }
    report = lint(files)

    said = [one.message.split(",")[0] for one in report.findings if one.rule == RULE]

    path = f"{lint.folder.path}/0003_post.sql"
    assert [f"table pets is taken away by {path}", f"table dogs comes with {path}"] == said


def test_columns_go_with_their_table(lint: Linted) -> None:
    """After a rename by a file that does not wait, the column is one of the new name."""
    files = {
        "0002_pre.sql": "ALTER TABLE users RENAME TO people;\n",
        "0003_post.sql": "-- migrate:up phase:post\nALTER TABLE people RENAME name TO n;\n",
        "0004_pre.sql": "CREATE VIEW v AS SELECT id, n FROM people;\n",
        "0005_pre.sql": "CREATE VIEW w AS SELECT id, name FROM people;\n",
    }

    assert ["0004_pre.sql:1:1"] == findings(lint, files)


def test_a_repeatable_runs_before_what_waits(lint: Linted) -> None:
    """Whenever it changes."""
    files = {
        "0002_post.sql": "-- migrate:up phase:post\nALTER TABLE users ADD COLUMN age int;\n",
        "R__ages.sql": "CREATE OR REPLACE VIEW ages AS SELECT age FROM users;\n",
        "R__later.sql": (
            "-- migrate:up phase:post\nCREATE OR REPLACE VIEW late AS SELECT age FROM users;\n"
        ),
    }

    assert ["R__ages.sql:1:1"] == findings(lint, files)


def test_what_comes_before_is_not_looked_at_and_neither_is_the_way_down(lint: Linted) -> None:
    """Nor Python, in which nothing is seen."""
    files = {
        "0002_pre.sql": "INSERT INTO pets VALUES (1);\n",
        "0003_post.sql": "-- migrate:up phase:post\nCREATE TABLE pets (id int);\n",
        "0004_pre.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE pets;\n",
        "0005_pre.py": "async def up(connection):\n    await connection.execute('TABLE pets')\n",
    }

    assert [] == findings(lint, files)


def test_what_is_known_better_can_be_allowed(lint: Linted) -> None:
    """In front of the statement; a comment that is not needed is found."""
    allow = "-- asyncmig:allow builds-on-postponed because it is everywhere\n"
    files = {
        "0002_post.sql": "-- migrate:up phase:post\nCREATE TABLE pets (id int);\n",
        "0003_pre.sql": f"{allow}INSERT INTO pets VALUES (1);\n",
        "0004_pre.sql": f"{allow}SELECT 1;\n",
    }

    found = [(one.location.rpartition("/")[2], one.rule) for one in lint(files).findings]

    assert [("0004_pre.sql:1:1", "unused-allow")] == found
