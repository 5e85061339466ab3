"""``asyncmig adopt``: the lists, the document and the exit codes."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

LATE = """\
applied by dbmate, with a file here:
  VERSION  NAME
  002      posts

not applied, and older than the newest that is: `up` will stop there:
  VERSION  NAME
  001      users

"""


def _migrated_by_dbmate(cli: CommandLine, *versions: str) -> None:
    with contextlib.closing(sqlite3.connect(cli.root / "app.db")) as connection, connection:
        connection.execute("CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)")
        connection.executemany(
            "INSERT INTO schema_migrations VALUES (?)", [(version,) for version in versions]
        )


def test_adopt_shows_what_it_takes_over(cli: CommandLine) -> None:
    """A dry run shows the same lists."""
    _migrated_by_dbmate(cli, "002")

    looked, done = cli("adopt", "--dry-run"), cli("adopt")

    whose = "adopted from dbmate (schema_migrations)\n"
    assert (0, f"{LATE}app.db: 1 migration can be {whose}") == (looked.exit_code, looked.stdout)
    assert (0, f"{LATE}app.db: 1 migration {whose}") == (done.exit_code, done.stdout)
    assert "adopted from dbmate" in cli("history").stdout


def test_a_refused_adoption_shows_the_lists_and_says_why(cli: CommandLine) -> None:
    """All of it goes to stderr, as nothing came of it; history and files disagree: 6."""
    _migrated_by_dbmate(cli, "001", "0015", "002", "5")
    (cli.migrations.path / "001_users.sql").unlink()

    told = cli("adopt", "--dry-run")

    assert (6, "") == (told.exit_code, told.stdout)
    assert "without a file here:\n  VERSION  NAME\n  001      001\n" in told.stderr
    assert "\n\nerror: dbmate has applied 001, but the files are gone\nhint: " in told.stderr


def test_the_document_of_a_refused_adoption_has_the_lists_and_the_error(cli: CommandLine) -> None:
    """One document, whatever happens."""
    _migrated_by_dbmate(cli, "001", "002")
    (cli.migrations.path / "001_users.sql").unlink()

    document = cli.document("adopt")

    assert ("ForeignHistoryError", "001") == (
        document["error"]["type"],
        document["error"]["version"],
    )
    assert (["001"], False, 0) == (
        [row["key"] for row in document["without_file"]],
        document["changed"],
        document["adopted"],
    )


def test_the_document_of_an_adoption_has_the_rows(cli: CommandLine) -> None:
    """As every command that writes into the history."""
    _migrated_by_dbmate(cli, "001")

    document = cli.document("adopt")

    assert (["001"], True, "dbmate", "schema_migrations", 1) == (
        [row["version"] for row in document["migrations"]],
        document["changed"],
        document["tool"],
        document["table"],
        document["adopted"],
    )


@pytest.mark.parametrize("words", [["--map", "001"], ["--from", "goos"], ["--column", "c"]])
def test_what_makes_no_sense_is_wrong_usage(cli: CommandLine, words: list[str]) -> None:
    """Nothing is looked at then."""
    told = cli("adopt", *words)

    assert (2, "") == (told.exit_code, told.stdout)


def test_nothing_to_adopt_is_no_error(cli: CommandLine) -> None:
    """A new database may come by here, too."""
    told = cli("adopt")

    sentence = "app.db: there is no history of another tool here, so there is nothing to adopt\n"
    assert (0, sentence) == (told.exit_code, told.stdout)
