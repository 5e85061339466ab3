"""What the command line says of locks: the table, the documents, the trace."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.cli.output.locks import locks_table
from asyncmig.events import LocksReported, MigrationApplied
from asyncmig.locks import LockMode, LockReport
from asyncmig.migration import Direction
from tests.cli.test_progress import told
from tests.test_locks import INDEX, ORDERS, READ, USERS

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

UP = Direction.UP
REPORT = LockReport((USERS, ORDERS), 2048)
APPLIED = MigrationApplied("r1", "db", "001", "users", UP, 12)
REPORTED = LocksReported("r1", "db", "001", "users", UP, REPORT)
LOCKS = ["held_ms", "wal_bytes", "batches", "relations"]
REWRITE = "ALTER TABLE users ALTER COLUMN id TYPE bigint"


def test_a_table_shows_what_matters() -> None:
    """A lock that lets others go on is counted, unless the table was read from end to end."""
    quiet = replace(READ, relation="public.quiet", scanned=False)

    header = (
        "RELATION       LOCK              BLOCKS         DONE TO IT          ROWS  SIZE  HELD   "
        "LINE"
    )
    assert [
        header,
        "public.users   ACCESS EXCLUSIVE  reads, writes  rewritten, scanned  7     8 kB  12 ms  3",
        "public.orders  SHARE             writes                                   0 B   40 ms",
        "public.read    ACCESS SHARE                     scanned                   0 B   90 ms",
        "locked others out for 40 ms, 2 kB of WAL, 1 weaker lock",
    ] == locks_table(LockReport((USERS, ORDERS, READ, quiet), 2048))


def test_a_table_counts_what_was_locked_before() -> None:
    """In a trace nearly everything is, in the end; what was done under it is shown."""
    held = replace(INDEX, inherited=True, rewritten=False, scanned=False)

    assert [
        "RELATION      LOCK              BLOCKS         DONE TO IT  ROWS  SIZE  HELD       LINE",
        "public.users  ACCESS EXCLUSIVE  reads, writes  rewritten   7     8 kB  before it  3",
        "locked others out for 12 ms, 2 locks held since before it",
    ] == locks_table(LockReport((replace(USERS, inherited=True, scanned=None), held, held), 0))


def test_a_migration_that_locks_nobody_out_says_so() -> None:
    """There is no table then."""
    weak = replace(READ, mode=LockMode.ROW_EXCLUSIVE, scanned=False)

    assert ["locked nobody out, 2 weaker locks"] == locks_table(LockReport((weak, weak), 0))


@pytest.mark.parametrize(("batches", "words"), [(1, "1 batch"), (12, "12 batches")])
def test_a_table_says_how_many_batches_it_is_about(batches: int, words: str) -> None:
    """It has the worst of them."""
    assert [f"locked nobody out, 2 kB of WAL, in {words}"] == locks_table(
        LockReport((), 2048, batches)
    )


def test_the_table_stands_below_the_migration() -> None:
    """Where somebody wants to know; a report of a try that came to nothing is none."""
    again = replace(REPORTED, report=LockReport((), 0))

    shown, _ = told(again, REPORTED, APPLIED, APPLIED, out=io.StringIO(), locks=True)
    hidden, _ = told(REPORTED, APPLIED, out=io.StringIO())

    applied = "applied  001 users (12 ms)"
    assert [applied, *(f"    {line}" for line in locks_table(REPORT)), applied] == (
        shown.splitlines()
    )
    assert [applied] == hidden.splitlines()


@pytest.fixture
def shop(bare: CommandLine, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Return the command line in a project with a table on PostgreSQL, and a rewrite to come."""
    monkeypatch.setenv("ASYNCMIG_DATABASE", postgres_url)
    monkeypatch.setenv("ASYNCMIG_LOG_FORMAT", "none")
    bare.migrations.path.mkdir()
    bare.migrations.write("1_users.sql", "CREATE TABLE users (id integer PRIMARY KEY)")
    assert 0 == bare("up").exit_code
    bare.migrations.write("2_big_ids.sql", REWRITE)
    return bare


def test_up_shows_locks_only_when_it_is_to_say_more(shop: CommandLine) -> None:
    """As a table, with the words of the report."""
    shop.migrations.write("3_name.sql", "ALTER TABLE users ADD COLUMN name text")

    quiet, verbose = shop("up", "--steps", "1").stdout, shop("up", "-v").stdout

    assert ("ACCESS EXCLUSIVE" in quiet, "ACCESS EXCLUSIVE" in verbose) == (False, True)


@pytest.mark.parametrize("words", [("--lock-report",), ("-v",), ("--fail-on", "scan,rewrite")])
def test_a_document_has_the_locks_when_they_are_asked_for(
    shop: CommandLine, words: tuple[str, ...]
) -> None:
    """Behind the row of a migration that went well, behind the error of one that did not."""
    shop.migrations.write("3_name.sql", "ALTER TABLE users ADD COLUMN name text")

    document = shop.document("up", *words)

    rows: list[Any] = [*document["migrations"], *filter(None, [document["error"]])]
    assert [LOCKS] * len(rows) == [list(row["locks"]) for row in rows]
    assert "public.users" == rows[0]["locks"]["relations"][0]["relation"]


def test_a_document_has_no_locks_otherwise(shop: CommandLine) -> None:
    """Fields may be added, and are only where they say something."""
    assert "locks" not in shop.document("up")["migrations"][0]


def test_what_a_policy_refuses_fails_with_the_locks_before_it(shop: CommandLine) -> None:
    """Those of what had been applied are told as well."""
    shop.migrations.write("2_big_ids.sql", "ALTER TABLE users ADD COLUMN name text")
    shop.migrations.write("3_big_ids.sql", REWRITE)

    document = shop.document("up", "--fail-on", "rewrite")

    assert ("LockPolicyError", "3", 1) == (
        document["error"]["type"],
        document["error"]["version"],
        document["pending"],
    )
    assert [["public.users"]] == [
        [relation["relation"] for relation in row["locks"]["relations"]]
        for row in document["migrations"]
    ]


def test_trace_shows_what_is_pending_and_exits_with_what_a_policy_says(shop: CommandLine) -> None:
    """Nothing is applied by it."""
    shop.migrations.write("3_index.py", "async def up(connection): ...\n")
    shop.migrations.write("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT id FROM users")

    plain, refused = shop("trace"), shop("trace", "--fail-on", "rewrite", "--to", "2")

    lines = plain.stdout.splitlines()
    assert "2 big_ids" == lines[0]
    assert ["RELATION", "LOCK", "BLOCKS"] == lines[1].split()[:3]
    assert any(line.startswith("3 index: left out, it is Python") for line in lines)
    assert "R__view" in lines
    assert lines[-1].startswith("2 traced and rolled back: postgresql://")
    assert "    refused: rewrite of public.users (0 B)" in refused.stdout.splitlines()
    assert refused.stdout.rstrip().endswith("; fail_on would refuse 1 of what they do")
    assert (0, 3, 3) == (plain.exit_code, refused.exit_code, shop.document("status")["pending"])


def test_the_document_of_a_trace_has_the_reports(shop: CommandLine) -> None:
    """One for each migration, and what would be refused."""
    shop.migrations.write("3_index.py", "async def up(connection): ...\n")

    document = shop.document("trace", "--fail-on", "rewrite")

    assert ("trace", "1", None, []) == (
        document["command"],
        document["current"],
        document["pending"],
        document["migrations"],
    )
    (row,) = document["traced"]
    assert LOCKS == list(row.pop("locks"))
    assert {
        "version": "2",
        "name": "big_ids",
        "file": "migrations/2_big_ids.sql",
        "batch": None,
        "violations": [{"hazard": "rewrite", "relation": "public.users"}],
    } == row
    (left,) = document["untraced"]
    assert ("3", "index", "migrations/3_index.py") == (left["version"], left["name"], left["file"])


def test_trace_says_that_it_ran_one_batch(shop: CommandLine) -> None:
    """For people behind the name, for programs as a number of rows."""
    statement = "DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT :batch_size)"
    shop.migrations.write("2_big_ids.sql", f"-- migrate:up batch:5000\n{statement};\n")

    text, (row,) = shop("trace").stdout, shop.document("trace")["traced"]

    assert ("2 big_ids: one batch of 5,000 rows", 5000) == (text.splitlines()[0], row["batch"])


def test_trace_can_be_on_a_scratch_database(shop: CommandLine, postgres_url: str) -> None:
    """What is pending there counts, and no other database has to be named."""
    template = postgres_url.replace("test_", "nowhere_")
    shop.document("status")

    report = shop.document("trace", "--database", template, "--scratch", postgres_url)

    assert ["2"] == [row["version"] for row in report["traced"]]


def test_trace_says_that_there_is_nothing_to_see_on_sqlite(cli: CommandLine) -> None:
    """One sentence, and no database comes to be."""
    told_off = cli("trace")

    assert (2, "") == (told_off.exit_code, told_off.stdout)
    sentence = "there is nothing to trace on SQLite: whoever writes locks the whole database"
    assert f"error: {sentence}" == told_off.stderr.splitlines()[0]
    assert not (cli.root / "app.db").exists()


def test_a_policy_is_none_on_sqlite(cli: CommandLine) -> None:
    """The section of a project is for all of its databases."""
    assert 0 == cli("up", "-v", "--fail-on", "rewrite,scan").exit_code
