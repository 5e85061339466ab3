"""Taking over a database from another tool, from its table to the rest of the files."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import (
    AsyncmigError,
    ForeignHistoryError,
    HistoryNotEmptyError,
    IncompleteMigrationError,
    SettingsError,
    TargetError,
)
from tests.adopt.folders import WITH_CHECKSUM
from tests.adopt.tables import (
    ATLAS,
    DBMATE,
    EVERY,
    FLYWAY,
    GOLANG_MIGRATE,
    GOOSE,
    LIQUIBASE,
    PRISMA,
    SQLX,
    WITHOUT_TIME,
    YOYO,
    pairs,
)

if TYPE_CHECKING:
    from tests.adopt.conftest import MakeSite, Wish
    from tests.adopt.tables import Made

VICTIM = """
import asyncio, sys, time
import asyncmig, asyncmig.adoption as adoption
decide, calls = adoption.decide, []
def slow(*given):
    calls.append(1)
    rows = decide(*given)
    if len(calls) == 2:
        print("in the transaction", flush=True)
        time.sleep(60)
    return rows
adoption.decide = slow
asyncio.run(asyncmig.Migrator(sys.argv[1], sys.argv[2], observer=None).adopt())
"""


@pytest.mark.parametrize(("database_url", "made"), pairs(EVERY), indirect=["database_url"], ids=str)
async def test_what_a_tool_has_applied_is_taken_over(make_site: MakeSite, made: Made) -> None:
    """Two of three files are applied then, with their times; ``up`` runs the third one alone."""
    site = await make_site(made)
    report = await site.adopt()
    await site.migrator().up()
    again = await site.adopt()

    assert {"1": "applied", "2": "applied", "3": "applied"} == await site.states()
    assert (made.tool, 2, ["1", "2"], {f"adopted from {made.tool}"}) == (
        report.tool,
        report.adopted,
        [entry.key for entry in report.entries],
        {entry.origin for entry in report.entries},
    )
    assert ((), ()) == (report.without_file, report.out_of_order)
    assert (0, ()) == (again.adopted, again.entries)
    if made not in WITHOUT_TIME:
        times = [entry.finished_at for entry in report.entries]
        expected = [datetime(2024, 1, day, 10, tzinfo=UTC) for day in (2, 3)]
        assert expected == [time and time.replace(microsecond=0) for time in times]


async def test_a_dry_run_says_the_same_and_writes_nothing(make_site: MakeSite) -> None:
    """Not even the table of the history is made."""
    site = await make_site(DBMATE)
    told = await site.adopt(dry_run=True)
    exists = (await site.migrator().status()).migrations
    done = await site.adopt()

    assert (told.matched, told.adopted) == (done.matched, done.adopted)
    assert ["pending"] * 3 == [status.state.value for status in exists]
    assert () == told.entries


async def test_nothing_is_written_into_the_other_table(make_site: MakeSite) -> None:
    """A team may go back, or let an old image run beside."""
    site = await make_site(GOOSE)
    await site.sql("CREATE TABLE copy AS SELECT * FROM goose_db_version")
    await site.adopt()
    await site.migrator().up()
    await site.sql(
        "CREATE TABLE proof AS SELECT * FROM goose_db_version EXCEPT SELECT * FROM copy; "
        "INSERT INTO two SELECT count(*) FROM proof; "
        "INSERT INTO three SELECT 1 WHERE (SELECT max(id) FROM two) = 0; "
        "CREATE TABLE verdict (n integer CHECK (n = 1)); "
        "INSERT INTO verdict SELECT count(*) FROM three"
    )


async def test_what_is_older_and_not_applied_is_told(make_site: MakeSite) -> None:
    """Dbmate applies such a file in passing; here ``up`` stops at it."""
    site = await make_site(DBMATE, "DELETE FROM schema_migrations WHERE version = '1'")
    report = await site.adopt()

    assert ["1"] == [one.version for one in report.out_of_order]
    assert {"1": "pending", "2": "applied", "3": "pending"} == await site.states()


async def test_a_baseline_migration_of_flyway_covers_what_is_older(make_site: MakeSite) -> None:
    """`B2` began the database: neither version 1 nor version 2 ever ran there."""
    site = await make_site(
        FLYWAY,
        "DELETE FROM flyway_schema_history WHERE version = '1'; "
        "UPDATE flyway_schema_history SET type = 'SQL_BASELINE', checksum = 7",
    )
    report = await site.adopt()

    assert () == report.out_of_order
    assert {"1": "baseline", "2": "baseline", "3": "pending"} == await site.states()


async def test_what_lost_its_file_is_refused_until_somebody_says_so(make_site: MakeSite) -> None:
    """Squashed files are gone for good: then the rows are kept, and in nobody's way."""
    site = await make_site(DBMATE)
    (site.folder / "1_one.sql").unlink()
    with pytest.raises(ForeignHistoryError, match="dbmate has applied 1, but the files") as caught:
        await site.adopt()
    await site.adopt(allow_missing=True)
    await site.migrator().up()

    assert caught.value.adoption is not None
    assert ["1"] == [one.version for one in caught.value.adoption.without_file]
    assert {"2": "applied", "3": "applied"} == await site.states()
    first = (await site.migrator().history())[0]
    assert ("1", "superseded") == (first.key, first.state.value)


async def test_what_is_newer_than_every_file_is_kept(make_site: MakeSite) -> None:
    """An older image adopts; the newer one must not apply its files a second time."""
    site = await make_site(
        GOOSE, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, true)"
    )
    await site.adopt()
    ahead = await site.states()
    (site.folder / "4_four.sql").write_text("CREATE TABLE one (id integer)")
    await site.migrator(out_of_order="apply").up()

    assert {"1": "applied", "2": "applied", "3": "pending", "4": "ahead"} == ahead
    assert {"1": "applied", "2": "applied", "3": "applied", "4": "applied"} == await site.states()
    assert () == (await site.migrator().verify()).problems


@pytest.mark.parametrize(
    ("database_url", "made"), pairs(WITH_CHECKSUM), indirect=["database_url"], ids=str
)
async def test_an_edited_file_is_found_by_the_checksum_of_the_tool(
    make_site: MakeSite, made: Made
) -> None:
    """It is refused, or taken as it is now where that is allowed."""
    site = await make_site(made)
    (site.folder / "2_two.sql").write_text("CREATE TABLE two (id bigint);\n")
    with pytest.raises(ForeignHistoryError, match="no longer what") as caught:
        await site.adopt()
    report = await site.migrator(changed="warn").adopt()

    assert ("2",) == caught.value.versions
    assert (2, ["2"]) == (report.verified, [one.version for one in report.changed])


async def test_other_line_ends_are_no_edit(make_site: MakeSite) -> None:
    """A check-out on Windows has others."""
    site = await make_site(SQLX)
    file = site.folder / "2_two.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert 2 == (await site.adopt()).adopted


DIRTY = {
    "golang-migrate": (GOLANG_MIGRATE, "UPDATE schema_migrations SET dirty = true", "dirty"),
    "sqlx": (
        SQLX,
        "UPDATE _sqlx_migrations SET success = false WHERE version = 2",
        "began version 2",
    ),
    "flyway": (
        FLYWAY,
        "UPDATE flyway_schema_history SET success = false WHERE installed_rank = 2",
        "failed in 2",
    ),
    "prisma": (
        PRISMA,
        "UPDATE _prisma_migrations SET finished_at = NULL WHERE id = 'b'",
        "began 2_two",
    ),
    "atlas": (
        ATLAS,
        "UPDATE atlas_schema_revisions SET applied = 1, total = 3 WHERE version = '2'",
        "1 of 3 statements of 2",
    ),
    "liquibase": (
        LIQUIBASE,
        "UPDATE databasechangeloglock SET locked = true, lockedby = 'a pod'",
        "a pod",
    ),
    "yoyo": (YOYO, "INSERT INTO yoyo_lock (locked, pid) VALUES (1, 4711)", "process 4711"),
}


@pytest.mark.parametrize("tool", DIRTY)
async def test_a_history_that_is_not_settled_is_refused(make_site: MakeSite, tool: str) -> None:
    """Somebody has to look first; the hint says at what."""
    made, break_it, words = DIRTY[tool]
    site = await make_site(made, break_it)
    with pytest.raises(ForeignHistoryError, match=words) as caught:
        await site.adopt()

    assert re.search("adopt then|yoyo break-lock|liquibase release-locks", caught.value.hint)
    assert () == await site.migrator().history()


async def test_a_baseline_and_a_repeatable_of_flyway_come_over(make_site: MakeSite) -> None:
    """What the baseline covers counts as there; an edited repeatable is pending, as for Flyway."""
    names = "installed_rank, version, description, type, script, checksum, installed_by, success"
    site = await make_site(
        FLYWAY,
        f"INSERT INTO flyway_schema_history ({names}, execution_time) VALUES "
        "(8, NULL, 'same', 'SQL', 'R__same.sql', 0, 'me', true, 1), "
        "(9, NULL, 'other', 'SQL', 'R__other.sql', 5, 'me', true, 1); "
        "UPDATE flyway_schema_history SET type = 'BASELINE', checksum = NULL WHERE version = '1'",
    )
    (site.folder / "R__same.sql").write_text("\n")
    (site.folder / "R__other.sql").write_text("SELECT 1;\n")
    report = await site.adopt()

    assert {
        "1": "baseline",
        "2": "applied",
        "3": "pending",
        "R__other": "pending",
        "R__same": "applied",
    } == await site.states()
    assert (["R__other"], 3) == ([one.version for one in report.changed], report.adopted)


async def test_two_histories_have_to_be_told_apart(make_site: MakeSite) -> None:
    """The error names both; ``tool`` or ``table`` decides."""
    site = await make_site(DBMATE)
    await site.sql(GOOSE.sqlite if "sqlite" in site.url else GOOSE.postgres)
    only_one_has_rows = await site.adopt(dry_run=True)
    await site.sql(GOOSE.rows)
    with pytest.raises(TargetError, match=r"histories of dbmate .* and goose") as caught:
        await site.adopt()

    assert "dbmate" == only_one_has_rows.tool
    assert "--from dbmate" in caught.value.hint
    assert "goose" == (await site.adopt(tool="goose")).tool


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_histories_of_one_tool_are_told_apart_by_their_tables(
    make_site: MakeSite,
) -> None:
    """Supabase has one of its own, and one of its authentication.

    The columns would fit tern's table, too; the name says that it is not meant.
    """
    site = await make_site(DBMATE)
    await site.sql(
        "CREATE SCHEMA auth; CREATE TABLE auth.schema_migrations AS TABLE schema_migrations"
    )
    migrator = site.migrator(search_path="public, auth")
    with pytest.raises(TargetError, match=r"histories of dbmate .* and dbmate") as caught:
        await migrator.adopt()
    report = await migrator.adopt(table="public.schema_migrations")

    choices = "--from-table auth.schema_migrations or --from-table public.schema_migrations"
    assert f"say which one is meant: {choices}" == caught.value.hint
    assert ("dbmate", 2) == (report.tool, report.adopted)


async def test_a_home_made_table_is_read_by_its_column(make_site: MakeSite) -> None:
    """Names are matched with the files; a person maps what is called otherwise."""
    site = await make_site(
        DBMATE,
        "DROP TABLE schema_migrations; "
        "CREATE TABLE steps (step varchar(99)); "
        "INSERT INTO steps VALUES ('InitializeSchema'), ('2_two.sql')",
    )
    with pytest.raises(ForeignHistoryError, match="InitializeSchema"):
        await site.adopt(table="steps", column="step")
    report = await site.adopt(table="steps", column="step", mapped={"InitializeSchema": "1"})

    assert ["1", "2"] == [entry.key for entry in report.entries]
    assert "adopted from the table steps" == report.entries[0].origin


WRONG: dict[str, tuple[Wish, type[AsyncmigError], str]] = {
    "no such tool": ({"tool": "goos"}, SettingsError, "there is no tool goos"),
    "not there": ({"tool": "goose"}, TargetError, "no history of goose"),
    "no such table": ({"table": "nowhere", "column": "c"}, TargetError, "no table nowhere"),
    "a column of nothing": ({"column": "c"}, SettingsError, "home-made"),
    "no such file": ({"mapped": {"1": "9"}}, TargetError, "no version 9"),
    "no such row": ({"mapped": {"zero": "1"}}, TargetError, "zero is mapped"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_not_there_is_named(make_site: MakeSite, case: str) -> None:
    """Nothing is guessed."""
    options, error, words = WRONG[case]
    site = await make_site(DBMATE)
    with pytest.raises(error, match=words):
        await site.adopt(**options)


async def test_a_database_without_any_history_has_nothing_to_adopt(make_site: MakeSite) -> None:
    """``adopt`` in front of every ``up`` does no harm on a new database."""
    site = await make_site(DBMATE, "DROP TABLE schema_migrations")
    report = await site.adopt()

    assert (None, 0) == (report.tool, report.adopted)
    assert "nothing to adopt" in report.description


async def test_a_history_that_began_otherwise_is_left_alone(make_site: MakeSite) -> None:
    """Versions 1 and 2 of another service in the same database would match ours."""
    site = await make_site(DBMATE, "DROP TABLE one; DROP TABLE two")
    await site.migrator(baseline="none").up(to="1")
    with pytest.raises(HistoryNotEmptyError, match="nothing in it was adopted from dbmate"):
        await site.adopt()

    assert {"1": "applied", "2": "pending", "3": "pending"} == await site.states()


async def test_what_the_tool_has_applied_since_is_added(make_site: MakeSite) -> None:
    """In a rolling deploy an old image may have run once more."""
    site = await make_site(DBMATE)
    await site.adopt()
    await site.sql("INSERT INTO schema_migrations VALUES ('3')")
    report = await site.adopt()

    assert ["3"] == [entry.key for entry in report.entries]


async def test_what_was_reverted_here_does_not_come_back(make_site: MakeSite) -> None:
    """The other table still has it, because nobody writes there."""
    site = await make_site(DBMATE)
    await site.adopt()
    await site.migrator().repair(forget="2")
    report = await site.adopt()

    assert 0 == report.adopted
    assert {"1": "applied", "2": "pending", "3": "pending"} == await site.states()


async def test_an_unfinished_migration_of_ours_comes_first(make_site: MakeSite) -> None:
    """What it did is not known yet."""
    site = await make_site(DBMATE)
    await site.adopt()
    await site.sql(
        "INSERT INTO schema_migrations VALUES ('3'); "
        "UPDATE asyncmig_history SET state = 'applying' WHERE id = 2"
    )
    with pytest.raises(IncompleteMigrationError):
        await site.adopt()


async def test_many_at_once_adopt_once(make_site: MakeSite) -> None:
    """Every one of them succeeds."""
    site = await make_site(GOOSE)
    reports = await asyncio.gather(*(site.adopt() for _ in range(6)))

    assert ["1", "2"] == [entry.key for entry in await site.migrator().history()]
    assert [2] == [len(report.entries) for report in reports if report.entries]


async def test_a_kill_in_the_middle_leaves_nothing(make_site: MakeSite) -> None:
    """The next adoption finds all of it to do."""
    site = await make_site(GOOSE)
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        VICTIM,
        site.url,
        str(site.folder),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert victim.stdout is not None
    line = await victim.stdout.readline()
    victim.kill()
    await victim.communicate()

    assert b"in the transaction\n" == line
    assert () == await site.migrator().history()
    assert 2 == len((await site.adopt()).entries)
