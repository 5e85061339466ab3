"""Tell whose a folder is that two formats read differently: the database may know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.decision import origin_of
from asyncmig.adopt.finding import find_histories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Engine, Runner


async def format_in_use(engine: Engine, formats: Sequence[str], runner: Runner) -> str | None:
    """Return the one of some formats whose tool has migrated a database, ``None`` if it is unclear.

    What our own history was adopted from counts first: the other tool's table may be gone by then,
    or be that of another service.

    Args:
        engine: The database; it is visited once more, nothing is locked or written.
        formats: Those that the files could be of.
        runner: Who asks.
    """
    async with engine.session(runner) as session:
        history = await session.history()
        origins = {entry.origin for entry in history}
        adopted = [name for name in formats if origin_of(name) in origins]
        if adopted:
            return adopted[0] if len(adopted) == 1 else None
        tools = {found.table.tool.name for found in await find_histories(session)}
    used = [name for name in formats if name in tools]
    return used[0] if len(used) == 1 else None
