"""What ``fail_on`` refuses is rolled back right before its COMMIT, and says how to do better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import LockPolicyError
from asyncmig.lock_policy import LockPolicy
from asyncmig.locks import Hazard
from asyncmig.sizes import size
from tests.engines.lab import DOWN, RIVAL, Seen, first_step, locked, python, run, sql
from tests.engines.postgres.ground import ask, do, engine_for
from tests.engines.postgres.shop import report_of

if TYPE_CHECKING:
    from asyncmig.migration import Migration

REWRITE = "SELECT 1;\nALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();\n"
SCAN = "CREATE INDEX users_name ON users (name)"
LOCK = "ALTER TABLE users ADD COLUMN born_on date"
COUNT = "SELECT count(*) FROM users"
VALIDATE = "ALTER TABLE notes VALIDATE CONSTRAINT short"
REINDEX = "REINDEX INDEX users_born"
EVERYTHING = frozenset(Hazard)


def refusing(*hazards: Hazard, over: int = 0) -> LockPolicy:
    """Return a policy."""
    return LockPolicy(frozenset(hazards), over)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REWRITE, ["rewrite users", "scan users", "blocks_writes users", "blocks_reads users"]),
        (SCAN, ["scan users", "blocks_writes users"]),
        (LOCK, ["blocks_writes users", "blocks_reads users"]),
        (COUNT, []),
        (VALIDATE, []),
        ("UPDATE users SET age = 1", []),
        (REINDEX, ["scan users", "blocks_writes users", "blocks_reads users_born"]),
    ],
)
async def test_each_word_refuses_what_it_says(
    postgres_url: str, text: str, expected: list[str]
) -> None:
    """An index counts only where nobody could read past it: it is rewritten with its table."""
    report = await report_of(postgres_url, sql("1", text))

    found = [
        f"{v.hazard} {v.relation.relation.removeprefix('shop.')}"
        for v in LockPolicy(EVERYTHING).violations(report)
    ]
    assert expected == found


async def test_nothing_remains_of_what_is_refused(postgres_url: str) -> None:
    """No table, no row of the history in force; the report is told all the same."""
    seen = Seen()
    engine = engine_for(postgres_url, locks=refusing(Hazard.REWRITE))
    await do(postgres_url, "CREATE TABLE users (id integer)")
    text = f"CREATE TABLE other ();\n{REWRITE}"
    async with locked(engine) as session:
        history = await session.history()
        step = first_step(history, sql("1", text))
        with pytest.raises(LockPolicyError) as caught:
            await session.apply(step, history.generation, seen.events)
        assert () == (await session.history()).entries

    assert [caught.value.report] == seen.reports
    assert [] == await ask(postgres_url, "SELECT 1 FROM pg_tables WHERE tablename = 'other'")
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'"
    assert [(1,)] == await ask(postgres_url, columns)


async def test_the_error_says_what_where_and_what_to_do(postgres_url: str) -> None:
    """The table with its size and its lock, the line, the remedies, the words for the marker."""
    with pytest.raises(LockPolicyError) as caught:
        await report_of(
            postgres_url,
            sql("1", REWRITE, allow=frozenset({Hazard.BLOCKS_READS})),
            refusing(*Hazard),
        )

    error = caught.value
    assert ("1", "1_some.sql", 2, None) == (error.version, error.file, error.line, error.column)
    assert (
        "migration 1 was rolled back (1_some.sql:2): it rewrites shop.users (SIZE, ACCESS "
        "EXCLUSIVE, line 2); scans shop.users (SIZE, ACCESS EXCLUSIVE, line 2); blocks writes to "
        "shop.users (SIZE, ACCESS EXCLUSIVE, line 2)"
    ) == _without_sizes(error)
    assert (
        "add a new column, fill it in batches and switch over to it; add a constraint NOT VALID "
        "and VALIDATE it in a later migration, build an index CONCURRENTLY with "
        "transaction:false; give what locks the table a migration of its own, without anything "
        "slow; or, if it may do that here, say so: "
        "`-- migrate:up allow:rewrite,scan,blocks_writes,blocks_reads`"
    ) == error.hint


def _without_sizes(error: LockPolicyError) -> str:
    message = error.message
    for relation in error.report.relations:
        message = message.replace(f"({size(relation.bytes)},", "(SIZE,")
    return message


async def test_python_is_told_how_to_say_so_in_python(postgres_url: str) -> None:
    """There is no line to name."""
    migration = python("1", f"await connection.execute({SCAN!r})")
    with pytest.raises(LockPolicyError) as caught:
        await report_of(postgres_url, migration, refusing(Hazard.SCAN))

    assert ("1_some.py", None) == (caught.value.file, caught.value.line)
    assert caught.value.hint.endswith("say so: `allow = ('scan',)`")


@pytest.mark.parametrize(
    "migration",
    [
        sql("1", SCAN, allow=frozenset({Hazard.SCAN})),
        python("1", f"await connection.execute({SCAN!r})", allow=frozenset({Hazard.SCAN})),
    ],
    ids=["sql", "python"],
)
async def test_a_file_may_do_what_it_says(postgres_url: str, migration: Migration) -> None:
    """It was written down by somebody who knows the table."""
    report = await report_of(postgres_url, migration, refusing(Hazard.SCAN))

    assert (Hazard.SCAN, Hazard.BLOCKS_WRITES) == report.relations[0].hazards


@pytest.mark.parametrize(("over", "is_refused"), [(1, True), (100_000_000, False)])
async def test_a_small_table_passes(postgres_url: str, over: int, is_refused: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """From the size on that was named, and not below."""
    refused = False
    try:
        await report_of(postgres_url, sql("1", SCAN), refusing(Hazard.SCAN, over=over))
    except LockPolicyError:
        refused = True

    assert is_refused == refused


async def test_the_way_down_is_held_to_it_too(postgres_url: str) -> None:
    """With the words of its own marker."""
    way = sql("1", "CREATE TABLE users (id integer)", "ALTER TABLE users ADD CHECK (id > 0)")
    await run(engine_for(postgres_url), way)

    with pytest.raises(LockPolicyError, match=r"scans public\.users") as caught:
        await run(
            engine_for(postgres_url, locks=refusing(Hazard.SCAN)), way, request=DOWN, runner=RIVAL
        )

    assert "`-- migrate:down allow:scan`" in caught.value.hint
