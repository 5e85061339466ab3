"""Fixtures that every test may ask for: databases, programs, and guards around each test."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest

from tests.commands import RunAsyncmig, asyncmig_command, is_setting, psql, run, sqlite3_shell
from tests.guards import no_blocking_call, no_leaked_task, no_leaked_thread
from tests.migration_folder import MigrationFolder
from tests.servers.machine import NotInstalledError
from tests.servers.pgbouncer import PoolMode, pgbouncer
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from pathlib import Path

    from tests.commands import Finished

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
OTHER_SERVER = os.environ.get("ASYNCMIG_PG_DSN")
KEPT = {"ASYNCMIG_PG_BIN"}  # read later, by tests.servers.postgres
# Parameters that choose a database, and what they say for PostgreSQL.
CHOICES = ("database_url", "lab", "url")
POSTGRES = ("postgres", "postgresql")

# A shared machine stalls for longer than any deadline; CI finds the same examples every time.
hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "laptop")

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that reaches PostgreSQL, for `python -m tests.versions`."""
    for item in items:
        if _reaches_postgres(item):
            item.add_marker("postgres")


def _reaches_postgres(item: pytest.Item) -> bool:
    """Tell by the fixtures, and by the parameter where that chooses among fixtures."""
    if "postgres_server" in getattr(item, "fixturenames", ()):
        return True
    call = getattr(item, "callspec", None)
    return call is not None and any(call.params.get(name) in POSTGRES for name in CHOICES)


def _missing(error: NotInstalledError) -> NoReturn:
    """Skip on a laptop; fail in CI, where a missing program would hide what it tests."""
    if IN_CI:
        pytest.fail(str(error))
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the only loop that the drivers know."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings() -> Generator[None]:
    """Take away what the developer's shell says about databases: drivers read it too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(is_setting, set(os.environ) - KEPT):
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_call() -> Generator[None]:
    with no_blocking_call():
        yield


@pytest.fixture(autouse=True)
def _nothing_left_running(request: pytest.FixtureRequest) -> Generator[None]:
    if "anyio_backend" in request.fixturenames:
        request.getfixturevalue("_no_leaked_task")
    with no_leaked_thread():
        yield


@pytest.fixture
async def _no_leaked_task() -> AsyncGenerator[None]:
    async with no_leaked_task():
        yield


@pytest.fixture
def migration_folder(tmp_path: Path) -> MigrationFolder:
    """Return an empty folder for migrations: `tmp_path / "migrations"`."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    return MigrationFolder(folder)


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Return where a SQLite database may come to be; there is no file yet."""
    return tmp_path / "test.db"


@pytest.fixture
def sqlite_url(sqlite_path: Path) -> str:
    """Return the URL of `sqlite_path`."""
    return f"sqlite:///{sqlite_path}"


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    """Yield the URL of a PostgreSQL server: our own, or the one of ASYNCMIG_PG_DSN.

    Tests share it. One that must break its server starts `tests.servers.postgres.postgres()`.
    """
    if OTHER_SERVER:
        yield OTHER_SERVER
        return
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(postgres())
        except NotInstalledError as error:
            _missing(error)
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Generator[str]:
    """Yield the URL of a fresh database, which is dropped afterwards even if it is in use."""
    if request.node.get_closest_marker("postgres") is None:
        pytest.fail("a test that asks for PostgreSQL while it runs has to be marked: postgres")
    with fresh_database(postgres_server, f"test_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a fresh database, of each kind in turn."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(name="pgbouncer")
def _pgbouncer(postgres_url: str) -> Generator[Callable[..., str]]:
    """Yield a function that puts a PgBouncer in front of `postgres_url` and returns its URL.

    It takes the options of `tests.servers.pgbouncer.pgbouncer`: `mode`, `pool`, settings.
    """
    with contextlib.ExitStack() as stack:

        def start(mode: PoolMode = PoolMode.TRANSACTION, pool: int = 2, **settings: str) -> str:
            try:
                return stack.enter_context(
                    pgbouncer(postgres_url, mode=mode, pool=pool, **settings)
                )
            except NotInstalledError as error:
                _missing(error)

        yield start


@pytest.fixture(name="psql")
def _psql(postgres_server: str, tmp_path: Path) -> Callable[[str, str], Finished]:
    """Return a function that feeds a script to psql: `psql(url, script)`."""
    del postgres_server  # asked for so that a machine without PostgreSQL skips here

    def feed(url: str, script: str) -> Finished:
        try:
            return psql(url, script, cwd=tmp_path)
        except NotInstalledError as error:
            _missing(error)

    return feed


@pytest.fixture(name="sqlite3_shell")
def _sqlite3_shell(tmp_path: Path) -> Callable[[Path, str], Finished]:
    """Return a function that feeds a script to the sqlite3 shell: `sqlite3_shell(path, script)`."""

    def feed(path: Path, script: str) -> Finished:
        try:
            return sqlite3_shell(path, script, cwd=tmp_path)
        except NotInstalledError as error:
            _missing(error)

    return feed


@pytest.fixture
def python_m_asyncmig(tmp_path: Path) -> RunAsyncmig:
    """Return a function that runs `python -m asyncmig` in `tmp_path`, or in another `cwd`."""

    def run_asyncmig(
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
    ) -> Finished:
        return run(asyncmig_command(*arguments), env=env, cwd=cwd or tmp_path, stdin=stdin)

    return run_asyncmig
