"""asyncmig: ``await migrate(...)`` without an observer."""

from __future__ import annotations

from typing import Any

import aiosqlite  # noqa: F401 - an application has its driver
import asyncpg  # noqa: F401 - the same

from asyncmig import migrate as _migrate


async def migrate(url: str, folder: str, **settings: Any) -> None:  # noqa: ANN401 - as its options
    """Apply what is pending, beside the tables in which a race is written down."""
    await _migrate(url, folder, **{"observer": None, "baseline": "none", **settings})
