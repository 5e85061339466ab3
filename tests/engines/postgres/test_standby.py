"""Replicas: ready when nothing is pending, refused with a sentence, and promoted in mid-run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from asyncmig import Migrator
from asyncmig.errors import (
    DatabaseUnavailableError,
    PendingMigrationsError,
    ReadOnlyDatabaseError,
)
from asyncmig.events import LockWaiting, MigrationStarted
from tests.engines.postgres.ground import ask, connected, until
from tests.servers.machine import NotInstalledError
from tests.servers.proxy import Way
from tests.servers.standby import (
    MovingAddress,
    Pair,
    caught_up,
    pause_replay,
    replicating,
    resume_replay,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncmig.events import Event
    from tests.commands import RunAsyncmig
    from tests.migration_folder import MigrationFolder

USERS = "CREATE TABLE users (id integer PRIMARY KEY);\n"
SEED = "INSERT INTO users VALUES (1);\n"
GATE = 4711
GATED = f"SELECT pg_advisory_xact_lock_shared({GATE});\n{SEED}"
"""Waits for as long as somebody on that server holds the gate, and may not run twice."""

KEYS = "SELECT version, state FROM asyncmig_history ORDER BY id"
ONCE = [("1", "applied"), ("2", "applied")]
LOST = "the connection to the database was lost"


class Heard:
    """An observer that lets a test wait for an event."""

    def __init__(self, kind: type[Event]) -> None:
        self._kind = kind
        self._happened = asyncio.Event()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, self._kind):
            self._happened.set()

    async def wait(self) -> None:
        """Return once it has happened."""
        with anyio.fail_after(20):
            await self._happened.wait()


@pytest.fixture
async def pair(postgres_server: str) -> AsyncGenerator[Pair]:
    """Yield a primary and its standby, both the test's own."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    try:
        async with replicating() as made:
            yield made
    except NotInstalledError as error:  # a server of ASYNCMIG_PG_DSN, and no binaries
        pytest.skip(str(error))


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with two migrations, the second of which waits for the gate."""
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_seed.sql", GATED)
    return migration_folder


def quiet(url: str, shop: MigrationFolder, **options: float) -> Migrator:
    """Return a migrator that logs nothing."""
    return Migrator(url, shop, observer=None, connect_timeout=options.get("connect_timeout", 20.0))


async def up_to_date(pair: Pair, shop: MigrationFolder) -> None:
    """Apply everything on the primary, and wait until the standby shows it."""
    await quiet(pair.primary, shop).up()
    await caught_up(pair.primary, pair.standby)


# --- a standby that stays one -----------------------------------------------------------------


async def test_a_standby_with_nothing_pending_is_ready(
    pair: Pair, shop: MigrationFolder, python_m_asyncmig: RunAsyncmig
) -> None:
    """Promise 4: no lock, no write; every way to ask."""
    await up_to_date(pair, shop)
    migrator = quiet(pair.standby, shop)
    report = await migrator.up()
    assert ((), 0, True) == (report.entries, report.pending, migrator.ready)
    assert () == (await migrator.require_current()).pending
    words = ("--database", pair.standby, "--source", str(shop.path))
    done = [
        (await asyncio.to_thread(python_m_asyncmig, command, *words)).exit_code
        for command in ("up", "wait")
    ]
    assert [0, 0] == done


@pytest.mark.parametrize("version", ["0", "1"])
async def test_a_standby_with_something_pending_is_refused(
    pair: Pair, shop: MigrationFolder, python_m_asyncmig: RunAsyncmig, version: str
) -> None:
    """Exit 7 and the sentence, with a history and without one; and nothing waits for the lock."""
    if version == "1":
        await quiet(pair.primary, shop).up(to=version)
        await caught_up(pair.primary, pair.standby)
    with pytest.raises(ReadOnlyDatabaseError) as caught:
        await quiet(pair.standby, shop).up()
    pending = ("1", "2")[int(version) :]
    assert pending == caught.value.pending
    finished = await asyncio.to_thread(
        python_m_asyncmig, "up", "--database", pair.standby, "--source", str(shop.path)
    )
    what = "1 migration" if version == "1" else "2 migrations"
    sentence = f"error: {what} to run, but the server is a standby, which is read-only\n"
    assert 7 == finished.exit_code
    assert f"{sentence}hint: connect to the primary\n" in finished.stderr


async def test_a_lagging_standby_is_waited_for(pair: Pair, shop: MigrationFolder) -> None:
    """What is committed on the primary is current here when the standby has replayed it."""
    shop.write("2_seed.sql", SEED)
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    await pause_replay(pair.standby)
    await quiet(pair.primary, shop).up()
    async with MovingAddress(pair.standby) as address:
        waiting = asyncio.create_task(quiet(address.url, shop).wait_until_current(20))
        await address.visited(4)
        assert not waiting.done()
        await resume_replay(pair.standby)
        report = await waiting
    assert ((), "2") == (report.pending, str(report.current))


async def test_a_standby_that_lags_for_too_long_is_pending(
    pair: Pair, shop: MigrationFolder
) -> None:
    """When the time is up the error names what is not there yet."""
    shop.write("2_seed.sql", SEED)
    await pause_replay(pair.standby)
    await quiet(pair.primary, shop).up()
    with pytest.raises(PendingMigrationsError, match="migrations 1, 2 are pending"):
        await quiet(pair.standby, shop).wait_until_current(0.2)


# --- fail-over --------------------------------------------------------------------------------


async def test_a_waiter_follows_the_address_to_the_new_primary(
    pair: Pair, shop: MigrationFolder
) -> None:
    """Even when the address gets there before the standby is promoted. Exactly once there."""
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    waits = Heard(LockWaiting)
    async with connected(pair.primary) as gate, MovingAddress(pair.primary) as address:
        await gate.execute(f"SELECT pg_advisory_lock({GATE})")
        holder = asyncio.create_task(quiet(pair.primary, shop, connect_timeout=0.5).up())
        await until(lambda: is_at_the_gate(pair.primary))
        waiter = asyncio.create_task(Migrator(address.url, shop, observer=waits).up())
        await waits.wait()
        address.point_to(pair.standby)
        await address.visited(2)
        await pair.stop_primary()
        await pair.promote()
        report = await waiter
        with pytest.raises(DatabaseUnavailableError, match=LOST):
            await holder
    assert ["2"] == [entry.key for entry in report.entries]
    assert ONCE == await ask(pair.standby, KEYS)
    assert [(1,)] == await ask(pair.standby, "SELECT id FROM users")


async def test_a_waiter_is_ready_on_a_standby_that_shows_everything(
    pair: Pair, shop: MigrationFolder
) -> None:
    """The holder finished before the primary went away: there is nothing to write any more."""
    await quiet(pair.primary, shop).up(to="1")
    waits = Heard(LockWaiting)
    async with connected(pair.primary) as gate, MovingAddress(pair.primary) as address:
        await gate.execute(f"SELECT pg_advisory_lock({GATE})")
        holder = asyncio.create_task(quiet(pair.primary, shop).up())
        await until(lambda: is_at_the_gate(pair.primary))
        waiter = asyncio.create_task(Migrator(address.url, shop, observer=waits).up())
        await waits.wait()
        address.stall()
        await gate.execute(f"SELECT pg_advisory_unlock({GATE})")
        await holder
        await caught_up(pair.primary, pair.standby)
        address.point_to(pair.standby)
        address.resume()
        report = await waiter
    assert ((), 0) == (report.entries, report.pending)


async def test_several_hosts_lead_to_the_new_primary(pair: Pair, shop: MigrationFolder) -> None:
    """A list of hosts with target_session_attrs is the other way to move an address."""
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    old, new = (url.partition("@")[2].partition("/")[0] for url in (pair.primary, pair.standby))
    url = (
        f"postgresql://postgres@{old},{new}/postgres?sslmode=disable"
        "&target_session_attrs=read-write"
    )
    waits = Heard(LockWaiting)
    async with connected(pair.primary) as gate:
        await gate.execute(f"SELECT pg_advisory_lock({GATE})")
        holder = asyncio.create_task(quiet(pair.primary, shop, connect_timeout=0.5).up())
        await until(lambda: is_at_the_gate(pair.primary))
        waiter = asyncio.create_task(Migrator(url, shop, observer=waits).up())
        await waits.wait()
        await pair.stop_primary()
        await pair.promote()
        report = await waiter
        with pytest.raises(DatabaseUnavailableError):
            await holder
    assert ["2"] == [entry.key for entry in report.entries]
    assert ONCE == await ask(pair.standby, KEYS)


async def test_a_standby_that_is_not_promoted_in_time_ends_the_wait(
    pair: Pair, shop: MigrationFolder
) -> None:
    """The budget is connect_timeout; then it is a read-only database with pending migrations."""
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    waits = Heard(LockWaiting)
    async with connected(pair.primary) as gate, MovingAddress(pair.primary) as address:
        await gate.execute(f"SELECT pg_advisory_lock({GATE})")
        holder = asyncio.create_task(quiet(pair.primary, shop).up())
        await until(lambda: is_at_the_gate(pair.primary))
        patient = Migrator(address.url, shop, observer=waits, connect_timeout=0.5)
        waiter = asyncio.create_task(patient.up())
        await waits.wait()
        address.point_to(pair.standby)
        with pytest.raises(ReadOnlyDatabaseError, match="1 migration to run, but the server is"):
            await waiter
        await gate.execute(f"SELECT pg_advisory_unlock({GATE})")
        await holder


async def test_what_the_standby_had_not_received_is_applied_on_the_new_timeline(
    pair: Pair, shop: MigrationFolder
) -> None:
    """Exactly once per timeline: history and schema are lost together, and made together."""
    shop.write("2_seed.sql", SEED)
    await quiet(pair.primary, shop).up(to="1")
    await pair.cut_off()
    await quiet(pair.primary, shop).up()
    assert ONCE == await ask(pair.primary, KEYS)
    await pair.stop_primary()
    await pair.promote()
    assert ONCE[:1] == await ask(pair.standby, KEYS)
    report = await quiet(pair.standby, shop).up()
    assert ["2"] == [entry.key for entry in report.entries]
    assert ONCE == await ask(pair.standby, KEYS)
    assert [(1,)] == await ask(pair.standby, "SELECT id FROM users")


@pytest.mark.parametrize("received", [True, False])
async def test_a_commit_whose_primary_is_gone_is_looked_up_on_the_new_one(
    pair: Pair, shop: MigrationFolder, *, received: bool
) -> None:
    """The new timeline has it or has it not, and that is what the run says."""
    shop.write("2_seed.sql", SEED)
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    if not received:
        await pair.cut_off()
    async with MovingAddress(pair.primary) as address:
        address.cut_on(b"COMMIT", way=Way.TO_CLIENT)
        address.then_point_to(pair.standby)
        runner = asyncio.create_task(quiet(address.url, shop).up())
        await address.visited(2)
        if received:
            await caught_up(pair.primary, pair.standby)
        await pair.stop_primary()
        await pair.promote()
        if received:
            assert ["2"] == [entry.key for entry in (await runner).entries]
        else:
            with pytest.raises(DatabaseUnavailableError, match=r"looked up .* is not applied"):
                await runner
            assert ONCE[:1] == await ask(pair.standby, KEYS)
            await quiet(pair.standby, shop).up()
    assert ONCE == await ask(pair.standby, KEYS)
    assert [(1,)] == await ask(pair.standby, "SELECT id FROM users")


async def test_a_run_whose_primary_goes_away_leaves_applied_or_not(
    pair: Pair, shop: MigrationFolder
) -> None:
    """In the middle of a statement: not applied, on the new primary too; the next run does it."""
    started = Heard(MigrationStarted)
    await quiet(pair.primary, shop).up(to="1")
    await caught_up(pair.primary, pair.standby)
    async with connected(pair.primary) as gate:
        await gate.execute(f"SELECT pg_advisory_lock({GATE})")
        runner = asyncio.create_task(
            Migrator(pair.primary, shop, observer=started, connect_timeout=0.5).up()
        )
        await started.wait()
        await until(lambda: is_at_the_gate(pair.primary))
        await pair.stop_primary()
        with pytest.raises(DatabaseUnavailableError, match=LOST):
            await runner
    await pair.promote()
    with pytest.raises(PendingMigrationsError, match="migration 2 is pending"):
        await quiet(pair.standby, shop).require_current()
    await quiet(pair.standby, shop).up()
    assert ONCE == await ask(pair.standby, KEYS)


async def is_at_the_gate(url: str) -> bool:
    """Tell whether a migration is in the middle of its statement."""
    waiting = f"SELECT count(*) FROM pg_locks WHERE objid = {GATE} AND NOT granted"
    return [(1,)] == await ask(url, waiting)
