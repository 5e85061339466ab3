"""A database that another tool has migrated, and the files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

import pytest

from asyncmig import Migrator
from tests.adopt.folders import rows_of, write_files
from tests.adopt.tables import make_tables, run_sql

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig import AdoptReport
    from asyncmig.options import Options
    from tests.adopt.tables import Made


class Wish(TypedDict, total=False):
    """The keywords of an adoption."""

    tool: str
    table: str
    column: str
    mapped: dict[str, str]
    allow_missing: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Site:
    """A database, and a folder of migrations.

    Attributes:
        url: The database.
        folder: The folder.
    """

    url: str
    folder: Path

    def migrator(self, **options: Unpack[Options]) -> Migrator:
        """Return a migrator that tells nobody anything."""
        options.setdefault("observer", None)
        return Migrator(self.url, self.folder, **options)

    async def sql(self, script: str) -> None:
        """Run a script on a connection of its own."""
        await run_sql(self.url, script)

    async def states(self) -> dict[str, str]:
        """Return where each migration stands."""
        report = await self.migrator().status()
        return {status.key: status.state.value for status in report.migrations}

    async def adopt(self, **wanted: Unpack[Wish]) -> AdoptReport:
        """Take it over, with the default settings."""
        return await self.migrator().adopt(**wanted)


class MakeSite(Protocol):
    """Makes a database which a tool has brought to version 2 of 3."""

    async def __call__(self, made: Made, more: str = "") -> Site:
        """Make its table, and do more."""
        ...


@pytest.fixture
def make_site(database_url: str, tmp_path: Path) -> MakeSite:
    """Return a function that makes a database which a tool has brought to version 2 of 3."""

    async def make(made: Made, more: str = "") -> Site:
        folder = tmp_path / "migrations"
        folder.mkdir()
        write_files(folder, made)
        both = "CREATE TABLE one (id integer); CREATE TABLE two (id integer)"
        await run_sql(database_url, both)
        await make_tables(database_url, replace(made, rows=rows_of(made, database_url)), more)
        return Site(database_url, folder)

    return make
