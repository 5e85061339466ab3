"""Tortoise ORM's own migrations: as Django's, in a table of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Tool
from asyncmig.adopt.tools.django import by_application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import ForeignHistory, Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    return by_application(rows, at="applied_at")


TORTOISE = Tool(
    name="tortoise",
    table="tortoise_migrations",
    columns=("id", "app", "name", "applied_at"),
    interpret=_interpret,
)
