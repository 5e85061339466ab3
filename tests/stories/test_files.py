"""Stories 9 to 11, 13, 20, 23: what is in the files, and in which order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import AsyncmigError, InvalidMigrationError, OutOfOrderError
from asyncmig.history import Problem
from tests.database import ask, tables
from tests.stories.runs import applied, quiet

if TYPE_CHECKING:
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer);\n-- ein Kommentar; ä\nINSERT INTO users VALUES (1);\n"
FUNCTIONS = """\
CREATE TABLE atomic (id integer, "begin atomic" integer); -- not; a; statement
CREATE FUNCTION one() RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    /* nested /* ; */ ; */
    RETURN length(';') + CASE WHEN ';' = E'\\';' THEN 1 ELSE 0 END;
END;
$body$;
CREATE FUNCTION two() RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT CASE WHEN one() = 1 THEN 2 ELSE 0 END;
END;
CREATE RULE nothing AS ON DELETE TO atomic DO INSTEAD (SELECT 1; SELECT 2);
INSERT INTO atomic VALUES (two());
"""
TRIGGER = """\
CREATE TABLE users (id integer);
CREATE TRIGGER twice AFTER INSERT ON users WHEN NEW.id < 2 BEGIN
    INSERT INTO users VALUES (CASE WHEN NEW.id = 1 THEN 2 ELSE 3 END); -- a comment; in it
    UPDATE users SET id = id; -- end;
END;
INSERT INTO users VALUES (1);
"""
MODES = ["", "-- migrate:up transaction:false\n"]


async def test_a_late_merge_is_neither_skipped_nor_applied_in_silence(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 9: a version below the newest applied one comes with a branch that was merged late."""
    migration_folder.write("001_users.sql", USERS)
    migration_folder.write("003_third.sql", "CREATE TABLE third (id integer);")
    await quiet(database_url, migration_folder).up()
    migration_folder.write("002_late.sql", "CREATE TABLE late (id integer);")

    with pytest.raises(OutOfOrderError, match="migration 002 is pending below 003"):
        await quiet(database_url, migration_folder).up()
    status = await quiet(database_url, migration_folder).status()
    assert [(Problem.OUT_OF_ORDER,)] == [
        tuple(one.problems) for one in status.migrations if one.key == "002"
    ]
    await quiet(database_url, migration_folder, out_of_order="apply").up()
    assert "late" in await tables(database_url)


@pytest.mark.parametrize("change", ["line ends", "mark", "final newline"])
async def test_a_checkout_that_spells_lines_differently_changes_no_checksum(
    database_url: str, migration_folder: MigrationFolder, change: str
) -> None:
    """Story 10: Windows, an editor that writes a mark, one that adds a newline at the end."""
    spelled = {
        "line ends": USERS.replace("\n", "\r\n").encode(),
        "mark": b"\xef\xbb\xbf" + USERS.encode(),
        "final newline": USERS.rstrip("\n").encode(),
    }
    migration_folder.write("001_users.sql", USERS)
    await quiet(database_url, migration_folder).up()
    migration_folder.write("001_users.sql", spelled[change])

    assert () == (await quiet(database_url, migration_folder).verify()).problems
    assert () == (await quiet(database_url, migration_folder).up()).entries


@pytest.mark.parametrize("mode", MODES)
async def test_no_statement_of_postgresql_is_cut_in_the_middle(
    postgres_url: str, migration_folder: MigrationFolder, mode: str
) -> None:
    """Story 11: semicolons in bodies, rules, strings, comments, and words that look like BEGIN."""
    migration_folder.write("001_functions.sql", mode + FUNCTIONS)
    await quiet(postgres_url, migration_folder).up()

    assert [(2,)] == await ask(postgres_url, "SELECT id FROM atomic")


@pytest.mark.parametrize("mode", MODES)
async def test_no_trigger_of_sqlite_is_cut_in_the_middle(
    sqlite_url: str, migration_folder: MigrationFolder, mode: str
) -> None:
    """Story 11: `END` of a `CASE` is not that of the trigger."""
    migration_folder.write("001_trigger.sql", mode + TRIGGER)
    await quiet(sqlite_url, migration_folder).up()

    assert [(1,), (2,)] == await ask(sqlite_url, "SELECT id FROM users ORDER BY id")


async def test_a_dump_that_empties_the_search_path_does_not_lose_the_history(
    postgres_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 13: pg_dump begins with that, and it outlives the transaction."""
    migration_folder.write(
        "001_dump.sql",
        "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.users ();\n",
    )
    migration_folder.write("002_orders.sql", "CREATE TABLE orders ();")
    await quiet(postgres_url, migration_folder).up()
    again = await quiet(postgres_url, migration_folder).up()

    assert () == again.entries
    assert ["001", "002"] == await applied(postgres_url, migration_folder)
    assert ["asyncmig_history", "orders", "users"] == await tables(postgres_url)


async def test_a_file_with_two_ups_is_refused(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """Story 20: it could be recorded once and applied in half."""
    migration_folder.write(
        "001_users.sql", f"-- migrate:up\n{USERS}-- migrate:up\nCREATE TABLE more (id integer);\n"
    )
    with pytest.raises(InvalidMigrationError, match=r"001_users\.sql"):
        await quiet(database_url, migration_folder).up()

    assert [] == await tables(database_url)


@pytest.mark.parametrize("word", ["COMMIT", "ROLLBACK", "END"])
async def test_a_commit_in_the_middle_of_a_file_does_not_escape_the_transaction(
    database_url: str, migration_folder: MigrationFolder, word: str
) -> None:
    """Story 23: what comes before it would stay although the rest fails."""
    migration_folder.write("001_users.sql", f"{USERS}{word};\nCREATE TABLE more (id integer);\n")
    with pytest.raises(AsyncmigError, match=word):
        await quiet(database_url, migration_folder).up()

    assert [] == [name for name in await tables(database_url) if name != "asyncmig_history"]
