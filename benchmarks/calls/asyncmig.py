"""asyncmig: ``await asyncmig.migrate(...)`` without an observer."""

from __future__ import annotations

from typing import Any

import asyncmig


async def migrate(url: str, folder: str, **settings: Any) -> None:  # noqa: ANN401 - as its options
    """Apply what is pending."""
    await asyncmig.migrate(url, folder, observer=None, **settings)
