"""Files and history that disagree, and targets that cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, pending
from tests.acceptance.project import USERS

if TYPE_CHECKING:
    from tests.acceptance.project import Project

REVERSIBLE = """\
-- migrate:up
CREATE TABLE posts (id INTEGER);
-- migrate:down
DROP TABLE posts;
"""
STOPS = """\
transaction = False


async def up(connection):
    await connection.execute("CREATE TABLE half (id INTEGER)")
    raise RuntimeError("stop")
"""
STEPS = """\
-- migrate:up transaction:false
CREATE TABLE first (id INTEGER);
CREATE TABLE second (id INTEGER) nothing;
"""


def edited(project: Project) -> None:
    """Edit a file that is applied."""
    project.migrations.write("001_users.sql", USERS.replace("NOT NULL", ""))


def forgotten(project: Project) -> None:
    """Lose the history, and keep the tables."""
    project.execute("DROP TABLE asyncmig_history;")


def deleted(project: Project) -> None:
    """Take away a file that is applied, below a newer one."""
    pending(project)
    project.migrations.remove("001_users.sql")


def irreversible(project: Project) -> None:
    """Apply a file that has no way down."""
    pending(project)
    assert 0 == project.call("up", "-q").exit_code


def ahead(project: Project) -> None:
    """Go back to a release that has not the newest file, which has no way down."""
    irreversible(project)
    project.migrations.remove("002_posts.sql")


def stored(project: Project) -> None:
    """Go back to a release that has not the newest file, whose way down is stored."""
    project.migrations.write("002_posts.sql", REVERSIBLE)
    assert 0 == project.call("up", "-q").exit_code
    project.migrations.remove("002_posts.sql")


def late(project: Project) -> None:
    """Have a file below one that is applied."""
    project.migrations.write("000_early.sql", "SELECT 1;\n")


def incomplete(project: Project) -> None:
    """Stop in the middle of a migration without a transaction."""
    project.migrations.write("002_half.py", STOPS)
    assert 1 == project.call("up", "-q").exit_code


def changed_prefix(project: Project) -> None:
    """Edit what has run of a migration that stopped in the middle."""
    project.migrations.write("002_steps.sql", STEPS)
    assert 1 == project.call("up", "-q").exit_code
    project.migrations.write("002_steps.sql", STEPS.replace("first", "other"))


def newer(project: Project) -> None:
    """Have a history that a newer release wrote."""
    project.execute("UPDATE asyncmig_history SET format = 99;")


def other_columns(project: Project) -> None:
    """Have a history that somebody edited."""
    project.execute("ALTER TABLE asyncmig_history RENAME COLUMN run_id TO run;")


def elsewhere(project: Project) -> None:
    """Have the history in another schema."""
    project.execute("CREATE SCHEMA app;\nALTER TABLE public.asyncmig_history SET SCHEMA app;")


def dirty(project: Project) -> None:
    """Have a history of another tool that says that something is unfinished."""
    project.execute(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, true);"
    )


CASES = (
    Case(
        name="tables without a history",
        arrange=forgotten,
        exit_code=6,
        error="NoHistoryError",
        message="the database has no history, but it is not empty: <any>",
        hint="say which migrations are in it: --baseline none begins with the first file, "
        "--baseline VERSION (or latest) records that everything up to it is there and goes on "
        "behind it, and `asyncmig adopt` takes over the history of another tool",
    ),
    Case(
        name="an edited applied file",
        arrange=edited,
        exit_code=6,
        error="ChangedMigrationError",
        message="migration 001 is no longer what was applied",
        hint=(
            "restore the file and write a new migration instead; if the change is "
            "harmless, `asyncmig repair --accept 001`"
        ),
        version="001",
        file="migrations/001_users.sql",
    ),
    Case(
        name="an edited applied file on the way down",
        arrange=edited,
        command="down",
        exit_code=6,
        error="ChangedMigrationError",
        message="migration 001 is no longer what was applied",
        hint=(
            "restore the file and write a new migration instead; if the change is "
            "harmless, `asyncmig repair --accept 001`"
        ),
        version="001",
        file="migrations/001_users.sql",
    ),
    Case(
        name="a deleted applied file",
        arrange=deleted,
        exit_code=6,
        error="MissingMigrationError",
        message="migration 001 is applied, but the file is gone",
        hint="restore the file, or `asyncmig repair --forget 001`",
        version="001",
    ),
    Case(
        name="a file out of order",
        arrange=late,
        exit_code=6,
        error="OutOfOrderError",
        message="migration 000 is pending below 001, which is applied already",
        hint="give the file a newer version, or allow it with --out-of-order apply",
        version="000",
        file="migrations/000_early.sql",
    ),
    Case(
        name="a way down whose file is gone",
        arrange=ahead,
        command="down",
        exit_code=6,
        error="MissingMigrationError",
        message="migration 002 is applied, but the file is gone",
        hint="restore the file",
        version="002",
    ),
    Case(
        name="a way down that only the history has",
        arrange=stored,
        command="down",
        exit_code=6,
        error="MissingMigrationError",
        message="migration 002 is applied, but the file is gone",
        hint=(
            "restore the file; its down SQL is in the history: `asyncmig down "
            "--from-history` runs it"
        ),
        version="002",
    ),
    Case(
        name="a way down from the history that nobody confirms",
        arrange=stored,
        command="down --from-history",
        exit_code=2,
        error="NotConfirmedError",
        message=(
            "Revert migration 002 in <address>? Nobody can be asked here, so nothing was done"
        ),
        hint="confirm with --yes",
    ),
    Case(
        name="an unknown target",
        command="up --to 7",
        exit_code=2,
        error="UnknownVersionError",
        message="there is no version 7 (known: 001)",
        hint="`asyncmig status` lists them all",
        version="7",
    ),
    Case(
        name="an unknown target of the way down",
        command="down --to 7",
        exit_code=2,
        error="UnknownVersionError",
        message="there is no version 7 (known: 001)",
        hint="`asyncmig status` lists them all",
        version="7",
    ),
    Case(
        name="a target that is no version",
        on=On.SQLITE,
        command="up --to users",
        exit_code=2,
        error="UnknownVersionError",
        message="there is no version users",
        hint="a version is made of digits, as in the file names",
        version="users",
    ),
    Case(
        name="down of an irreversible migration",
        arrange=irreversible,
        command="down",
        exit_code=2,
        error="IrreversibleMigrationError",
        message="migration 002 has nothing to go down with",
        hint="write a down part into its file, or revert it by hand and `asyncmig repair`",
        version="002",
        file="migrations/002_posts.sql",
    ),
    Case(
        name="redo of an irreversible migration",
        arrange=irreversible,
        command="redo",
        exit_code=2,
        error="IrreversibleMigrationError",
        message="migration 002 has nothing to go down with",
        hint="write a down part into its file, or revert it by hand and `asyncmig repair`",
        version="002",
        file="migrations/002_posts.sql",
    ),
    Case(
        name="a migration that stopped in the middle",
        arrange=incomplete,
        exit_code=6,
        error="IncompleteMigrationError",
        message="migration 002 is begun but not finished",
        hint=(
            "look at the database, then say what is true: `asyncmig repair --mark 002` if "
            "its changes are there, `asyncmig repair --forget 002` if none of them is"
        ),
        version="002",
    ),
    Case(
        name="a migration that stopped in the middle, on the way down",
        arrange=incomplete,
        command="down",
        exit_code=6,
        error="IncompleteMigrationError",
        message="migration 002 is begun but not finished",
        hint=(
            "look at the database, then say what is true: `asyncmig repair --mark 002` if "
            "its changes are there, `asyncmig repair --forget 002` if none of them is"
        ),
        version="002",
    ),
    Case(
        name="a migration that stopped in the middle and was edited (SQLite)",
        on=On.SQLITE,
        arrange=changed_prefix,
        exit_code=6,
        error="IncompleteMigrationError",
        message=(
            "migration 002 is begun but not finished: the part of the file that has run "
            "already was changed"
        ),
        hint=(
            "look at the database, then say what is true: `asyncmig repair --mark 002` if "
            "its changes are there, `asyncmig repair --forget 002` if none of them is"
        ),
        version="002",
    ),
    Case(
        name="a migration that stopped in the middle and was edited (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=changed_prefix,
        exit_code=6,
        error="IncompleteMigrationError",
        message=(
            "migration 002 is begun but not finished: its first 1 statements were run and "
            "have been changed since"
        ),
        hint=(
            "look at the database, then say what is true: `asyncmig repair --mark 002` if "
            "its changes are there, `asyncmig repair --forget 002` if none of them is"
        ),
        version="002",
    ),
    Case(
        name="a history of a newer format",
        arrange=newer,
        exit_code=6,
        error="HistoryFormatError",
        message="the history is of format 99, and this release knows up to 1",
        hint="upgrade asyncmig",
    ),
    Case(
        name="a history of a newer format, only looked at",
        arrange=newer,
        command="status",
        exit_code=6,
        error="HistoryFormatError",
        message="the history is of format 99, and this release knows up to 1",
        hint="upgrade asyncmig",
    ),
    Case(
        name="a history that lacks a column (SQLite)",
        on=On.SQLITE,
        arrange=other_columns,
        exit_code=6,
        error="HistoryFormatError",
        message=(
            "the table asyncmig_history is not the history that it says it is: no such "
            "column: run_id"
        ),
        hint="was it edited by hand? Restore its columns",
    ),
    Case(
        name="a history that lacks a column (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=other_columns,
        command="status",  # a start with nothing to do reads no more than it needs
        exit_code=6,
        error="HistoryFormatError",
        message='"public"."asyncmig_history" is no history that this release knows',
        hint="upgrade asyncmig, or choose another table with --table",
    ),
    Case(
        name="a history in another schema",
        on=On.POSTGRESQL,
        arrange=elsewhere,
        exit_code=6,
        error="HistoryElsewhereError",
        message=("no history in public.asyncmig_history, but there is one in app.asyncmig_history"),
        hint=(
            "say which one is meant with --schema app (schema= in Python), or rename the "
            "other table"
        ),
    ),
    Case(
        name="a history in another schema, only looked at",
        on=On.POSTGRESQL,
        arrange=elsewhere,
        command="status",
        exit_code=6,
        error="HistoryElsewhereError",
        message=("no history in public.asyncmig_history, but there is one in app.asyncmig_history"),
        hint=(
            "say which one is meant with --schema app (schema= in Python), or rename the "
            "other table"
        ),
    ),
    Case(
        name="an adoption of what another tool has not finished",
        arrange=dirty,
        command="adopt",
        exit_code=6,
        error="ForeignHistoryError",
        message="golang-migrate began version 1 and did not finish it (dirty)",
        hint=(
            "look at what of it is in the database, put that right, say so with `migrate force 1` "
            "or `migrate force` and the version before, and adopt then"
        ),
        version="1",
    ),
    Case(
        name="an adoption from a tool that was not here",
        command="adopt --from goose",
        exit_code=2,
        error="TargetError",
        message="there is no history of goose in this database",
        hint="if its table is called otherwise, or is elsewhere: --from-table SCHEMA.TABLE",
    ),
    Case(
        name="a baseline on top of a history",
        arrange=pending,
        command="baseline 2",
        exit_code=6,
        error="HistoryNotEmptyError",
        message="migration 001 is applied already, so the history cannot start at 002",
        hint="a baseline is for a database without history; look at `asyncmig status`",
        version="001",
    ),
    Case(
        name="a baseline of an unknown version",
        on=On.SQLITE,
        command="baseline 7",
        exit_code=2,
        error="UnknownVersionError",
        message="there is no version 7 (known: 001)",
        hint="`asyncmig status` lists them all",
        version="7",
    ),
    Case(
        name="a repair of an unknown version",
        command="repair --mark 7 --yes",
        exit_code=2,
        error="UnknownVersionError",
        message="there is no version 7 (known: 001)",
        hint="`asyncmig status` lists them all",
        version="7",
    ),
    Case(
        name="an edit accepted that is not applied",
        on=On.SQLITE,
        arrange=pending,
        command="repair --accept 2 --yes",
        exit_code=2,
        error="TargetError",
        message="migration 2 is not an applied one with a file, so there is nothing to accept",
        version="2",
    ),
)
