"""Leave a connection that an application lends as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import EQUALS, literal, quoted

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire

# What BEGIN says of itself is no setting that could be given back.
_SETTINGS = (
    "SELECT name, setting FROM pg_catalog.pg_settings "
    f"WHERE source {EQUALS} 'session' AND NOT name {EQUALS} "
    "ANY ('{transaction_isolation,transaction_read_only,transaction_deferrable}')"
)
_TEMPORARY = (
    "SELECT c.relname FROM pg_catalog.pg_class c "
    f"WHERE c.relnamespace {EQUALS} pg_catalog.pg_my_temp_schema() "
    f"AND c.relkind {EQUALS} ANY ('{{r,p}}')"
)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the session of an application has set for itself.

    Attributes:
        values: Settings by name.
        role: What SET ROLE was given, ``none`` for nothing.
        user: The session's user.
        temporary: The names of its temporary tables.
    """

    values: dict[str, str]
    role: str
    user: str
    temporary: frozenset[str]

    def identity(self, scope: str = "") -> str:
        """Return SQL that makes the session, or with ``LOCAL`` the transaction, this role again."""
        role = "NONE" if self.role == "none" else quoted(self.role)
        user = quoted(self.user)
        return f"SET {scope} SESSION AUTHORIZATION {user}; SET {scope} ROLE {role};"


async def belongings(wire: Wire) -> Belongings:
    """Look at what the session has set."""
    settings = await wire.fetch(_SETTINGS)
    temporary = await wire.fetch(_TEMPORARY)
    ((role, user),) = await wire.fetch("SELECT pg_catalog.current_setting('role'), session_user")
    return Belongings(
        {str(name): str(value) for name, value in settings},
        str(role),
        str(user),
        frozenset(str(name) for (name,) in temporary),
    )


async def give_back(wire: Wire, before: Belongings) -> None:
    """Set everything back to what it was, and nothing else."""
    now = await belongings(wire)
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
    left = now.temporary - before.temporary
    orders += [f"DROP TABLE IF EXISTS pg_temp.{quoted(name)} CASCADE;" for name in sorted(left)]
    if orders:
        await wire.execute(" ".join(orders))


def _name(setting: str) -> str:
    """Return the name of a setting, each part of a dotted one in quotes."""
    return ".".join(quoted(part) for part in setting.split("."))
