"""The formats of migration folders, one tool in each file.

A format says which files of a folder it reads, and what they run in each direction; putting them
together and ordering them is the same for all (:mod:`asyncmig.sources.folder`).
:mod:`.recognition` tells whose folder it is, and :mod:`.signs` whose it may be.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from asyncmig.sources.formats.base import FileFormat

_HOMES = {
    "asyncmig": "native.Native",
    "dbmate": "dbmate.Dbmate",
    "goose": "goose.Goose",
    "diesel": "diesel.Diesel",
    "prisma": "prisma.Prisma",
    "golang-migrate": "golang_migrate.GolangMigrate",
    "river": "river.River",
    "sqlx": "sqlx.Sqlx",
    "sql-migrate": "sql_migrate.SqlMigrate",
    "tern": "tern.Tern",
    "flyway": "flyway.Flyway",
    "refinery": "refinery.Refinery",
    "drizzle": "drizzle.Drizzle",
    "atlas": "atlas.Atlas",
    "graphile-migrate": "graphile.Graphile",
    "node-pg-migrate": "node_pg_migrate.NodePgMigrate",
    "postgres-migrations": "postgres_migrations.PostgresMigrations",
    "yoyo": "yoyo.Yoyo",
    "rails": "rails.Rails",
    "maragudk": "maragudk.Maragudk",
    "plain": "plain.Plain",
}
"""Where each is, by what ``--format`` calls it. The order is that in which they are asked."""

TOOLS = tuple(_HOMES)
"""The tools whose folders can be read."""


@cache
def format_of(tool: str) -> FileFormat:
    """Return the format of a tool.

    Raises:
        SettingsError: There is no such tool, or its folders cannot be read.
    """
    if tool not in _HOMES:
        raise SettingsError(
            f"there is no format {tool!r}", hint=f"one of auto, {', '.join(sorted(TOOLS))}"
        )
    module, _, name = _HOMES[tool].partition(".")
    found: FileFormat = getattr(import_module(f"{__name__}.{module}"), name)()
    return found
