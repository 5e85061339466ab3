"""What becomes of those who wait: their time passes, or the holder fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from asyncmig.engines import open_engine
from asyncmig.engines.settings import EngineSettings
from tests.concurrency.evidence import everything_once, evidence, history
from tests.concurrency.folders import herd_folder, two_steps
from tests.concurrency.journal import Journal
from tests.concurrency.runners import HOLDER, Ended, Form, Order, held_up, run, start
from tests.database import ask, tables
from tests.engines.lab import locked
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from pathlib import Path

TIMED_OUT = re.compile(r"another runner held the lock for more than [0-9.]+ s; held by asyncmig/")
REPEATED = "(another runner met this error; it was not tried again here)"
WAITERS = (1, 2)
RAISES = "DO $$ BEGIN RAISE EXCEPTION 'as it happens' USING ERRCODE = '{}'; END $$;"


@pytest.mark.parametrize("form", [Form.PROCESSES, Form.TASKS])
async def test_a_wait_that_is_over_changes_nothing(
    form: Form, database_url: str, migration_folder: MigrationFolder, tmp_path: Path
) -> None:
    """Exit code 4 with the holder's name; database and holder go on as if nobody had come."""
    gate, journal = tmp_path / "gate", Journal()
    keys = herd_folder(migration_folder, database_url, size=4, gate=gate)
    order = Order(database_url, migration_folder)
    hasty = Order(database_url, migration_folder, wait_timeout=0.3)

    async with held_up(gate, order, journal, keys[3]):
        before = await _everything(database_url)
        ended = await start(form, [hasty] * 2, Journal())
        after = await _everything(database_url)

    assert before == after
    assert [(4, ())] * 2 == [(end.exit_code, end.applied) for end in ended]
    assert [True] * 2 == [TIMED_OUT.match(end.error) is not None for end in ended]
    assert everything_once(keys) == await evidence(database_url)


async def _everything(url: str) -> list[Any]:
    rows = await ask(url, "SELECT * FROM asyncmig_history ORDER BY id")
    return [await tables(url), rows, await ask(url, "SELECT n FROM ledger ORDER BY n")]


# --- the holder failed ------------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a gate, which is closed."""
    return tmp_path / "gate"


async def wait_for_a_failure(url: str, gate: Path, *folders: MigrationFolder) -> list[Ended]:
    """Let two runners wait for one that then fails in version 002.

    Returns:
        How the holder and the waiters ended, in this order.
    """
    journal, ended = Journal(), dict[int, Ended]()

    async def keep(number: int, folder: MigrationFolder) -> None:
        ended[number] = await run(number, Order(url, folder), journal)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, HOLDER, folders[0])
        await journal.until_begun("001")
        for number in WAITERS:
            tasks.start_soon(keep, number, folders[-1])
        await journal.until_waiting(len(WAITERS))
        await anyio.Path(gate).touch()
    return [ended[number] for number in (HOLDER, *WAITERS)]


async def test_the_failure_of_the_holder_is_repeated(
    postgres_url: str, migration_folder: MigrationFolder, gate: Path
) -> None:
    """The same file would fail in the same way: nobody runs it a second time."""
    two_steps(migration_folder, gate, "SELECT 1 / 0;")

    first, *others = await wait_for_a_failure(postgres_url, gate, migration_folder)

    sentence = (
        f"migration 002 failed at {migration_folder.path}/002_second.sql:1:1: division by zero"
    )
    assert Ended(1, ("001",), sentence) == first
    assert [Ended(1, (), f"{sentence} {REPEATED}")] * 2 == others
    assert [("001", "applied"), ("002", "failed")] == await history(postgres_url)


@pytest.mark.parametrize(
    ("sqlstate", "exit_code"),
    [("08000", 5), ("40001", 1), ("53100", 1), ("55006", 1), ("57014", 1)],
)
async def test_what_was_about_the_moment_is_tried_again(
    postgres_url: str,
    migration_folder: MigrationFolder,
    gate: Path,
    sqlstate: str,
    exit_code: int,
) -> None:
    """A full disk, a lost connection, a conflict, a lock, a cancel: it may go well now."""
    two_steps(migration_folder, gate, RAISES.format(sqlstate))

    ended = await wait_for_a_failure(postgres_url, gate, migration_folder)

    assert [exit_code] * 3 == [end.exit_code for end in ended]
    assert [False] * 3 == [REPEATED in end.error for end in ended]


async def test_a_corrected_file_is_tried(
    postgres_url: str, migration_folder: MigrationFolder, gate: Path, tmp_path: Path
) -> None:
    """The failure was that of another text; one of the waiters applies the new one."""
    two_steps(migration_folder, gate, "SELECT 1 / 0;")
    corrected = MigrationFolder(tmp_path / "corrected")
    corrected.path.mkdir()
    two_steps(corrected, gate, "CREATE TABLE second (id integer);")

    first, *others = await wait_for_a_failure(postgres_url, gate, migration_folder, corrected)

    assert 1 == first.exit_code
    assert [Ended(0, ()), Ended(0, ("002",))] == sorted(others, key=lambda end: end.applied)
    expected = [("001", "applied"), ("002", "failed"), ("002", "applied")]
    assert expected == await history(postgres_url)


async def test_a_failure_from_before_the_wait_is_tried_again(
    postgres_url: str, migration_folder: MigrationFolder, gate: Path
) -> None:
    """Somebody may have mended the database since."""
    await anyio.Path(gate).touch()
    two_steps(migration_folder, gate, "SELECT 1 / 0;")
    journal, ended = Journal(), list[Ended]()
    order = Order(postgres_url, migration_folder)
    failed = await run(HOLDER, order, journal)

    async def waiter() -> None:
        ended.append(await run(WAITERS[0], order, journal))

    engine = open_engine(postgres_url, EngineSettings())
    async with anyio.create_task_group() as tasks, locked(engine):
        tasks.start_soon(waiter)
        await journal.until_waiting(1)

    assert [Ended(1, (), failed.error)] == ended
    assert 2 == journal.tries("002")


async def test_sqlite_tells_no_reason_so_everybody_tries(
    sqlite_url: str, migration_folder: MigrationFolder, gate: Path
) -> None:
    """Its errors have no codes that would say whether another try could go well."""
    two_steps(migration_folder, gate, "INSERT INTO nowhere VALUES (1);")

    ended = await wait_for_a_failure(sqlite_url, gate, migration_folder)

    assert [1] * 3 == [end.exit_code for end in ended]
    assert [False] * 3 == [REPEATED in end.error for end in ended]
    expected = [("001", "applied"), *[("002", "failed")] * 3]
    assert expected == await history(sqlite_url)
