"""Learn what answers at the other end, and settle in there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.server import Server
from asyncmig.engines.postgres.settings import asked_settings, dead_man_settings
from asyncmig.errors import ReadOnlyDatabaseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.engines.postgres.connection import Wire

_GREETING = (
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num'), "
    "pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only'), "
    "pg_catalog.version(), pg_catalog.current_setting('application_name')"
)

_PRETENDS = "CockroachDB"
"""In ``version()`` of a server that grants an advisory lock to everybody who asks."""


async def greet(wire: Wire) -> Server:
    """Ask the server what it is.

    Raises:
        ReadOnlyDatabaseError: Nothing can be written here.
    """
    ((pid, version, is_standby, is_read_only, release, name),) = await wire.fetch(_GREETING)
    if is_standby == "t":
        raise ReadOnlyDatabaseError(
            "the server is a standby, which is read-only", hint="connect to the primary"
        )
    if is_read_only == "on":
        raise ReadOnlyDatabaseError(
            "the database is read-only for this role (default_transaction_read_only)",
            hint="migrate with a role that may write",
        )
    return Server(
        int(version or 0),
        pooled=int(pid or 0) != wire.startup_pid,
        has_advisory_locks=_PRETENDS not in str(release),
        name=str(name),
    )


async def settle_in(wire: Wire, server: Server, asked: Mapping[str, str]) -> str:
    """Set what a session of our own runs with, and return it as SQL.

    A server that is not PostgreSQL itself, or runs on another system, may lack some.

    Args:
        wire: The connection.
        server: What it leads to.
        asked: What the URL asks for; it has the last word.
    """
    orders, last_words = dead_man_settings(server.version), asked_settings(asked)
    try:
        await wire.execute(" ".join((*orders, *last_words)))
    except ServerError:
        orders = [order for order in orders if await _is_accepted(wire, order)]
        for order in last_words:
            await wire.execute(order)
    return " ".join((*orders, *last_words))


async def _is_accepted(wire: Wire, order: str) -> bool:
    try:
        await wire.execute(order)
    except ServerError:
        return False
    return True
