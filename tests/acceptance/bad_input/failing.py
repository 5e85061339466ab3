"""Migrations that fail while they run: nothing of them remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file, sql

if TYPE_CHECKING:
    from tests.acceptance.project import Project

ROWS = "".join(f"INSERT INTO posts VALUES ({n}, 'Žluťoučký kůň 🐎');\n" for n in range(37))
LINE_40 = (
    "-- migrate:up\n"
    "CREATE TABLE posts (id INTEGER, title TEXT);\n"
    f"{ROWS}"
    "INSERT INTO posts VALUES (99, '🐎🐎é') garbage;\n"
)
MIDDLE = """\
CREATE TABLE posts (id INTEGER);
INSERT INTO posts VALUES (1);
INSERT INTO nowhere VALUES (1);
INSERT INTO posts VALUES (2);
"""
WINDOWS = "\ufeff" + MIDDLE.replace("\n", "\r\n")
KEY = (
    "CREATE TABLE posts (author INTEGER REFERENCES users (id){});\nINSERT INTO posts VALUES (5);\n"
)
DEFERRED = KEY.format(" DEFERRABLE INITIALLY DEFERRED")
KEYS_OFF = "-- migrate:up foreign_keys:off\n" + KEY.format("")
VIEW = "CREATE VIEW totals AS SELECT nope FROM users;\n"
BLOCK = "DO $$ BEGIN\n  PERFORM 1/0;\nEND $$;\n"


def broken_down(project: Project) -> None:
    """Apply a file whose way down fails at its second statement."""
    text = "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE users;\nDROP TABLE nowhere;\n"
    project.migrations.write("002_posts.sql", text)
    assert 0 == project.call("up", "-q").exit_code


CASES = (
    Case(
        name="a syntax error on line 40 (SQLite)",
        on=On.SQLITE,
        arrange=sql(LINE_40),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            'migration 002 failed at migrations/002_posts.sql:40:38: near "garbage": syntax error'
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=40,
        column=38,
        excerpt=(
            "   40 | INSERT INTO posts VALUES (99, '🐎🐎é') garbage;\n"
            "      |                                      ^"
        ),
    ),
    Case(
        name="a syntax error on line 40 (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=sql(LINE_40),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.sql:40:38: syntax error at or "
            'near "garbage"'
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=40,
        column=38,
        excerpt=(
            "   40 | INSERT INTO posts VALUES (99, '🐎🐎é') garbage;\n"
            "      |                                      ^"
        ),
    ),
    Case(
        name="a failing statement in the middle (SQLite)",
        on=On.SQLITE,
        arrange=sql(MIDDLE),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.sql:3:13: no such table: nowhere",
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=13,
        excerpt=("    3 | INSERT INTO nowhere VALUES (1);\n      |             ^"),
    ),
    Case(
        name="a failing statement in the middle (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=sql(MIDDLE),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            'migration 002 failed at migrations/002_posts.sql:3:13: relation "nowhere" '
            "does not exist"
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=13,
        excerpt=("    3 | INSERT INTO nowhere VALUES (1);\n      |             ^"),
    ),
    Case(
        name="a failing statement in a file of Windows (SQLite)",
        on=On.SQLITE,
        arrange=sql(WINDOWS),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.sql:3:13: no such table: nowhere",
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=13,
        excerpt=("    3 | INSERT INTO nowhere VALUES (1);\n      |             ^"),
    ),
    Case(
        name="a failing statement in a file of Windows (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=sql(WINDOWS),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            'migration 002 failed at migrations/002_posts.sql:3:13: relation "nowhere" '
            "does not exist"
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=13,
        excerpt=("    3 | INSERT INTO nowhere VALUES (1);\n      |             ^"),
    ),
    Case(
        name="a row that is there already (SQLite)",
        on=On.SQLITE,
        arrange=sql("INSERT INTO users VALUES (1, 'b');\n"),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.sql:1:1: UNIQUE constraint "
            "failed: users.id"
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
        excerpt=("    1 | INSERT INTO users VALUES (1, 'b');\n      | ^"),
    ),
    Case(
        name="a row that is there already (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=sql("INSERT INTO users VALUES (1, 'b');\n"),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.sql:1:1: duplicate key value "
            'violates unique constraint "users_pkey"'
        ),
        hint="Key (id)=(1) already exists.",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
        excerpt=("    1 | INSERT INTO users VALUES (1, 'b');\n      | ^"),
    ),
    Case(
        name="a statement without its end (SQLite)",
        on=On.SQLITE,
        arrange=sql("CREATE TABLE posts (\n  id INTEGER\n"),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.sql:2:13: incomplete input",
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=13,
        excerpt=("    2 |   id INTEGER\n      |             ^"),
    ),
    Case(
        name="a statement without its end (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=sql("CREATE TABLE posts (\n  id INTEGER\n"),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.sql:3:1: syntax error at end of input"
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=1,
        excerpt=("    3 | \n      | ^"),
    ),
    Case(
        name="a block that fails inside",
        on=On.POSTGRESQL,
        arrange=sql(BLOCK),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.sql:1:1: division by zero",
        hint=('SQL statement "SELECT 1/0"\nPL/pgSQL function inline_code_block line 2 at PERFORM'),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
        excerpt=("    1 | DO $$ BEGIN\n      | ^"),
    ),
    Case(
        name="a key that is broken at COMMIT",
        on=On.POSTGRESQL,
        arrange=sql(DEFERRED),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed (migrations/002_posts.sql): insert or update on table "
            '"posts" violates foreign key constraint "posts_author_fkey"'
        ),
        hint='Key (author)=(5) is not present in table "users".',
        version="002",
        file="migrations/002_posts.sql",
    ),
    Case(
        name="a key that is broken while keys are off",
        on=On.SQLITE,
        arrange=sql(KEYS_OFF),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed (migrations/002_posts.sql): foreign keys are broken: row "
            "1 of posts has no parent in users"
        ),
        version="002",
        file="migrations/002_posts.sql",
    ),
    Case(
        name="a repeatable migration that fails",
        on=On.POSTGRESQL,
        arrange=file("R__totals.sql", VIEW),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            'migration R__totals failed at migrations/R__totals.sql:1:30: column "nope" '
            "does not exist"
        ),
        hint='Perhaps you meant to reference the column "users.name".',
        version="R__totals",
        file="migrations/R__totals.sql",
        line=1,
        column=30,
        excerpt=(
            "    1 | CREATE VIEW totals AS SELECT nope FROM users;\n"
            "      |                              ^"
        ),
    ),
    Case(
        name="a way down that fails (SQLite)",
        on=On.SQLITE,
        arrange=broken_down,
        command="down",
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.sql:5:12: no such table: nowhere",
        version="002",
        file="migrations/002_posts.sql",
        line=5,
        column=12,
        excerpt=("    5 | DROP TABLE nowhere;\n      |            ^"),
    ),
    Case(
        name="a way down that fails (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=broken_down,
        command="down",
        exit_code=1,
        error="MigrationFailedError",
        message=(
            'migration 002 failed at migrations/002_posts.sql:5:1: table "nowhere" does not exist'
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=5,
        column=1,
        excerpt=("    5 | DROP TABLE nowhere;\n      | ^"),
    ),
)
