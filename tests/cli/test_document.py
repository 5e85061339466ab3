"""``--json``: exactly one document on stdout, whatever happens."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import errors
from asyncmig.cli.commands import ENTRIES
from asyncmig.history import Problem, State
from asyncmig.migration import Direction
from tests.cli.test_exit_codes import CODES

if TYPE_CHECKING:
    from asyncmig.cli.settings import Settings
    from asyncmig.events import Observer
    from tests.cli.conftest import CommandLine

ENVELOPE = [
    "format",
    "command",
    "database",
    "current",
    "pending",
    "migrations",
    "lock_wait_ms",
    "error",
]
ROW = [
    "version",
    "name",
    "kind",
    "state",
    "problems",
    "direction",
    "applied_at",
    "duration_ms",
    "checksum",
    "progress",
]
ERROR = ["type", "message", "hint", "version", "file", "line", "column"]
WORDS = {
    "import": ["alembic", "--config", "alembic", "--no-env", "--source", "elsewhere"],
    "new": ["add_tags"],
    "baseline": ["latest"],
    "repair": ["--mark", "1", "--yes"],
    "reset": ["--yes"],
}
MORE = {
    **{name: ["postponed"] for name in ("up", "down", "redo", "reset")},
    **{name: ["postponed"] for name in ("status", "verify", "wait")},
    "init": ["paths"],
    "new": ["paths"],
    "import": ["paths", "unfinished"],
    "check": ["errors", "source_format", "order", "without_transaction", "reversible"],
    "lint": ["findings", "notes"],
    "plan": ["postponed", "steps"],
    "adopt": [
        "description",
        "changed",
        "tool",
        "table",
        "matched",
        "without_file",
        "out_of_order",
        "differing",
        "verified",
        "adopted",
    ],
    "baseline": ["description", "changed"],
    "repair": ["description", "changed"],
}
REVISION = """\
revision, down_revision = "a1", None


def upgrade():
    pass


def downgrade():
    pass
"""
OF_HISTORY = ["id", "user", "host", "pid", "run_id", "origin", "tool_version"]
CHECKSUM = re.compile(r"sha256:v1:[0-9a-f]{64}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(autouse=True)
def _quiet_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCMIG_LOG_FORMAT", "none")


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES if entry.name != "trace"])
def test_the_document_of_every_command_has_the_same_fields(cli: CommandLine, name: str) -> None:
    """In the order of the contract; a command's own fields stand behind them."""
    words = WORDS.get(name, [])
    if name not in {"new", "init", "check", "baseline", "repair"}:
        cli("up")
    if name == "import":
        versions = cli.root / "alembic" / "versions"
        versions.mkdir(parents=True)
        (versions / "a1_users.py").write_text(REVISION, encoding="utf-8")

    document = cli.document(name, *words)

    assert ([*ENVELOPE, *MORE.get(name, [])], 1, name, None) == (
        list(document),
        document["format"],
        document["command"],
        document["error"],
    )
    more = OF_HISTORY if name == "history" else []
    assert all(list(row) == [*ROW, *more] for row in document["migrations"])


def test_the_document_of_up_has_what_the_run_applied(cli: CommandLine) -> None:
    """Every field of every migration, as the contract spells it."""
    document = cli.document("up")

    rows = document.pop("migrations")
    waited = document.pop("lock_wait_ms")
    assert {
        "format": 1,
        "command": "up",
        "database": "app.db",
        "current": "002",
        "pending": 0,
        "error": None,
        "postponed": [],
    } == document
    assert isinstance(waited, int)
    for row in rows:
        assert MOMENT.fullmatch(row.pop("applied_at"))
        assert CHECKSUM.fullmatch(row.pop("checksum"))
        assert isinstance(row.pop("duration_ms"), int)
    common: dict[str, Any] = {"state": "applied", "problems": [], "direction": "up"}
    common["progress"] = None
    assert [
        {"version": "001", "name": "users", "kind": "versioned", **common},
        {"version": "002", "name": "posts", "kind": "versioned", **common},
        {"version": "R__totals", "name": "totals", "kind": "repeatable", **common},
    ] == rows


def test_the_document_of_down_has_what_the_run_reverted(cli: CommandLine) -> None:
    """With the state and the direction of a reversal."""
    cli("up")

    document = cli.document("down")

    rows = [(row["version"], row["state"], row["direction"]) for row in document["migrations"]]
    assert ([("002", "reverted", "down")], "001", 2) == (
        rows,
        document["current"],
        document["pending"],
    )


def test_the_document_of_a_failed_run_has_what_it_applied_before(cli: CommandLine) -> None:
    """And the error with its place, and where the database stands now."""
    cli.migrations.write("003_bad.sql", "SELECT 1;\nSELECT nope FROM users;\n")

    document = cli.document("up")

    done = [(row["version"], row["state"]) for row in document["migrations"]]
    assert [("001", "applied"), ("002", "applied")] == done
    assert ("002", 2) == (document["current"], document["pending"])
    assert {
        "type": "MigrationFailedError",
        "message": "migration 003 failed at migrations/003_bad.sql:2:8: no such column: nope",
        "hint": None,
        "version": "003",
        "file": "migrations/003_bad.sql",
        "line": 2,
        "column": 8,
    } == document["error"]


def test_the_document_of_status_has_every_known_migration(cli: CommandLine) -> None:
    """Also those that never ran, with nothing in the fields that say when."""
    cli("up", "--steps", "1")

    document = cli.document("status")

    rows = [
        [row[key] for key in ("version", "state", "direction", "applied_at", "duration_ms")]
        for row in document["migrations"][1:]
    ]
    assert [
        ["002", "pending", None, None, None],
        ["R__totals", "pending", None, None, None],
    ] == rows


def test_a_migration_that_never_ran_is_unapplied_in_the_document_after_a_reversal(
    cli: CommandLine,
) -> None:
    """What is pending again says which way it went last."""
    cli("up")
    cli("down")

    row = cli.document("status")["migrations"][1]

    assert ("002", "pending", "down") == (row["version"], row["state"], row["direction"])


def test_the_document_of_a_plan_has_the_steps_and_the_script(cli: CommandLine) -> None:
    """The script only if it was asked for."""
    document = cli.document("plan", "--sql", "--steps", "1")

    assert [
        {
            "version": "001",
            "name": "users",
            "direction": "up",
            "file": "migrations/001_users.sql",
            "transaction": True,
        }
    ] == document["steps"]
    assert "CREATE TABLE users" in document["script"]


class Failing:
    """A migrator whose every call raises."""

    database = "postgresql://app@db/shop"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def status(self) -> None:
        """Raise."""
        raise self._error


def failing_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Put a migrator in place that raises."""

    def open_failing(settings: Settings, observer: Observer) -> Failing:
        del settings, observer
        return Failing(error)

    monkeypatch.setattr("asyncmig.cli.opening.open_migrator", open_failing)


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_every_error_is_a_document_and_a_sentence(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, error: errors.AsyncmigError, code: int
) -> None:
    """The same code, one document on stdout, no traceback anywhere."""
    failing_with(monkeypatch, error)

    told, document = cli("status"), cli("status", "--json")

    found: dict[str, Any] = json.loads(document.stdout)
    assert (code, code, "") == (told.exit_code, document.exit_code, told.stdout)
    behind = ["locks"] if isinstance(error, errors.LockPolicyError) else []
    assert (ENVELOPE, [*ERROR, *behind], type(error).__name__, error.message) == (
        list(found),
        list(found["error"]),
        found["error"]["type"],
        found["error"]["message"],
    )
    assert "postgresql://app@db/shop" == found["database"]
    assert (True, False) == (
        told.stderr.startswith(f"error: {error.message}"),
        "Traceback" in told.stderr + document.stderr,
    )


def test_a_bug_is_a_document_and_a_traceback(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that reads the document must not meet an empty one."""
    failing_with(monkeypatch, ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        cli("status", "--json")

    document = json.loads(capsys.readouterr().out)
    assert ("ZeroDivisionError", "a bug") == (
        document["error"]["type"],
        document["error"]["message"],
    )


def test_a_password_in_a_message_is_masked(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of defence, in front of every error that is printed."""
    url = "postgresql://app:hunter2@db/shop"
    failing_with(monkeypatch, errors.DatabaseUnavailableError(f"no answer from {url}"))

    told, document = cli("status"), cli("status", "--json")

    everything = f"{told.stdout}{told.stderr}{document.stdout}{document.stderr}"
    assert (False, True) == ("hunter2" in everything, "postgresql://app:***@db/shop" in everything)


def test_the_document_is_ascii(cli: CommandLine) -> None:
    """No encoding of a pipe can break it."""
    cli.migrations.write("003_größe.sql", "SELECT 1;\n")

    told = cli("up", "--json")

    assert (True, "größe") == (
        told.stdout.isascii(),
        json.loads(told.stdout)["migrations"][2]["name"],
    )


def test_json_is_understood_where_nothing_else_is(bare: CommandLine) -> None:
    """A misspelled command is an answer in the form that was asked for."""
    document = bare.document("upgrade")

    assert (None, "UsageError") == (document["command"], document["error"]["type"])


def test_the_words_of_the_documents_are_those_of_the_contract() -> None:
    """Programs compare them."""
    states = [
        "applied",
        "pending",
        "missing",
        "ahead",
        "applying",
        "failed",
        "baseline",
        "reverted",
    ]
    problems = ["changed", "out_of_order", "missing", "incomplete", "invalid_index"]

    assert states == [state.value for state in State]
    assert problems == [problem.value for problem in Problem]
    assert ["up", "down"] == [direction.value for direction in Direction]
