"""What every engine must do, part 4: scripts that are too long to be kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import MigrationFailedError
from asyncmig.history import Generation, History
from asyncmig.migration import LongScript
from asyncmig.plan import make_plan
from tests.engines.lab import LAX, RUNNER, UP, Seen, first_step, history_of, locked, run
from tests.engines.long_scripts import TABLE, Text, long, rows

if TYPE_CHECKING:
    from asyncmig.migration import Migration
    from tests.engines.lab import Lab

SEED = f"{TABLE}{rows(1, 200)}UPDATE seed SET name = 'b' WHERE id = 1;\n{rows(201, 400)}"


def read_again(migration: Migration, text: Text) -> Migration:
    """Return a migration whose file has another text by the time that it runs."""
    assert isinstance(migration.up, LongScript)
    return replace(migration, up=replace(migration.up, text=text))


async def count(lab: Lab) -> int:
    """Return how many rows there are."""
    ((number,),) = await lab.query("SELECT count(*) FROM seed")
    return int(number)


async def test_all_of_it_is_applied(lab: Lab) -> None:
    """The plain parts and the others, in their order, with one row of history."""
    migration = long(lab.engine.dialect, SEED)
    (entry,) = await run(lab.engine, migration)

    assert isinstance(migration.up, LongScript)
    assert {True, False} == {part.is_plain for part in migration.up.parts}
    assert migration.checksum == migration.up.checksum == entry.checksum
    assert 400 == await count(lab)
    assert [("b",)] == await lab.query("SELECT name FROM seed WHERE id = 1")


WRONG = {
    "a value that the server does not point to": ("INSERT INTO seed VALUES (7, 'no');", 1),
    "a syntax error": ("INSERT INTO seed VALUES (1000, 'x',);", 36),
    "a row that is there already": ("INSERT INTO seed VALUES (3, 'x');", 1),
}


@pytest.mark.parametrize(("wrong", "column"), list(WRONG.values()), ids=list(WRONG))
@pytest.mark.parametrize("indent", ["", "INSERT INTO seed VALUES (999, 'y'); "])
async def test_an_error_has_its_place_in_the_file(
    lab: Lab, wrong: str, column: int, indent: str
) -> None:
    """Line, column and the line itself, however far down, and nothing remains."""
    text = f"{TABLE}{rows(1, 150)}{indent}{wrong}\n{rows(151, 400)}"
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, long(lab.engine.dialect, text))

    error = caught.value
    assert (152, column + len(indent)) == (error.line, error.column)
    assert wrong.removesuffix(";") == error.statement
    text, pointer = error.excerpt.splitlines()
    assert text.endswith(wrong)
    assert (wrong + "\n")[column - 1 :].startswith(text[pointer.index("^") :])
    assert set() == await lab.tables()
    assert History() == await history_of(lab.engine)


async def test_the_excerpt_of_a_line_that_all_stands_in_is_cut(lab: Lab) -> None:
    """The column is that of the file, and the caret stands under it."""
    line = f"{TABLE[:-1]}{rows(1, 200)}".replace("\n", " ")
    with pytest.raises(MigrationFailedError) as caught:
        await run(lab.engine, long(lab.engine.dialect, f"{line}INSERT INTO seed VALUES (1, 'no');"))

    text, pointer = caught.value.excerpt.splitlines()
    assert (1, len(line) + 1) == (caught.value.line, caught.value.column)
    assert text[pointer.index("^") :] == "INSERT INTO seed VALUES (1, 'no');"


@pytest.mark.parametrize("place", [0, len(SEED) // 2, len(SEED) - 20])
async def test_a_file_that_has_changed_is_not_applied(lab: Lab, place: int) -> None:
    """Nothing of it remains, nor of what it was before, and the next run may apply it."""
    other = Text(f"{SEED[:place]}{'COMMIT;  '}{SEED[place + 9 :]}")
    with pytest.raises(MigrationFailedError, match="the file has changed") as caught:
        await run(lab.engine, read_again(long(lab.engine.dialect, SEED), other))

    assert (None, "1_some.sql") == (caught.value.sqlstate, caught.value.file)
    assert set() == await lab.tables()
    assert History() == await history_of(lab.engine)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Text(SEED[:-30]), "the file has changed"),
        (Text(SEED[:-3000]), "the file has changed"),
        (Text(""), "the file has changed"),
        (Text(SEED[:-30], broken=True), "cannot be read: gone"),
    ],
)
async def test_a_file_that_ends_too_soon_is_not_applied(lab: Lab, other: Text, why: str) -> None:
    """Whether it was cut short or cannot be read."""
    with pytest.raises(MigrationFailedError, match=why):
        await run(lab.engine, read_again(long(lab.engine.dialect, SEED), other))

    assert set() == await lab.tables()


async def test_what_is_added_meanwhile_is_not_run(lab: Lab) -> None:
    """What was planned is what runs; the next run says that the file has changed."""
    await run(
        lab.engine, read_again(long(lab.engine.dialect, SEED), Text(f"{SEED}DROP TABLE seed;"))
    )

    assert {"seed"} == await lab.tables()


async def test_a_transaction_around_it_is_left_out(lab: Lab) -> None:
    """Ours is around it."""
    await run(lab.engine, long(lab.engine.dialect, f"BEGIN;\n{SEED}COMMIT;\n-- done\n"))

    assert 400 == await count(lab)


async def test_a_script_for_a_person_holds_all_of_it(lab: Lab) -> None:
    """As it does of a short one."""
    migration = long(lab.engine.dialect, SEED)
    plan = make_plan([migration], History(), UP, LAX)

    assert SEED.strip() in lab.engine.script(plan, RUNNER)


async def test_a_cancelled_one_leaves_nothing(lab: Lab) -> None:
    """And can be applied afterwards."""
    migration = long(lab.engine.dialect, f"{TABLE}{rows(1, 20_000)}")
    started = asyncio.Event()
    events = replace(Seen().events, on_started=started.set)
    async with locked(lab.engine) as session:
        step = first_step(History(), migration)
        applying = asyncio.ensure_future(session.apply(step, Generation(), events))
        await started.wait()
        applying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await applying

    assert set() == await lab.tables()
    await run(lab.engine, migration)
    assert 20_000 == await count(lab)
