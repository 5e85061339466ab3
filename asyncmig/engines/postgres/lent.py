"""Leave a connection that an application lends as it was."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import EQUALS, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row

# What BEGIN says of itself is no setting that could be given back.
BELONGINGS = (
    "SELECT 'setting', name, setting FROM pg_catalog.pg_settings "
    f"WHERE source {EQUALS} 'session' AND NOT name {EQUALS} "
    "ANY ('{transaction_isolation,transaction_read_only,transaction_deferrable}') "
    "UNION ALL SELECT 'identity', pg_catalog.current_setting('role'), "
    "session_user::pg_catalog.text "
    "UNION ALL SELECT 'temporary', c.relname::pg_catalog.text, NULL FROM pg_catalog.pg_class c "
    f"WHERE c.relnamespace {EQUALS} pg_catalog.pg_my_temp_schema() "
    f"AND c.relkind {EQUALS} ANY ('{{r,p}}') "
    "UNION ALL SELECT 'channel', l.channel, NULL "
    "FROM pg_catalog.pg_listening_channels() l (channel) "
    "UNION ALL SELECT 'cursor', u.name, NULL FROM pg_catalog.pg_cursors u WHERE u.is_holdable"
)
"""What :func:`belongings_of` reads. But for settings with a dot in their name: no view of
PostgreSQL lists those."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the session of an application has set for itself.

    Attributes:
        values: Settings by name.
        role: What SET ROLE was given, ``none`` for nothing.
        user: The session's user.
        temporary: The names of its temporary tables.
        channels: What it listens to.
        cursors: Its cursors that outlive a transaction.
    """

    values: dict[str, str]
    role: str
    user: str
    temporary: frozenset[str]
    channels: frozenset[str]
    cursors: frozenset[str]

    def identity(self, scope: str = "") -> str:
        """Return SQL that makes the session, or with ``LOCAL`` the transaction, this role again."""
        role = "NONE" if self.role == "none" else quoted(self.role)
        user = quoted(self.user)
        return f"SET {scope} SESSION AUTHORIZATION {user}; SET {scope} ROLE {role};"


async def belongings(wire: Wire) -> Belongings:
    """Look at what the session has set."""
    return belongings_of(await wire.fetch(BELONGINGS))


def belongings_of(rows: Iterable[Row]) -> Belongings:
    """Return what the session has set, as :data:`BELONGINGS` lists it."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, name, value in rows:
        found[str(kind)][str(name)] = str(value)
    ((role, user),) = found["identity"].items()
    return Belongings(
        found["setting"],
        role,
        user,
        temporary=frozenset(found["temporary"]),
        channels=frozenset(found["channel"]),
        cursors=frozenset(found["cursor"]),
    )


async def give_back(wire: Wire, before: Belongings) -> None:
    """Set everything back to what it was, and nothing else."""
    if orders := restoring(before, await belongings(wire)):
        await wire.execute(orders)


def restoring(before: Belongings, now: Belongings) -> str:
    """Return SQL that sets back what has changed, and nothing else; mostly nothing has."""
    orders: list[str] = []
    if now.user != before.user:
        orders.append(f"RESET SESSION AUTHORIZATION; {before.identity()}")
    elif now.role != before.role:
        orders.append(before.identity())
    orders += [f"RESET {_name(name)};" for name in now.values if name not in before.values]
    orders += [
        f"SELECT pg_catalog.set_config({literal(name)}, {literal(value)}, false);"
        for name, value in before.values.items()
        if now.values.get(name) != value
    ]
    return " ".join(orders + _leftovers(now, before))


def _leftovers(now: Belongings, before: Belongings) -> list[str]:
    """Return SQL that takes away what a file has left behind."""
    tables = sorted(now.temporary - before.temporary)
    cursors = sorted(now.cursors - before.cursors)
    channels = sorted(now.channels - before.channels)
    return [
        *(f"CLOSE {quoted(name)};" for name in cursors),
        *(f"DROP TABLE IF EXISTS pg_temp.{quoted(name)} CASCADE;" for name in tables),
        *(f"UNLISTEN {quoted(name)};" for name in channels),
    ]


def _name(setting: str) -> str:
    """Return the name of a setting, each part of a dotted one in quotes."""
    return ".".join(quoted(part) for part in setting.split("."))
