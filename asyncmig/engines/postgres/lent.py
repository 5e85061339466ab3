"""Leave a connection that an application lends as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import literal, quoted

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the session of an application has set for itself.

    Attributes:
        values: Settings by name.
        role: What SET ROLE was given, ``none`` for nothing.
        user: The session's user.
    """

    values: dict[str, str]
    role: str
    user: str


async def belongings(wire: Wire) -> Belongings:
    """Look at what the session has set."""
    rows = await wire.fetch(
        "SELECT name::text AS name, setting::text AS setting FROM pg_catalog.pg_settings "
        "WHERE source = 'session'"
    )
    who = await wire.one(
        "SELECT pg_catalog.current_setting('role') AS role, session_user::text AS name"
    )
    values = {str(row["name"]): str(row["setting"]) for row in rows}
    role, user = (str(who["role"]), str(who["name"])) if who else ("none", "")
    return Belongings(values, role, user)


async def give_back(wire: Wire, before: Belongings) -> None:
    """Set everything back to what it was, and nothing else."""
    now = await belongings(wire)
    orders: list[str] = []
    if now.user != before.user:
        orders.append("RESET SESSION AUTHORIZATION;")
    if now.role != before.role or now.user != before.user:
        orders.append(f"SET ROLE {'NONE' if before.role == 'none' else quoted(before.role)};")
    orders += [f"RESET {_name(name)};" for name in now.values if name not in before.values]
    orders += [
        f"SELECT pg_catalog.set_config({literal(name)}, {literal(value)}, false);"
        for name, value in before.values.items()
        if now.values.get(name) != value
    ]
    if orders:
        await wire.execute(" ".join(orders))


def _name(setting: str) -> str:
    """Return the name of a setting, each part of a dotted one in quotes."""
    return ".".join(quoted(part) for part in setting.split("."))
