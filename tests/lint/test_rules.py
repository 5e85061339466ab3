"""Each rule finds its bad example and is content with its good one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.lint.rules import RULES
from asyncmig.lint.selection import Selection
from asyncmig.sql import Dialect
from tests.lint.examples import EXAMPLES

if TYPE_CHECKING:
    from tests.lint.conftest import Linted
    from tests.lint.examples import Example

EVERYTHING = Selection(squawk=False, enable=frozenset(rule.name for rule in RULES))
PG, LITE = Dialect.POSTGRESQL, Dialect.SQLITE


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.rule}-{example.dialect}"
)
def test_a_rule_finds_the_bad_example_once(lint: Linted, example: Example) -> None:
    """One finding of that rule, at that place; whatever the others say."""
    report = lint(example.bad, example.dialect, EVERYTHING)

    found = [one.location for one in report.findings if one.rule == example.rule]

    assert [f"{lint.folder.path}/{example.at}"] == found


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.rule}-{example.dialect}"
)
def test_a_rule_is_content_with_the_good_example(lint: Linted, example: Example) -> None:
    """Nothing of that rule, and no error of any."""
    report = lint(example.good, example.dialect, EVERYTHING)

    assert [one for one in report.findings if one.rule == example.rule] == []


def test_every_rule_has_an_example_in_each_of_its_dialects() -> None:
    """A rule without an example is a rule that nobody has seen at work."""
    expected = {(rule.name, dialect) for rule in RULES for dialect in rule.dialects}

    assert expected == {(example.rule, example.dialect) for example in EXAMPLES}


def test_a_rule_of_one_dialect_is_silent_in_the_other(lint: Linted) -> None:
    """A rebuild on PostgreSQL loses nothing, and SQLite has no search_path."""
    assert lint.rules("PRAGMA foreign_keys = OFF;\nSELECT 1;\n", PG) == []
    assert lint.rules("UPDATE users SET name = lower(name);\n", LITE) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP INDEX CONCURRENTLY i;\n", 4),
        ("-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\nROLLBACK;\n", 5),
    ],
    ids=["concurrently", "rollback"],
)
def test_what_cannot_run_is_found_in_the_down_part_too(
    lint: Linted, text: str, expected: int
) -> None:
    """A way back that cannot be gone is found before it is needed."""
    assert [expected] == [one.line for one in lint({"0002_b.sql": text}).findings]


def test_locks_of_the_way_down_are_left_alone(lint: Linted) -> None:
    """Going down drops tables: that is what it is for."""
    text = "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE orders;\nDROP TABLE users;\n"

    assert lint.rules(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE new (a int);\nUPDATE new SET a = 1;\nCREATE INDEX i ON new (a);\n",
        'CREATE TABLE "new" (a int);\nALTER TABLE public.new ADD b int;\nDELETE FROM new;\n',
        (
            "CREATE TABLE x (a int);\nALTER TABLE x RENAME TO new;\nDELETE FROM new;\n"
            "CREATE INDEX i ON ONLY new (a);\n"
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;\nCREATE INDEX i ON m (a);\n"
            "REFRESH MATERIALIZED VIEW m;\nCREATE INDEX j ON m (a);\n"
        ),
    ],
    ids=["created", "quoted", "renamed", "materialized"],
)
def test_what_the_migration_has_made_itself_is_nobody_elses(lint: Linted, text: str) -> None:
    """Nobody waits for a table that is not committed yet."""
    assert lint.rules(text) == []


def test_a_table_that_is_dropped_and_made_again_is_new(lint: Linted) -> None:
    """And one that is dropped is new no more."""
    text = (
        "DROP TABLE orders;\nCREATE TABLE orders (a int);\nUPDATE orders SET a = 1;\n"
        "DROP TABLE orders;\nDELETE FROM orders;\n"
    )

    assert "5:1 slow-statement-under-lock" in lint.rules(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ALTER TABLE orders VALIDATE CONSTRAINT c", "CREATE INDEX i ON orders (n)"),
        ("ALTER TABLE orders SET (fillfactor = 90)", "CREATE INDEX i ON orders (n)"),
        ("ALTER TABLE orders ALTER n SET STATISTICS 9", "CREATE INDEX i ON orders (n)"),
        ("ALTER TABLE orders ADD x int", "ALTER TABLE orders ADD y int"),
        ("INSERT INTO users VALUES (1)", "CREATE INDEX i ON orders (n)"),
    ],
)
def test_a_slow_statement_without_a_lock_above_it_is_fine(
    lint: Linted, first: str, second: str
) -> None:
    """Nor is a quick one below a lock on the same table."""
    assert lint.rules(f"{first};\n{second};\n") == []


def test_without_a_transaction_no_lock_is_held(lint: Linted) -> None:
    """Each statement commits by itself."""
    text = (
        "-- migrate:up transaction:false\nALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) "
        "NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT c;\nCREATE INDEX i ON users (name);\n"
    )

    assert lint.rules(text) == []


def test_the_values_that_a_type_is_created_with_may_be_used(lint: Linted) -> None:
    """Only what is added to it later has to wait."""
    text = "CREATE TYPE mood AS ENUM ('sad');\nINSERT INTO users (name) VALUES ('sad');\n"

    assert lint.rules(text) == []


def test_an_allowed_value_of_a_function_is_no_use_of_it(lint: Linted) -> None:
    """The body of a function does not run yet."""
    text = (
        "ALTER TYPE mood ADD VALUE 'sad';\n"
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'sad'$$;\n"
    )

    assert lint.rules(text) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE IF EXISTS orders",
        "ALTER TABLE ONLY users DROP name",
        "ALTER TABLE users DROP COLUMN IF EXISTS name CASCADE",
        "ALTER TABLE users RENAME name TO title",
        "ALTER TABLE users RENAME COLUMN name TO title",
        "ALTER TABLE users RENAME TO people",
    ],
)
def test_what_the_old_code_needs_waits_for_the_second_phase(lint: Linted, statement: str) -> None:
    """It is found before, and not in that phase."""
    assert ["1:1 breaks-running-code"] == lint.rules(f"{statement};\n")
    assert lint.rules(f"-- migrate:up phase:post\n{statement};\n") == []
    assert lint.rules(f"{statement};\n", LITE) == []


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a int);\nALTER TABLE t DROP a;\nDROP TABLE t;\n",
        "ALTER TABLE users RENAME TO people;\nCREATE VIEW users AS SELECT * FROM people;\n",
        "ALTER TABLE users DROP CONSTRAINT c;\nALTER TABLE users RENAME CONSTRAINT a TO b;\n",
        "ALTER TABLE users ALTER name DROP NOT NULL, ALTER name DROP DEFAULT;\n",
        "CREATE TABLE u (id int);\nDROP TABLE users;\nALTER TABLE u RENAME TO users;\n",
        (
            "ALTER TABLE users ADD n text;\nALTER TABLE users DROP name;\n"
            "ALTER TABLE users RENAME n TO name;\n"
        ),
        "ALTER TABLE users DROP COLUMN name, ADD COLUMN name text;\n",
        "ALTER INDEX i RENAME TO j;\nALTER TYPE t RENAME TO u;\n",
    ],
    ids=["new", "view", "constraints", "looser", "rebuilt", "replaced", "anew", "others"],
)
def test_what_the_old_code_does_not_need_may_go(lint: Linted, text: str) -> None:
    """A table of the same file, a table behind a view, a constraint."""
    assert lint.rules(text) == []


def test_foreign_keys_that_are_only_turned_on_are_left_to_the_connection(lint: Linted) -> None:
    """The pragma has no effect inside a transaction; outside of one it has."""
    text = "PRAGMA foreign_keys = ON;\nSELECT 1;\n"

    assert ["1:1 foreign-keys-by-pragma"] == lint.rules(text, LITE)
    assert lint.rules(f"-- migrate:up transaction:false\n{text}", LITE) == []


def test_a_rebuild_of_a_table_that_nobody_refers_to_is_fine(lint: Linted) -> None:
    """Dropping it deletes its own rows alone, and they have been copied."""
    text = (
        "CREATE TABLE o (id INTEGER PRIMARY KEY);\nINSERT INTO o (id) SELECT id FROM orders;\n"
        "DROP TABLE orders;\nALTER TABLE o RENAME TO orders;\n"
    )

    assert lint.rules(text, LITE) == []


def test_a_rebuild_of_both_ends_is_fine(lint: Linted) -> None:
    """What refers to the table is made anew as well, so nothing is left that could point away."""
    text = (
        "ALTER TABLE users RENAME TO u;\nALTER TABLE orders RENAME TO o;\n"
        "CREATE TABLE users (id INTEGER PRIMARY KEY);\n"
        "CREATE TABLE orders (user_id INTEGER REFERENCES users (id));\n"
        "DROP TABLE o;\nDROP TABLE u;\n"
    )

    assert lint.rules(text, LITE) == []


def test_what_refers_to_a_table_only_later_does_not_count(lint: Linted) -> None:
    """A rule looks at the database as the migrations before have made it."""
    rebuild = (
        "CREATE TABLE o (id INTEGER PRIMARY KEY);\nDROP TABLE orders;\n"
        "ALTER TABLE o RENAME TO orders;\n"
    )
    later = "CREATE TABLE lines (order_id INTEGER REFERENCES orders (id));\n"
    files = {"0002_b.sql": rebuild, "0003_c.sql": later, "0004_d.sql": rebuild}

    found = lint(files, LITE).findings

    assert ["0004"] == [one.version for one in found if one.rule == "rebuild-with-foreign-keys"]


def test_a_batch_of_every_row_is_none(lint: Linted) -> None:
    """The size has to be where it limits the rows; the hint says how, and not to use batches."""
    few = "DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT :batch_size);\n"
    every = "DELETE FROM users USING (SELECT 1 LIMIT :batch_size) AS one;\n"
    assert [] == lint.rules(f"-- migrate:up batch:1000\n{few}")

    hints = {
        finding.hint
        for options in ("", " batch:1000")
        for finding in lint({"0001_a.sql": f"-- migrate:up{options}\n{every}"}).findings
    }

    at_once = "TRUNCATE is at once, if nothing else is meant; otherwise "
    in_batches = "work in batches, each in a transaction of its own: `-- migrate:up batch:1000`"
    one = (
        "let its WHERE choose the rows of one batch: `WHERE id IN (SELECT id … LIMIT :batch_size)`"
    )
    assert {f"{at_once}{in_batches}", one} == hints


def test_a_statement_of_a_megabyte_is_linted(lint: Linted) -> None:
    """Seed data is read as far as a rule looks, and no further."""
    rows = ", ".join(f"({n}, 'name {n}')" for n in range(60_000))

    assert lint.rules(f"INSERT INTO users VALUES {rows};\nUPDATE users SET name = 'x';\n") == [
        "2:1 write-without-where"
    ]
