"""``asyncmig up --single-transaction``: all or nothing, and said so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

BROKEN = "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n"
REFUSED = (
    "error: migration 003 cannot be part of a single transaction: it runs outside a transaction "
    "(migrations/003_vacuum.sql)"
)
REMEDY = (
    "hint: leave out --single-transaction (single_transaction= in Python), or stop in front of it "
    "with --to"
)
OUTSIDE = "-- migrate:up transaction:false\nVACUUM;\n"


def tables(cli: CommandLine) -> list[str]:
    """Return the tables of the database, but for the history."""
    with closing(sqlite3.connect(cli.root / "app.db")) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return sorted(name for (name,) in found if name != "asyncmig_history")


def test_everything_is_applied(cli: CommandLine) -> None:
    """A line for each, and the sum, as of any other run."""
    finished = cli("up", "--single-transaction", "--log-format", "none")

    assert 0 == finished.exit_code
    assert ["applied", "applied", "applied", "3"] == [
        line.split()[0] for line in finished.stdout.splitlines()
    ]
    assert ["posts", "users"] == tables(cli)


def test_the_document_lists_all_of_them(cli: CommandLine) -> None:
    """It is the document of any other run."""
    document = cli.document("up", "--single-transaction")

    found = [(row["version"], row["state"]) for row in document["migrations"]]
    assert [("001", "applied"), ("002", "applied"), ("R__totals", "applied")] == found
    assert (0, "002", None) == (document["pending"], document["current"], document["error"])


def test_a_failure_says_what_was_rolled_back_with_it(cli: CommandLine) -> None:
    """The place in the file, the line, those before it, and where the database stands."""
    cli.migrations.write("003_broken.sql", BROKEN)

    finished = cli("up", "--single-transaction", "--log-format", "none")

    assert (1, "") == (finished.exit_code, finished.stdout)
    assert [
        "error: migration 003 failed at migrations/003_broken.sql:2:13: no such table: nowhere",
        "    2 | INSERT INTO nowhere VALUES (1);",
        "      |             ^",
        "rolled back with it: 001, 002",
        "nothing is applied; 4 pending",
    ] == finished.stderr.splitlines()
    assert [] == tables(cli)


def test_the_document_of_a_failure_says_so(cli: CommandLine) -> None:
    """No migration in it, and those that were rolled back in the error."""
    cli.migrations.write("003_broken.sql", BROKEN)

    document = cli.document("up", "--single-transaction")

    expected: dict[str, Any] = {
        "type": "MigrationFailedError",
        "message": "migration 003 failed at migrations/003_broken.sql:2:13: no such table: nowhere",
        "hint": None,
        "version": "003",
        "file": "migrations/003_broken.sql",
        "line": 2,
        "column": 13,
        "rolled_back": ["001", "002"],
    }
    assert expected == document["error"]
    assert ([], None, 4) == (document["migrations"], document["current"], document["pending"])


def test_a_file_that_cannot_is_refused_before_anything_runs(cli: CommandLine) -> None:
    """With one sentence that names it, and exit code 2; there is no database yet."""
    cli.migrations.write("003_vacuum.sql", OUTSIDE)

    finished = cli("up", "--single-transaction", "--log-format", "none")

    assert (2, "") == (finished.exit_code, finished.stdout)
    assert [REFUSED, REMEDY] == finished.stderr.splitlines()
    assert not (cli.root / "app.db").exists()


def test_a_statement_that_cannot_is_refused_before_anything_runs(cli: CommandLine) -> None:
    """Also where its file does not say so."""
    cli.migrations.write("003_vacuum.sql", "VACUUM;\n")

    finished = cli("up", "--single-transaction", "--log-format", "none")

    assert 2 == finished.exit_code
    assert finished.stderr.startswith(
        "error: migrations/003_vacuum.sql:1:1: VACUUM cannot run inside a transaction\n"
    )
    assert [] == tables(cli)


@pytest.mark.parametrize("place", ["environment", "section"])
def test_it_is_a_setting_too(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """As every other one of a run."""
    cli.migrations.write("003_broken.sql", BROKEN)
    if place == "environment":
        monkeypatch.setenv("ASYNCMIG_SINGLE_TRANSACTION", "true")
    else:
        with (cli.root / "pyproject.toml").open("a") as section:
            section.write("single-transaction = true\n")

    finished = cli("up", "--log-format", "none")

    assert (1, []) == (finished.exit_code, tables(cli))
