"""Migrating where an application starts: one call, or a lifespan around the application's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

import asyncmig
from asyncmig import Lifespan, Migrator
from asyncmig.errors import DatabaseUrlError, MigrationFailedError, SettingsError
from tests.database import ask, tables

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder

HISTORY = "asyncmig_history"
USERS = "CREATE TABLE users (id int);\n"
SLOW = """
import asyncio

async def up(connection):
    await connection.execute("CREATE TABLE slow (id int)")
    await asyncio.sleep({seconds})
"""
BATCHES = """\
-- migrate:up batch:1
UPDATE users SET id = -id WHERE id IN (SELECT id FROM users WHERE id > 0 LIMIT :batch_size);
"""
NEGATED = "SELECT count(*) FROM users WHERE id < 0"
APP = object()
LONG = 60
SOON = 10.0


class Application:
    """An application with a lifespan of its own, which notes what happens to it."""

    def __init__(self, *, broken: str = "") -> None:
        self.happened: list[str] = []
        self.given: list[object] = []
        self._broken = broken

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[dict[str, str]]:
        """Start and stop, or break on the way."""
        self.given.append(app)
        self._step("start")
        try:
            yield {"pool": "open"}
        finally:
            self._step("stop")

    async def serve(self, lifespan: Lifespan) -> None:
        """Be served, and perhaps break meanwhile."""
        async with lifespan(APP):
            if self._broken == "serving":
                raise ZeroDivisionError("serving")

    def _step(self, name: str) -> None:
        self.happened.append(name)
        if self._broken == name:
            raise ZeroDivisionError(name)


async def eventually(condition: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    for _ in range(int(SOON / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came to be")


@pytest.fixture
def folder(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with one migration."""
    migration_folder.write("1_users.sql", USERS)
    return migration_folder


# --- migrate ----------------------------------------------------------------------------------


async def test_migrate_applies_everything_in_one_call(
    database_url: str, folder: MigrationFolder
) -> None:
    """With the options of a Migrator."""
    events: list[Event] = []
    report = await asyncmig.migrate(database_url, folder, table="mine", observer=events.append)
    assert ["mine", "users"] == await tables(database_url)
    assert (["1"], 0) == ([entry.key for entry in report.entries], report.pending)
    assert {report.run_id} == {event.run_id for event in events}


async def test_migrate_refuses_a_bad_url() -> None:
    """As a Migrator does."""
    with pytest.raises(DatabaseUrlError):
        await asyncmig.migrate("mysql://x")


# --- before the application -------------------------------------------------------------------


async def test_a_lifespan_migrates_before_the_application_starts(
    database_url: str, folder: MigrationFolder
) -> None:
    """Its own lifespan gets the application, keeps its state, and is shut down."""
    application = Application()
    lifespan = asyncmig.lifespan(database_url, folder, then=application.lifespan, observer=None)
    assert not lifespan.migrator.ready
    async with lifespan(APP) as state:
        assert ({"pool": "open"}, [APP]) == (state, application.given)
        assert [HISTORY, "users"] == await tables(database_url)
        assert (True, None) == (lifespan.migrator.ready, lifespan.failure)
        assert ["start"] == application.happened
    assert ["start", "stop"] == application.happened


async def test_a_lifespan_needs_no_other(database_url: str, folder: MigrationFolder) -> None:
    """It yields no state then; and it may be entered again, as a reload does."""
    lifespan = asyncmig.lifespan(database_url, folder, observer=None)
    for _ in range(2):
        async with lifespan(APP) as state:
            assert state is None
            assert lifespan.migrator.ready


async def test_a_failed_migration_keeps_the_application_from_starting(
    database_url: str, folder: MigrationFolder
) -> None:
    """The error is the migration's own, unwrapped."""
    folder.write("2_broken.sql", "SELECT broken;\n")
    application = Application()
    lifespan = asyncmig.lifespan(database_url, folder, then=application.lifespan, observer=None)
    with pytest.raises(MigrationFailedError):
        async with lifespan(APP):
            pytest.fail("the application must not serve")
    assert ([], False) == (application.happened, lifespan.migrator.ready)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("broken", ["start", "stop", "serving"])
async def test_the_applications_own_errors_pass_unwrapped(
    sqlite_url: str, folder: MigrationFolder, broken: str, *, background: bool
) -> None:
    """At its start, while it serves, and at its end."""
    application = Application(broken=broken)
    lifespan = asyncmig.lifespan(
        sqlite_url, folder, then=application.lifespan, background=background, observer=None
    )
    with pytest.raises(ZeroDivisionError, match=broken):
        await application.serve(lifespan)
    expected = ["start"] if broken == "start" else ["start", "stop"]
    assert expected == application.happened


async def test_a_migrator_can_be_given_instead_of_a_database(
    sqlite_url: str, folder: MigrationFolder
) -> None:
    """It is used as it is."""
    migrator = Migrator(sqlite_url, folder, observer=None)
    lifespan = asyncmig.lifespan(migrator)
    async with lifespan(APP):
        assert migrator is lifespan.migrator
        assert migrator.ready


def test_options_beside_a_migrator_are_refused() -> None:
    """They would have no effect."""
    with pytest.raises(SettingsError) as caught:
        asyncmig.lifespan(Migrator("sqlite:///x.db"), table="other", wait_timeout=1)
    assert (
        "a Migrator has options of its own, so table, wait_timeout cannot be given beside it"
        == caught.value.message
    )


# --- beside the application -------------------------------------------------------------------


async def test_a_background_lifespan_serves_at_once(
    database_url: str, folder: MigrationFolder
) -> None:
    """`ready` turns true when the database is current."""
    folder.write("2_slow.py", SLOW.format(seconds=0.2))
    application = Application()
    lifespan = asyncmig.lifespan(
        database_url, folder, then=application.lifespan, background=True, observer=None
    )
    async with lifespan(APP) as state:
        assert ({"pool": "open"}, False) == (state, lifespan.migrator.ready)
        await eventually(lambda: lifespan.migrator.ready)
        assert [HISTORY, "slow", "users"] == await tables(database_url)
        assert lifespan.failure is None
    assert ["start", "stop"] == application.happened


async def test_an_application_serves_while_batches_go_on(
    database_url: str, folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees the batches that are committed; it is ready when the last one is."""
    folder.write("2_rows.sql", "INSERT INTO users VALUES (1), (2), (3);\n")
    folder.write("3_negate.sql", BATCHES)
    between, gate = asyncio.Event(), asyncio.Event()

    async def pause(_seconds: float) -> None:
        between.set()
        await gate.wait()

    monkeypatch.setattr("asyncmig.engines.postgres.batched.pause", pause)
    monkeypatch.setattr("asyncmig.engines.sqlite.batched.pause", pause)
    lifespan = asyncmig.lifespan(database_url, folder, background=True, observer=None)
    async with lifespan(APP):
        async with asyncio.timeout(SOON):
            await between.wait()
        assert [(1,)] == await ask(database_url, NEGATED)
        assert not lifespan.migrator.ready
        gate.set()
        await eventually(lambda: lifespan.migrator.ready)
    assert [(3,)] == await ask(database_url, NEGATED)


async def test_a_failure_in_the_background_is_kept(
    database_url: str, folder: MigrationFolder
) -> None:
    """The application goes on serving; it is never ready, and it can say why."""
    folder.write("2_broken.sql", "SELECT broken;\n")
    lifespan = asyncmig.lifespan(database_url, folder, background=True, observer=None)
    async with lifespan(APP):
        await eventually(lambda: lifespan.failure is not None)
    assert (MigrationFailedError, False) == (type(lifespan.failure), lifespan.migrator.ready)


async def test_a_bug_in_the_background_is_logged_and_kept(
    sqlite_url: str,
    folder: MigrationFolder,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It neither hides until shut-down nor takes the place of the application's own error."""

    async def break_(_: Migrator) -> None:
        raise TypeError("a bug")

    async def serve() -> None:
        async with lifespan(APP):
            await eventually(lambda: lifespan.failure is not None)
            raise ZeroDivisionError

    monkeypatch.setattr(Migrator, "up", break_)
    lifespan = asyncmig.lifespan(sqlite_url, folder, background=True, observer=None)
    with pytest.raises(ZeroDivisionError):
        await serve()
    assert TypeError is type(lifespan.failure)
    assert ["the migration in the background broke"] == caplog.messages


async def test_a_shut_down_cancels_what_runs_in_the_background(
    database_url: str, folder: MigrationFolder
) -> None:
    """What is done stays, what is not is rolled back, and the lock is free at once."""
    folder.write("2_slow.py", SLOW.format(seconds=LONG))
    events: list[Event] = []
    lifespan = asyncmig.lifespan(database_url, folder, background=True, observer=events.append)
    async with asyncio.timeout(SOON), lifespan(APP):
        await eventually(lambda: getattr(events[-1:] and events[-1], "version", "") == "2")
    assert [HISTORY, "users"] == await tables(database_url)
    assert (None, False, "CancelledError") == (
        lifespan.failure,
        lifespan.migrator.ready,
        getattr(events[-1], "error", None),
    )
    folder.write("2_slow.py", SLOW.format(seconds=0))
    report = await asyncmig.migrate(database_url, folder, wait_timeout=SOON, observer=None)
    assert (["2"], 0) == ([entry.key for entry in report.entries], report.pending)


async def test_a_shut_down_that_is_cancelled_itself_says_so(
    sqlite_url: str, folder: MigrationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own cancellation is not mistaken for ours."""
    cleaned = asyncio.Event()

    async def linger(_: Migrator) -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            await asyncio.sleep(0.2)
            cleaned.set()

    async def serve() -> None:
        async with lifespan(APP):
            await asyncio.sleep(0.05)

    monkeypatch.setattr(Migrator, "up", linger)
    lifespan = asyncmig.lifespan(sqlite_url, folder, background=True, observer=None)
    server = asyncio.create_task(serve())
    await asyncio.sleep(0.1)
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server
    await cleaned.wait()
    await asyncio.sleep(0)
