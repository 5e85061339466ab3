"""Migration files that cannot be what they are, and folders without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file, sql

if TYPE_CHECKING:
    from tests.acceptance.project import Project


def empty(project: Project) -> None:
    """Take the only migration away."""
    project.migrations.remove("001_users.sql")


def twice(project: Project) -> None:
    """Have two files of one version."""
    project.migrations.write("2_posts.sql", "SELECT 1;\n")
    project.migrations.write("002_tags.sql", "SELECT 1;\n")


MIDDLE = "CREATE TABLE posts (id INTEGER);\nCOMMIT;\nCREATE TABLE tags (id INTEGER);\n"
CONCURRENTLY = "CREATE INDEX CONCURRENTLY users_name ON users (name);\n"
OPEN_BEGIN = "-- migrate:up transaction:false\nBEGIN;\nCREATE TABLE posts (id INTEGER);\n"

CASES = (
    Case(
        name="an empty folder",
        arrange=empty,
        exit_code=2,
        error="NoMigrationsError",
        message="no migrations in migrations",
        hint="write the first one with `asyncmig new NAME`, or name another --source",
        file="migrations",
    ),
    Case(
        name="a missing folder",
        command="up --source absent",
        exit_code=2,
        error="SourceNotFoundError",
        message="there is no folder absent",
        hint=(
            "looked for <root>/absent; name another one with --source, or begin with "
            "`asyncmig init`"
        ),
        file="absent",
    ),
    Case(
        name="a file as the folder",
        on=On.SQLITE,
        command="up --source migrations/001_users.sql",
        exit_code=2,
        error="SourceNotFoundError",
        message="migrations/001_users.sql is a file, and migrations are read from a folder",
        hint="give the folder that it is in: migrations",
        file="migrations/001_users.sql",
    ),
    Case(
        name="a missing package",
        on=On.SQLITE,
        command="up --source package:absent.db",
        exit_code=2,
        error="SourceNotFoundError",
        message="there is no package absent",
        hint="it is looked for on sys.path: <root>, <any>",
        file="package:absent.db",
    ),
    Case(
        name="a duplicate version",
        arrange=twice,
        exit_code=2,
        error="DuplicateVersionError",
        message=(
            "version 002 is claimed by 2 files: migrations/002_tags.sql, migrations/2_posts.sql"
        ),
        hint=(
            "give all but one of them a version of its own; the halves of a pair end in "
            ".up.sql and .down.sql"
        ),
        version="002",
        file="migrations/2_posts.sql",
    ),
    Case(
        name="a malformed name",
        arrange=file("2-posts.sql", "SELECT 1;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/2-posts.sql: this is not the name of a migration",
        hint=(
            "did you mean 2_posts.sql? A migration is called VERSION_name.sql, "
            "VERSION_name.up.sql with VERSION_name.down.sql, VERSION_name.py or "
            "R__name.sql, where VERSION is one number; a file that is no migration begins "
            "with an underscore"
        ),
        file="migrations/2-posts.sql",
    ),
    Case(
        name="a name of Flyway",
        on=On.SQLITE,
        arrange=file("V2__posts.sql", "SELECT 1;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/V2__posts.sql: this is not the name of a migration",
        hint=(
            "did you mean 2_posts.sql? A migration is called VERSION_name.sql, "
            "VERSION_name.up.sql with VERSION_name.down.sql, VERSION_name.py or "
            "R__name.sql, where VERSION is one number; a file that is no migration begins "
            "with an underscore"
        ),
        file="migrations/V2__posts.sql",
    ),
    Case(
        name="an unknown marker option",
        arrange=sql("-- Zoë\n-- migrate:up transction:false\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:2:15: 'transction:false' is no option of a marker",
        hint="did you mean transaction:false?",
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=15,
    ),
    Case(
        name="a marker option with another value",
        on=On.SQLITE,
        arrange=sql("-- migrate:up transaction:off\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:1:15: transaction is true or false, not 'off'",
        hint="write transaction:true or transaction:false",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=15,
    ),
    Case(
        name="a marker that is almost one",
        on=On.SQLITE,
        arrange=sql("-- migrate: up\nSELECT 1;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:1:1: this looks like a marker and is none",
        hint="write -- migrate:up, in small letters, as the first thing in its line",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="two ups in one file",
        on=On.SQLITE,
        arrange=sql("-- migrate:up\nSELECT 1;\n-- migrate:up\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:3:1: a second migrate:up (the first is on line 1)",
        hint="a file holds one migration: give the second a file of its own",
        version="002",
        file="migrations/002_posts.sql",
        line=3,
        column=1,
    ),
    Case(
        name="a down in front of the up",
        on=On.SQLITE,
        arrange=sql("-- migrate:down\n-- migrate:up\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:1:1: migrate:down comes in front of migrate:up",
        hint="begin the file with -- migrate:up, and let -- migrate:down follow",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="a statement in front of the marker",
        on=On.SQLITE,
        arrange=sql("SELECT 1;\n-- migrate:up\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:1:1: a statement in front of migrate:up",
        hint="only comments may stand there: move it below the marker",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="a file that is not UTF-8",
        arrange=sql("SELECT 1;\n-- Zoë\n".encode("latin-1")),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:2:6: byte 0xeb is not UTF-8",
        hint="save the file as UTF-8",
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=6,
    ),
    Case(
        name="a file in UTF-16",
        on=On.SQLITE,
        arrange=sql("SELECT 1;\n".encode("utf-16")),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:1:1: the file is UTF-16",
        hint="save the file as UTF-8",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="a string that is not closed",
        arrange=sql("SELECT 1;\nSELECT 'Zoë', 'open;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:2:15: The string that begins here has no closing quote."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=15,
    ),
    Case(
        name="a dollar-quoted body that is not closed",
        on=On.POSTGRESQL,
        arrange=sql("DO $body$ BEGIN NULL; END;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:4: The string that begins with $body$ here is not "
            "closed with another $body$."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=4,
    ),
    Case(
        name="a comment that is not closed",
        on=On.POSTGRESQL,
        arrange=sql("SELECT 1; /* open\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:11: The comment that begins here is not closed with */."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=11,
    ),
    Case(
        name="a psql meta-command",
        on=On.POSTGRESQL,
        arrange=sql("SELECT 1;\n\\copy users FROM 'a.csv'\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:2:1: \\copy is a command of psql, which takes no part "
            "here: the script goes straight to the server; remove it or write it in SQL."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=1,
    ),
    Case(
        name="rows for COPY",
        on=On.POSTGRESQL,
        arrange=sql("COPY users FROM stdin;\n1\tZoë\n\\.\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:1: COPY … FROM STDIN needs a client that sends the "
            "data; write the rows as INSERT, or copy them in a Python migration."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="a dot-command of the sqlite3 shell",
        on=On.SQLITE,
        arrange=sql(".mode csv\nSELECT 1;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:1: .mode is a command of the sqlite3 shell, which "
            "takes no part here; remove it or write it in SQL."
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="COMMIT in the middle of a file",
        arrange=sql(MIDDLE),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:2:1: COMMIT in the middle of a file that runs in one "
            "transaction"
        ),
        hint=(
            "take it out (the file is one transaction already), or run the file without: "
            "`-- migrate:up transaction:false`"
        ),
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=1,
    ),
    Case(
        name="CREATE INDEX CONCURRENTLY without a marker",
        on=On.POSTGRESQL,
        arrange=sql(CONCURRENTLY),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:1: CREATE INDEX CONCURRENTLY cannot run inside a "
            "transaction"
        ),
        hint="give it a file of its own with `-- migrate:up transaction:false`",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="VACUUM inside a transaction",
        arrange=sql("-- Zoë\n/* é */ VACUUM;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:2:9: VACUUM cannot run inside a transaction",
        hint="give it a file of its own with `-- migrate:up transaction:false`",
        version="002",
        file="migrations/002_posts.sql",
        line=2,
        column=9,
    ),
    Case(
        name="a journal mode inside a transaction",
        on=On.SQLITE,
        arrange=sql("PRAGMA journal_mode = DELETE;\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message=(
            "migrations/002_posts.sql:1:1: PRAGMA journal_mode cannot run inside a transaction"
        ),
        hint="give it a file of its own with `-- migrate:up transaction:false`",
        version="002",
        file="migrations/002_posts.sql",
        line=1,
        column=1,
    ),
    Case(
        name="BEGIN without COMMIT",
        arrange=sql(OPEN_BEGIN),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.sql:4:1: the file ends inside a BEGIN without COMMIT",
        version="002",
        file="migrations/002_posts.sql",
        line=4,
        column=1,
    ),
)
