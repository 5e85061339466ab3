"""Runners that die, freeze or are cut off while they hold the lock: the next one goes on.

How long it takes in earnest is measured by `python -m tests.concurrency --dead-peers`.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.concurrency.dead_peers import BUSY, BUSY_SQLITE, IDLE, TRACE
from tests.concurrency.evidence import history, left
from tests.concurrency.journal import Journal, until
from tests.concurrency.runners import HOLDER, Ended, Order, run, started
from tests.database import ask, tables
from tests.engines.postgres.ground import until as until_server
from tests.migration_folder import MigrationFolder
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Folder = Callable[[str, str, str], MigrationFolder]

RIVAL = 1
BRIEF = f"CREATE TABLE {TRACE} (id integer);\nSELECT pg_sleep(0.5);\nSELECT pg_sleep(600);\n"
IN_A_STATEMENT = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%pg_sleep(%'"
)
HASTY = "options=-c%20idle_in_transaction_session_timeout%3D500"
"""The server's patience with a session that says nothing: half a second in place of a minute."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a function that makes a folder: its name, the file of version 002 and its text."""

    def make(name: str, file: str, text: str) -> MigrationFolder:
        made = MigrationFolder(tmp_path / name)
        made.path.mkdir()
        made.write("001_first.sql", "CREATE TABLE first (id integer);\n")
        made.write(file, text)
        return made

    return make


@pytest.fixture
def rival(database_url: str, folder: Folder) -> Order:
    """Return what the rival has to do: the same versions, but it does not stop in the middle."""
    return Order(database_url, folder("rival", "002_rival.sql", "CREATE TABLE rival (id integer);"))


async def assert_the_rival_did_it(url: str) -> None:
    """Look whether there is nothing in the database but what the rival did."""
    await until_server(lambda: _is_quiet(url))
    assert [("001", "applied"), ("002", "applied")] == await history(url)
    assert ["asyncmig_history", "first", "rival"] == await tables(url)


async def _is_quiet(url: str) -> bool:
    return await left(url) == 0


@pytest.mark.parametrize("moment", ["between two statements", "in a statement"])
async def test_a_killed_runner_frees_the_lock_and_commits_nothing(
    database_url: str, folder: Folder, rival: Order, moment: str
) -> None:
    """The next one has it in seconds; what the dead one had begun does not come true later."""
    busy = BUSY_SQLITE if database_url.startswith("sqlite") else BUSY
    text = busy if moment == "in a statement" else IDLE.format("")
    file = "002_victim.sql" if moment == "in a statement" else "002_victim.py"
    journal, ended = Journal(), list[Ended]()

    async def go_on() -> None:
        ended.append(await run(RIVAL, rival, journal))

    async with (
        anyio.create_task_group() as tasks,
        started(HOLDER, Order(database_url, folder("victim", file, text)), journal) as victim,
    ):
        await journal.until_begun("002")
        tasks.start_soon(go_on)
        await journal.until_waiting(1)
        if text == BUSY:
            await until_server(lambda: _is_in_a_statement(database_url), 30)
        victim.send(signal.SIGKILL)
        await until(lambda: len(ended) == 1, 15)

    assert [Ended(0, ("002",))] == ended
    await assert_the_rival_did_it(database_url)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_frozen_runner_loses_the_lock(
    database_url: str, folder: Folder, rival: Order
) -> None:
    """The server ends its session; when it wakes up it says so, and has changed nothing."""
    journal = Journal()
    order = Order(f"{database_url}&{HASTY}", folder("victim", "002_victim.sql", BRIEF))

    async with started(HOLDER, order, journal) as victim:
        await until_server(lambda: _is_in_a_statement(database_url), 30)
        victim.send(signal.SIGSTOP)
        gone_on = await run(RIVAL, rival, journal)
        victim.send(signal.SIGCONT)
        woken = await victim.end()

    assert Ended(0, ("002",)) == gone_on
    assert (5, ("001",)) == (woken.exit_code, woken.applied)
    await assert_the_rival_did_it(database_url)


async def _is_in_a_statement(url: str) -> bool:
    return await ask(url, IN_A_STATEMENT) != []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_runner_that_is_cut_off_loses_the_lock(
    database_url: str, folder: Folder, rival: Order
) -> None:
    """Nothing arrives at either end, and each believes the other one to be alive."""
    journal, ended = Journal(), list[Ended]()
    victims = folder("victim", "002_victim.sql", BRIEF)

    async def be_cut_off(url: str) -> None:
        ended.append(await run(HOLDER, Order(f"{url}&{HASTY}", victims), journal))

    async with Proxy(database_url) as proxy, anyio.create_task_group() as tasks:
        tasks.start_soon(be_cut_off, proxy.url)
        await until_server(lambda: _is_in_a_statement(database_url), 30)
        proxy.stall()
        ended.append(await run(RIVAL, rival, journal))
        proxy.resume()

    gone_on, cut_off = ended
    assert Ended(0, ("002",)) == gone_on
    assert (5, ("001",)) == (cut_off.exit_code, cut_off.applied)
    await assert_the_rival_did_it(database_url)
