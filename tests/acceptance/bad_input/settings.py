"""What is typed, and what is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.project import Project


def no_database(project: Project) -> None:
    """Forget to name one."""
    del project.environment["DATABASE_URL"]


def misspelled_variable(project: Project) -> None:
    """Name it where nobody looks."""
    project.environment["ASYNCMIG_DATABSE"] = project.environment.pop("DATABASE_URL")


def environment(name: str, value: str) -> Callable[[Project], None]:
    """Return what sets a variable."""

    def arrange(project: Project) -> None:
        project.environment[name] = value

    return arrange


def section(text: str) -> Callable[[Project], object]:
    """Return what writes a pyproject.toml."""
    return lambda project: (project.root / "pyproject.toml").write_text(text, encoding="utf-8")


CASES = (
    Case(
        name="no database",
        on=On.SQLITE,
        arrange=no_database,
        exit_code=2,
        error="SettingsError",
        message="no database is named",
        hint=(
            "give --database URL, set ASYNCMIG_DATABASE or DATABASE_URL, or write database "
            "= … below [tool.asyncmig] in a pyproject.toml (`asyncmig init` does)"
        ),
    ),
    Case(
        name="a secret that did not arrive",
        on=On.SQLITE,
        arrange=environment("DATABASE_URL", ""),
        exit_code=2,
        error="SettingsError",
        message="DATABASE_URL is empty, so there is no database",
        hint="a secret that did not arrive? Set it to postgresql://… or sqlite:///…",
    ),
    Case(
        name="a variable that is misspelled",
        on=On.SQLITE,
        arrange=misspelled_variable,
        exit_code=2,
        error="SettingsError",
        message="no database is named",
        hint=(
            "ASYNCMIG_DATABSE is set, but the name is ASYNCMIG_DATABASE; give --database "
            "URL, set ASYNCMIG_DATABASE or DATABASE_URL, or write database = … below "
            "[tool.asyncmig] in a pyproject.toml (`asyncmig init` does)"
        ),
    ),
    Case(
        name="an unknown option",
        command="up --dry-run",
        exit_code=2,
        error="UsageError",
        message="`asyncmig up` has no option --dry-run",
        hint="`asyncmig up --help` lists them",
    ),
    Case(
        name="an unknown option with a near one",
        command="up --wait-timout 5s",
        exit_code=2,
        error="UsageError",
        message="`asyncmig up` has no option --wait-timout",
        hint="did you mean --wait-timeout?",
    ),
    Case(
        name="an option without its value",
        command="up --to",
        exit_code=2,
        error="UsageError",
        message="--to: a value is missing",
        hint="`asyncmig up --help` explains it",
    ),
    Case(
        name="an unknown command",
        command="frobnicate",
        exit_code=2,
        error="UsageError",
        message="there is no command 'frobnicate'",
        hint="`asyncmig --help` lists them",
    ),
    Case(
        name="an unknown command with a near name",
        command="statsu",
        exit_code=2,
        error="UsageError",
        message="there is no command 'statsu'",
        hint="did you mean `asyncmig status`?",
    ),
    Case(
        name="the command of another tool",
        command="upgrade head",
        exit_code=2,
        error="UsageError",
        message="there is no command 'upgrade'",
        hint="did you mean `asyncmig up`?",
    ),
    Case(
        name="an option in front of the command",
        command="--database sqlite:///app.db up",
        exit_code=2,
        error="UsageError",
        message="the command comes first: asyncmig COMMAND --database …",
        hint="`asyncmig --help` lists the commands",
    ),
    Case(
        name="a database without its option",
        command="up postgresql://app:s3cr3t@db/shop",
        exit_code=2,
        error="UsageError",
        message="`asyncmig up` does not take 'postgresql://app:***@db/shop'",
        hint="a database is named with --database",
    ),
    Case(
        name="a masked password",
        on=On.SQLITE,
        command="up --database postgresql://app:***@db/shop",
        exit_code=2,
        error="DatabaseUrlError",
        message=(
            "the password in the database URL is masked: this is a URL that was printed for people"
        ),
        hint=(
            "put the password itself in its place; in Python give the URL object, or its "
            "whole text: url.render_as_string(hide_password=False) of SQLAlchemy, "
            "secret.get_secret_value() of pydantic"
        ),
    ),
    Case(
        name="a database in memory",
        on=On.SQLITE,
        command="up --database sqlite://",
        exit_code=2,
        error="DatabaseUrlError",
        message="the database URL names a database in memory, which nobody else would ever see",
        hint=(
            "name a file, sqlite:///app.db; or from Python give the aiosqlite.Connection, "
            "or sqlite:///file:name?mode=memory&cache=shared&uri=true"
        ),
    ),
    Case(
        name="a wrong scheme",
        on=On.SQLITE,
        command="up --database mysql://app:s3cr3t@db/shop",
        exit_code=2,
        error="DatabaseUrlError",
        message="asyncmig runs on PostgreSQL and SQLite, not on mysql://",
        hint=(
            "postgresql://user@host:5432/name, sqlite:///relative.db and "
            "sqlite:////absolute.db work"
        ),
    ),
    Case(
        name="a misspelled scheme",
        on=On.SQLITE,
        command="up --database postgresq://app:s3cr3t@db/shop",
        exit_code=2,
        error="DatabaseUrlError",
        message="a database URL does not begin with postgresq://",
        hint="did you mean postgresql://?",
    ),
    Case(
        name="a path in place of a URL",
        on=On.SQLITE,
        command="up --database app.db",
        exit_code=2,
        error="DatabaseUrlError",
        message="the database URL is a path",
        hint="did you mean sqlite:///app.db?",
    ),
    Case(
        name="an unknown key in a SQLite URL",
        on=On.SQLITE,
        command="up --database sqlite:///app.db?mod=ro",
        exit_code=2,
        error="DatabaseUrlError",
        message="the database URL has an unknown key mod",
        hint="did you mean mode?",
    ),
    Case(
        name="an unknown key in a PostgreSQL URL",
        on=On.POSTGRESQL,
        command="up --database '<url>&aplication_name=shop'",
        exit_code=2,
        error="DatabaseUrlError",
        message="the database URL has an unknown key aplication_name",
        hint="did you mean application_name?",
    ),
    Case(
        name="a password that is not encoded",
        on=On.SQLITE,
        command="up --database 'postgresql://app:s3#cr@3t@db/shop'",
        exit_code=2,
        error="DatabaseUrlError",
        message="the database URL has a # where none can be",
        hint=(
            "write the special characters of user and password percent-encoded: @ as %40, "
            ": as %3A, / as %2F, ? as %3F, # as %23, & as %26"
        ),
    ),
    Case(
        name="an unknown key of the section",
        arrange=section('[tool.asyncmig]\nsoruce = "db"\n'),
        exit_code=2,
        error="SettingsError",
        message="[tool.asyncmig] in <root>/pyproject.toml has no key 'soruce'",
        hint="did you mean 'source'?",
        file="<root>/pyproject.toml",
    ),
    Case(
        name="a section that is not TOML",
        on=On.SQLITE,
        arrange=section("[tool.asyncmig\n"),
        exit_code=2,
        error="SettingsError",
        message=(
            "<root>/pyproject.toml cannot be read: Expected ']' at the end of a table "
            "declaration (at line 1, column 15)"
        ),
        file="<root>/pyproject.toml",
    ),
    Case(
        name="a setting of the wrong type",
        on=On.SQLITE,
        arrange=section("[tool.asyncmig]\nsource = 5\n"),
        exit_code=2,
        error="SettingsError",
        message="source in [tool.asyncmig] of <root>/pyproject.toml: '5' is not a string",
    ),
    Case(
        name="a duration that is none",
        command="up --wait-timeout soon",
        exit_code=2,
        error="SettingsError",
        message="--wait-timeout: 'soon' is not a duration (30, 30s, 500ms, 2m)",
    ),
    Case(
        name="a duration below zero, from the environment",
        arrange=environment("ASYNCMIG_CONNECT_TIMEOUT", "-1"),
        exit_code=2,
        error="SettingsError",
        message="ASYNCMIG_CONNECT_TIMEOUT: '-1' is not a duration (30, 30s, 500ms, 2m)",
    ),
    Case(
        name="a lock timeout that would mean no limit",
        on=On.POSTGRESQL,
        command="up --lock-timeout 0",
        exit_code=2,
        error="SettingsError",
        message="--lock-timeout 0 would mean no limit to PostgreSQL",
        hint="write none if you mean it",
    ),
    Case(
        name="an unknown policy",
        on=On.SQLITE,
        command="up --out-of-order maybe",
        exit_code=2,
        error="SettingsError",
        message="--out-of-order: 'maybe' is not one of error, apply, warn",
    ),
    Case(
        name="a target and a number of steps",
        command="up --to 1 --steps 1",
        exit_code=2,
        error="UsageError",
        message="--steps: not allowed with argument --to",
        hint="`asyncmig up --help` explains it",
    ),
    Case(
        name="no steps",
        on=On.SQLITE,
        command="up --steps 0",
        exit_code=2,
        error="UsageError",
        message="--steps: '0' is not a whole number of at least 1",
        hint="`asyncmig up --help` explains it",
    ),
    Case(
        name="two decisions",
        command="repair --accept 1 --forget 1 --yes",
        exit_code=2,
        error="UsageError",
        message="--forget: not allowed with argument --accept",
        hint="`asyncmig repair --help` explains it",
    ),
    Case(
        name="no decision",
        on=On.SQLITE,
        command="repair",
        exit_code=2,
        error="UsageError",
        message="one of the arguments --accept --forget --mark is required",
        hint="`asyncmig repair --help` explains it",
    ),
    Case(
        name="a repair that nobody confirms",
        command="repair --forget 1",
        exit_code=2,
        error="NotConfirmedError",
        message="Write that down? Nobody can be asked here, so nothing was done",
        hint="confirm with --yes",
    ),
    Case(
        name="a reset that nobody confirms",
        command="reset",
        exit_code=2,
        error="NotConfirmedError",
        message=(
            "Revert everything in <address> and apply it again? Nobody can be asked here, "
            "so nothing was done"
        ),
        hint="confirm with --yes",
    ),
    Case(
        name="a name of a migration without a letter",
        on=On.SQLITE,
        command="new '?!'",
        exit_code=2,
        error="SettingsError",
        message="'?!' makes no name",
        hint="say what the migration does, in a few words",
    ),
)
