"""Getting a connection: what is worth another try, and what is not."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import asyncpg
import pytest

from asyncmig.engines.postgres import settings
from asyncmig.engines.postgres.problems import connection_problem
from asyncmig.errors import (
    AsyncmigError,
    DatabaseAccessError,
    DatabaseUnavailableError,
    DatabaseUrlError,
    HistoryElsewhereError,
    HistoryFormatError,
    ReadOnlyDatabaseError,
)
from asyncmig.history import History
from tests.engines.lab import (
    RIVAL,
    RUNNER,
    Seen,
    first_step,
    history_of,
    locked,
    run,
    sql,
    wait_for,
)
from tests.engines.postgres.ground import as_role, ask, connected, do, engine_for, role
from tests.servers.machine import free_port
from tests.servers.postgres import postgres
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Generator

USERS = sql("1", "CREATE TABLE users (id integer PRIMARY KEY);", "DROP TABLE users;")


def everything(error: BaseException) -> str:
    """Return all that a traceback would show of an error and of its causes."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None:
        parts += [repr(found), *getattr(found, "__notes__", ())]
        found = found.__cause__ or found.__context__
    return "\n".join(parts)


# --- not there --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "does-not-exist.invalid"])
async def test_an_unreachable_server_is_tried_until_the_time_is_up(host: str) -> None:
    """Then the sentence names where, and no password."""
    url = f"postgresql://me:s3cret@{host}:{free_port()}/app?sslmode=disable"
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError, match="cannot be reached") as caught:
        await history_of(engine_for(url, connect_timeout=0.5))
    assert 0.2 < time.monotonic() - began < 5
    assert f"postgresql://me@{host}" in caught.value.message
    assert "s3cret" not in everything(caught.value)


async def test_a_server_that_comes_up_late_is_waited_for(postgres_url: str) -> None:
    """A database and its application often start together."""
    async with Proxy(postgres_url) as proxy:
        url = proxy.url
    port = int(url.rpartition("@")[2].partition("/")[0].rpartition(":")[2])

    async def appear() -> None:
        await anyio.sleep(0.5)
        proxy._server = await asyncio.start_server(proxy._serve, "127.0.0.1", port)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(appear)
        history = await history_of(engine_for(url, connect_timeout=10))
    await proxy.__aexit__(None, None, None)
    assert History(exists=False) == history


async def test_a_server_that_does_not_answer_is_given_up(anyio_backend: str) -> None:
    """Something listens there and says nothing."""
    del anyio_backend
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"postgresql://me@127.0.0.1:{deaf.getsockname()[1]}/app?sslmode=disable"
        with anyio.fail_after(5), pytest.raises(DatabaseUnavailableError, match="did not answer"):
            await history_of(engine_for(url, connect_timeout=0.4))


async def test_a_primary_is_waited_for(postgres_url: str) -> None:
    """target_session_attrs may ask for what is not there yet."""
    url = f"{postgres_url}&target_session_attrs=standby"
    with anyio.fail_after(5), pytest.raises(DatabaseUnavailableError):
        await history_of(engine_for(url, connect_timeout=0.4))


async def test_no_limit_means_no_limit(postgres_url: str) -> None:
    """connect_timeout=0 is libpq's word for it."""
    url = f"{postgres_url}&connect_timeout=0"
    assert History(exists=False) == await history_of(engine_for(url))


# --- there, and it says no --------------------------------------------------------------------


async def test_a_missing_database_fails_at_once(postgres_url: str) -> None:
    """Nobody is going to create it meanwhile."""
    url = postgres_url.replace("/test_", "/no_test_")
    with anyio.fail_after(3), pytest.raises(DatabaseAccessError, match="does not exist") as caught:
        await history_of(engine_for(url))
    assert "create the database first" in caught.value.hint


@pytest.fixture(scope="module")
def strict_server(postgres_server: str) -> Generator[str]:
    """Yield a server that asks for passwords, with room for few."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    with postgres(max_connections="8", superuser_reserved_connections="0") as url:
        yield url


@pytest.fixture
async def strict_url(strict_server: str) -> str:
    """Return the URL of a role with a password there."""
    ((path,),) = await ask(strict_server, "SHOW hba_file")
    rule = "host all keeper 127.0.0.1/32 scram-sha-256"
    others = "host all all 127.0.0.1/32 trust"
    copy = f"COPY (SELECT '{rule}' UNION ALL SELECT '{others}') TO '{path}'"
    await do(
        strict_server,
        "DROP ROLE IF EXISTS keeper; CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 's3cret'; "
        f"{copy}; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)",
    )
    return as_role(strict_server, "keeper", "s3cret")


async def test_a_wrong_password_fails_at_once(strict_url: str) -> None:
    """It does not get better, and is shown nowhere."""
    await history_of(engine_for(strict_url))
    wrong = strict_url.replace("s3cret", "wr0ng")
    with anyio.fail_after(3), pytest.raises(DatabaseAccessError, match="authentication") as caught:
        await history_of(engine_for(wrong))
    assert "wr0ng" not in everything(caught.value)
    assert "check the password" in caught.value.hint


async def test_too_many_connections_are_waited_out(strict_url: str) -> None:
    """Room is made when another client goes."""
    crowd: list[asyncpg.Connection] = []
    try:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                crowd.append(await asyncpg.connect(strict_url))
        with pytest.raises(DatabaseUnavailableError, match=r"too many|connection slots"):
            await history_of(engine_for(strict_url, connect_timeout=0.3))
        async with anyio.create_task_group() as tasks:

            async def leave() -> None:
                await anyio.sleep(0.4)
                await crowd.pop().close()

            tasks.start_soon(leave)
            assert not (await history_of(engine_for(strict_url))).exists
    finally:
        for connection in crowd:
            await connection.close()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("no such database: app", DatabaseAccessError),
        ("password authentication failed", DatabaseAccessError),
        ("server login has been failing, try again later", DatabaseUnavailableError),
        ("no more connections allowed (max_client_conn)", DatabaseUnavailableError),
    ],
)
def test_what_pgbouncer_says_is_told_apart(words: str, error: type[AsyncmigError]) -> None:
    """It gives one code to all of it."""
    found = connection_problem(asyncpg.ProtocolViolationError(words), "postgresql://db")
    assert error is type(found)


# --- rights -----------------------------------------------------------------------------------


async def test_a_role_that_may_not_create_is_told_what_to_grant(postgres_url: str) -> None:
    """Since PostgreSQL 15 that is everybody but the owner of the database."""
    await do(postgres_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as 15 and newer have it
    async with role(postgres_url, f"poor_{_number(postgres_url)}") as url:
        assert History(exists=False) == await history_of(engine_for(url))
        with pytest.raises(ReadOnlyDatabaseError, match="permission denied for schema") as caught:
            await run(engine_for(url), USERS)
        assert 'GRANT CREATE ON SCHEMA "public"' in caught.value.hint
        with pytest.raises(ReadOnlyDatabaseError, match="permission denied for database") as caught:
            await run(engine_for(url, schema="new"), USERS)
        assert "GRANT CREATE ON DATABASE" in caught.value.hint


async def test_a_role_that_may_only_read_reads(postgres_url: str) -> None:
    """The lock, which is for writing, is refused with what to grant."""
    (entry,) = await run(engine_for(postgres_url), USERS)
    async with role(postgres_url, f"reader_{_number(postgres_url)}") as url:
        with pytest.raises(DatabaseAccessError, match="permission denied"):
            await history_of(engine_for(url))
        await do(
            postgres_url, f"GRANT SELECT ON asyncmig_history TO reader_{_number(postgres_url)}"
        )
        assert (entry,) == (await history_of(engine_for(url))).entries
        with pytest.raises(ReadOnlyDatabaseError, match="may not write the history") as caught:
            async with locked(engine_for(url)):
                pass
        assert "GRANT SELECT, INSERT, UPDATE" in caught.value.hint


async def test_a_read_only_session_reads(postgres_url: str) -> None:
    """default_transaction_read_only is enough to be refused the lock."""
    (entry,) = await run(engine_for(postgres_url), USERS)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert (entry,) == (await history_of(engine_for(postgres_url))).entries
    with pytest.raises(ReadOnlyDatabaseError, match="read-only"):
        async with locked(engine_for(postgres_url)):
            pass


def _number(url: str) -> str:
    return url.partition("?")[0].rpartition("_")[2]


# --- other tables -----------------------------------------------------------------------------


async def test_a_history_in_another_schema_is_not_overlooked(postgres_url: str) -> None:
    """Applying everything again would be the end of the data."""
    await run(engine_for(postgres_url, schema="app"), USERS)
    with pytest.raises(HistoryElsewhereError, match=r"in app\.asyncmig_history") as caught:
        await history_of(engine_for(postgres_url))
    assert "--schema app" in caught.value.hint
    assert History(exists=False) == await history_of(engine_for(postgres_url, schema="public"))


@pytest.mark.parametrize("change", ["SET format = 2", "SET format = 2, state = 'unheard of'"])
async def test_a_newer_format_is_refused(postgres_url: str, change: str) -> None:
    """By the reader and by who wants to write."""
    await run(engine_for(postgres_url), USERS)
    await do(postgres_url, f"UPDATE asyncmig_history {change}")
    with pytest.raises(HistoryFormatError, match="of format 2"):
        await history_of(engine_for(postgres_url))


async def test_a_foreign_table_of_that_name_is_left_alone(postgres_url: str) -> None:
    """It is somebody else's."""
    await do(postgres_url, "CREATE TABLE asyncmig_history (id int, note text)")
    with pytest.raises(HistoryFormatError, match="no history that this release knows"):
        await history_of(engine_for(postgres_url))


async def test_long_names_are_no_matter(postgres_url: str) -> None:
    """The index has a name of its own, although both are cut at 63 bytes."""
    engine = engine_for(postgres_url, table="é" * 31)
    (entry,) = await run(engine, USERS)
    assert (entry,) == (await history_of(engine)).entries


async def test_values_are_read_as_they_were_written(postgres_url: str) -> None:
    """Quotes, backslashes, tabs, line ends and what COPY means by them."""
    down = "SELECT 'it''s', E'\\\\t\\n', '\\N', '\t\r\b\v\f';\n-- \\. é𝄞"
    (entry,) = await run(engine_for(postgres_url), sql("1", "", down))
    assert down == entry.down_sql
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await do(postgres_url, f"ALTER DATABASE {name} SET backslash_quote = off")
    (second,) = await run(engine_for(postgres_url), sql("1", "", down), sql("2", "", down))
    assert down == second.down_sql


# --- the fast path ----------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "trips"), [("LOGIN", 1), ("LOGIN SUPERUSER", 2)])
async def test_reading_takes_one_connection_and_at_most_two_round_trips(
    postgres_url: str, options: str, trips: int
) -> None:
    """After authentication; no lock, no SET, no write. A superuser asks for the owner first."""
    await run(engine_for(postgres_url), USERS)
    async with role(postgres_url, "reader", options) as url, Proxy(url) as proxy:
        await do(postgres_url, "GRANT SELECT ON asyncmig_history TO reader")
        async with connected(proxy.url):
            login = proxy.round_trips
        proxy.round_trips = 0
        async with engine_for(proxy.url).session(RUNNER) as session:
            await session.history()
            state = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert [(0,)] == await ask(postgres_url, state)
        assert (2, login + trips) == (proxy.connections, proxy.round_trips)


async def test_settings_that_the_server_lacks_are_left_out(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers that are not quite PostgreSQL, or not on Linux, refuse some."""
    monkeypatch.setitem(settings._DEAD_MAN, "no_such_setting", "1")
    (entry,) = await run(engine_for(postgres_url), USERS, runner=RIVAL)
    assert [entry] == list(await history_of(engine_for(postgres_url)))


async def test_settings_of_the_url_are_set(postgres_url: str) -> None:
    """They have the last word, in every migration."""
    url = f"{postgres_url}&options=-c%20lock_timeout%3D7s%20-c%20work_mem%3D9MB"
    look = (
        "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l, "
        "current_setting('work_mem') AS w"
    )
    await run(engine_for(url), sql("1", "SET work_mem = '1MB'"), sql("2", look))
    assert [("7s", "9MB")] == await ask(postgres_url, "SELECT l, w FROM seen")


async def test_a_settled_waiter_does_not_write(postgres_url: str) -> None:
    """Two visits in a row leave one row."""
    await run(engine_for(postgres_url), USERS)
    async with engine_for(postgres_url).session(RIVAL) as session, session.lock(wait_for()):
        history = await session.history()
    assert 1 == len(history)
    assert "2" == first_step(history, USERS, sql("2", "")).key
    assert 0 == Seen().started


async def test_the_direct_url_is_a_servers(postgres_url: str) -> None:
    """Another kind of database is a mistake."""
    with pytest.raises(DatabaseUrlError, match="not that of a PostgreSQL"):
        engine_for(postgres_url, direct_url="sqlite:///other.db")
