"""Every command on each database: all that people see, and the whole document for programs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.checksum import checksum

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.project import Project

FILES = {
    "001_users.sql": "-- migrate:up\nCREATE TABLE users (id INTEGER);\n"
    "-- migrate:down\nDROP TABLE users;\n",
    "002_posts.sql": "-- migrate:up\nCREATE TABLE posts (id INTEGER);\n"
    "-- migrate:down\nDROP TABLE posts;\n",
    "R__totals.sql": "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT 1 AS n;\n",
}
MASKS = (
    (r"\b\d+ ms\b|\b\d+\.\d s\b", "T"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN"),
    (r"\b\d{14}_", "NOW_"),
)
UNKNOWN = {
    "applied_at": "WHEN",
    "duration_ms": "T",
    "host": "HOST",
    "pid": "PID",
    "run_id": "RUN",
    "tool_version": "TOOL",
    "user": "USER",
}
ROW_001: dict[str, Any] = {
    "version": "001",
    "name": "users",
    "kind": "versioned",
    "problems": [],
    "checksum": checksum("CREATE TABLE users (id INTEGER);\n"),
    "progress": None,
}
ROW_002: dict[str, Any] = {
    "version": "002",
    "name": "posts",
    "kind": "versioned",
    "problems": [],
    "checksum": checksum("CREATE TABLE posts (id INTEGER);\n"),
    "progress": None,
}
ROW_R: dict[str, Any] = {
    "version": "R__totals",
    "name": "totals",
    "kind": "repeatable",
    "problems": [],
    "checksum": checksum(FILES["R__totals.sql"]),
    "progress": None,
}
APPLIED = {"state": "applied", "direction": "up", "applied_at": "WHEN", "duration_ms": "T"}
PENDING = {"state": "pending", "direction": None, "applied_at": None, "duration_ms": None}
GONE = {"state": "reverted", "direction": "down", "applied_at": "WHEN", "duration_ms": "T"}
BY = {name: UNKNOWN[name] for name in ("host", "pid", "run_id", "tool_version", "user")}
ALL_APPLIED = [{**row, **APPLIED} for row in (ROW_001, ROW_002, ROW_R)]
ALL_PENDING = [{**row, **PENDING} for row in (ROW_001, ROW_002, ROW_R)]


def step(version: str, name: str, direction: str) -> dict[str, Any]:
    """Return what a document says of a step of a plan."""
    return {
        "version": version,
        "name": name,
        "direction": direction,
        "file": f"migrations/{version}{'' if version == f'R__{name}' else f'_{name}'}.sql",
        "transaction": True,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Happy:
    """A command that works.

    Attributes:
        command: What is typed; the first word is the name of the command.
        before: The commands that are run before it.
        arrange: What else is done before it.
        text: What people see, with ``<address>`` for the database.
        document: The fields of the document besides those that are the same everywhere.
        exit_code: What it exits with.
        kinds: On which databases it is tried.
    """

    command: str
    before: tuple[str, ...] = ()
    arrange: Callable[[Project], object] = lambda _project: None
    text: str
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    exit_code: int = 0
    kinds: tuple[str, ...] = ("sqlite", "postgresql")


def by_golang_migrate(project: Project) -> None:
    """Have a history of another tool."""
    project.execute(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, false);"
    )


def edited(project: Project) -> None:
    """Edit an applied file."""
    project.migrations.write("001_users.sql", "-- edited\nCREATE TABLE users (id INTEGER);\n")


def no_section(project: Project) -> None:
    """Have a project that is not set up, and no folder."""
    for name in FILES:
        project.migrations.remove(name)
    project.migrations.path.rmdir()


REVISION = """\
\"\"\"Users\"\"\"
from alembic import op

revision, down_revision = "a1", None


def upgrade():
    op.execute("CREATE TABLE users (id integer)")


def downgrade():
    op.execute("DROP TABLE users")
"""


def alembic_project(project: Project) -> None:
    """Have a project of alembic beside an empty folder."""
    for name in FILES:
        project.migrations.remove(name)
    versions = project.root / "alembic" / "versions"
    versions.mkdir(parents=True)
    (versions / "a1_users.py").write_text(REVISION, encoding="utf-8")


def their_table(project: Project) -> None:
    """Have the table of the first migration, and no history."""
    project.execute("CREATE TABLE users (id INTEGER);")


ALL = "<address> is at 002"
HAPPY = (
    Happy(
        command="init",
        arrange=no_section,
        text="added [tool.asyncmig] to pyproject.toml\nmigrations go to migrations\n"
        "next: asyncmig new create_users, then asyncmig up\n",
        document={"database": None, "paths": ["<root>/pyproject.toml", "<root>/migrations"]},
    ),
    Happy(
        command="new add tags",
        text="migrations/NOW_add_tags.sql\n",
        document={"database": None, "paths": ["migrations/NOW_add_tags.sql"]},
    ),
    Happy(
        command="import alembic --config alembic --no-env",
        arrange=alembic_project,
        text="migrations/0001_users.sql\n\n1 written, for as many revisions\n",
        document={"database": None, "paths": ["migrations/0001_users.sql"], "unfinished": []},
    ),
    Happy(
        command="check",
        text="migrations: no mistakes\n",
        document={
            "database": None,
            "errors": [],
            "source_format": "asyncmig",
            "order": ["001", "002", "R__totals"],
            "without_transaction": [],
            "reversible": ["001", "002"],
        },
    ),
    Happy(
        command="lint --no-squawk",
        text="nothing found in 3 migrations\n",
        document={"database": None, "findings": [], "notes": []},
    ),
    Happy(
        command="trace",
        before=("up",),
        text="nothing to trace: <address>\n",
        document={"current": "002", "traced": [], "untraced": []},
        kinds=("postgresql",),
    ),
    Happy(
        command="up",
        text="applied  001 users (T)\napplied  002 posts (T)\napplied  R__totals (T)\n"
        f"3 applied in T: {ALL}\n",
        document={"current": "002", "pending": 0, "migrations": ALL_APPLIED},
    ),
    Happy(
        command="up --to 1",
        text="applied  001 users (T)\n1 applied in T: <address> is at 001; 2 pending\n",
        document={"current": "001", "pending": 2, "migrations": ALL_APPLIED[:1]},
    ),
    Happy(
        command="up",
        before=("up",),
        text=f"nothing to do: {ALL}\n",
        document={"current": "002", "pending": 0},
    ),
    Happy(
        command="up --baseline 1",
        arrange=their_table,
        text="baseline 001: the database had tables already\napplied  002 posts (T)\n"
        f"applied  R__totals (T)\n2 applied in T: {ALL}\n",
        document={
            "current": "002",
            "pending": 0,
            "migrations": ALL_APPLIED[1:],
            "postponed": [],
            "baseline": "001",
        },
    ),
    Happy(
        command="down",
        before=("up",),
        text="reverted 002 posts (T)\n1 reverted in T: <address> is at 001; 2 pending\n",
        document={"current": "001", "pending": 2, "migrations": [{**ROW_002, **GONE}]},
    ),
    Happy(
        command="redo",
        before=("up",),
        text="reverted 002 posts (T)\napplied  002 posts (T)\napplied  R__totals (T)\n"
        f"2 applied, 1 reverted in T: {ALL}\n",
        document={
            "current": "002",
            "pending": 0,
            "migrations": [{**ROW_002, **GONE}, *ALL_APPLIED[1:]],
        },
    ),
    Happy(
        command="reset --yes",
        before=("up --to 1",),
        arrange=lambda project: project.migrations.remove("R__totals.sql"),
        text="reverted 001 users (T)\napplied  001 users (T)\napplied  002 posts (T)\n"
        f"2 applied, 1 reverted in T: {ALL}\n",
        document={
            "current": "002",
            "pending": 0,
            "migrations": [{**ROW_001, **GONE}, *ALL_APPLIED[:2]],
        },
    ),
    Happy(
        command="status",
        before=("up --to 1",),
        text="VERSION  NAME    STATE    APPLIED (UTC)        TIME\n"
        "001      users   applied  WHEN  T\n"
        "002      posts   pending\n"
        "R__      totals  pending\n"
        "\n"
        "<address>: at 001, 2 pending\n",
        document={
            "current": "001",
            "pending": 2,
            "migrations": [ALL_APPLIED[0], *ALL_PENDING[1:]],
        },
    ),
    Happy(
        command="status --check",
        text="VERSION  NAME    STATE\n"
        "001      users   pending\n"
        "002      posts   pending\n"
        "R__      totals  pending\n"
        "\n"
        "<address>: no migration applied, 3 pending\n",
        document={"pending": 3, "migrations": ALL_PENDING},
        exit_code=3,
    ),
    Happy(
        command="plan",
        before=("up --to 1",),
        text="    VERSION  NAME    FILE\n"
        "up  002      posts   migrations/002_posts.sql\n"
        "up  R__      totals  migrations/R__totals.sql\n"
        "\n"
        "2 would run: <address> is at 001\n",
        document={
            "current": "001",
            "pending": 2,
            "migrations": [ALL_APPLIED[0], *ALL_PENDING[1:]],
            "steps": [step("002", "posts", "up"), step("R__totals", "totals", "up")],
        },
    ),
    Happy(
        command="plan --down --to 0",
        before=("up",),
        text="      VERSION  NAME   FILE\n"
        "down  002      posts  migrations/002_posts.sql\n"
        "down  001      users  migrations/001_users.sql\n"
        "\n"
        f"2 would run: {ALL}\n",
        document={
            "current": "002",
            "pending": 0,
            "migrations": ALL_APPLIED,
            "steps": [step("002", "posts", "down"), step("001", "users", "down")],
        },
    ),
    Happy(
        command="history",
        before=("up --to 1", "down"),
        text="ID  WHEN (UTC)           WHAT  VERSION  NAME   STATE     TIME  BY\n"
        "1   WHEN  up    001      users  reverted  T  BY\n"
        "2   WHEN  down  001      users  reverted  T  BY\n",
        document={
            "migrations": [
                {**ROW_001, **APPLIED, "state": "reverted", "id": 1, "origin": "run", **BY},
                {**ROW_001, **GONE, "id": 2, "origin": "run", **BY},
            ],
        },
    ),
    Happy(
        command="verify",
        before=("up",),
        text="<address>: files and history agree (3 migrations)\n",
        document={"current": "002", "pending": 0, "migrations": ALL_APPLIED},
    ),
    Happy(
        command="wait",
        before=("up",),
        text=f"{ALL}, nothing pending\n",
        document={"current": "002", "pending": 0, "migrations": ALL_APPLIED},
    ),
    Happy(
        command="adopt",
        arrange=by_golang_migrate,
        text="applied by golang-migrate, with a file here:\n"
        "  VERSION  NAME\n"
        "  001      users\n"
        "\n"
        "<address>: 1 migration adopted from golang-migrate (<table>)\n",
        document={
            "migrations": [{**ROW_001, **APPLIED, "duration_ms": None}],
            "description": "1 migration adopted from golang-migrate (<table>)",
            "changed": True,
            "tool": "golang-migrate",
            "table": "<table>",
            "matched": [
                {
                    "version": "001",
                    "name": "users",
                    "key": "001",
                    "file": "migrations/001_users.sql",
                    "applied_at": None,
                }
            ],
            "without_file": [],
            "out_of_order": [],
            "differing": [],
            "verified": 0,
            "adopted": 1,
        },
    ),
    Happy(
        command="baseline latest",
        text="<address>: everything up to 002 is declared to be in the database\n",
        document={
            "migrations": [
                {
                    **ROW_002,
                    **APPLIED,
                    "name": "baseline",
                    "kind": "baseline",
                    "checksum": "",
                    "progress": None,
                }
            ],
            "description": "everything up to 002 is declared to be in the database",
            "changed": True,
        },
    ),
    Happy(
        command="repair --mark 2 --yes",
        before=("up --to 1",),
        text="<address>: migration 2 counts as applied from now on, without being run\n",
        document={
            "migrations": [{**ROW_002, **APPLIED}],
            "description": "migration 2 counts as applied from now on, without being run",
            "changed": True,
        },
    ),
    Happy(
        command="repair --accept 1 --yes",
        before=("up",),
        arrange=edited,
        text="<address>: the file of 1 as it is now stands for what was applied\n",
        document={
            "migrations": [
                {
                    **ROW_001,
                    **APPLIED,
                    "progress": None,
                    "checksum": checksum("-- edited\nCREATE TABLE users (id INTEGER);\n"),
                }
            ],
            "description": "the file of 1 as it is now stands for what was applied",
            "changed": True,
        },
    ),
)


@pytest.fixture
def prepared(empty_project: Project, case: Happy) -> Project:
    """Return a project with three migrations, ready for the command."""
    for name, content in FILES.items():
        empty_project.migrations.write(name, content)
    for command in case.before:
        assert 0 == empty_project.call(*command.split(), "-q").exit_code
    case.arrange(empty_project)
    return empty_project


def masked_text(text: str, project: Project) -> str:
    """Return the text without what differs from run to run."""
    text = text.replace(project.address, "<address>").replace(str(project.root), "<root>")
    text = re.sub(r"(public\.)?schema_migrations", "<table>", text)
    # A column is as wide as its longest time: 9 ms beside 12 ms.
    text = re.sub(r"\b(T|TIME) {2,}", r"\1  ", _times(text))
    return re.sub(r" T  \S+$", " T  BY", text, flags=re.MULTILINE)


def _times(text: str) -> str:
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


def masked_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what differs from run to run; what is absent stays absent."""
    return {
        key: UNKNOWN[key] if key in UNKNOWN and value is not None else value
        for key, value in row.items()
    }


on_each_database = pytest.mark.parametrize(
    ("url", "case"),
    [
        pytest.param(kind, case, id=f"{case.command}-{kind}")
        for case in HAPPY
        for kind in case.kinds
    ],
    indirect=["url"],
)


@on_each_database
def test_people_see_what_a_command_did(prepared: Project, case: Happy) -> None:
    """Nothing more, and nothing on stderr."""
    told = prepared.call(*case.command.split())

    assert (case.exit_code, case.text, "") == (
        told.exit_code,
        masked_text(told.stdout, prepared),
        told.stderr,
    )


@on_each_database
def test_programs_get_one_document(prepared: Project, case: Happy) -> None:
    """The same fields in the same order for every command, and then its own."""
    told = prepared.call(*case.command.split(), "--json")

    document = json.loads(masked_text(told.stdout, prepared))
    document["migrations"] = [masked_row(row) for row in document["migrations"]]
    expected = {
        "format": 1,
        "command": case.command.split()[0],
        "database": "<address>",
        "current": None,
        "pending": None,
        "migrations": [],
        "lock_wait_ms": document["lock_wait_ms"],
        "error": None,
        **({"postponed": []} if "pending" in case.document else {}),
        **case.document,
    }
    assert (case.exit_code, expected, "") == (told.exit_code, document, told.stderr)
    assert list(expected) == list(document)


def test_every_command_is_tried() -> None:
    """A new command cannot be forgotten here."""
    from asyncmig.cli.commands import ENTRIES

    assert {entry.name for entry in ENTRIES} == {case.command.split()[0] for case in HAPPY}


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_script_is_printed_alone_or_inside_the_document(project: Project) -> None:
    """`plan --sql` is piped into a shell, and `--json` quotes the same script."""
    project.migrations.write("002_posts.sql", FILES["002_posts.sql"])

    script = project.call("plan", "--sql").stdout
    document = project.document("plan", "--sql")

    head = ".bail on" if project.is_sqlite else "\\set ON_ERROR_STOP on"
    assert head in script
    assert without_run(script) == without_run(document["script"])


def without_run(script: str) -> list[str]:
    """Return the lines of a script without the id of the run that made it."""
    return re.sub(r"'[0-9a-f]{12}'", "RUN", script).splitlines()
