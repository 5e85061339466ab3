"""The migration files of one call: read off the loop, and only as closely as need be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.importing import import_gently
from asyncmig.sources.checksums import read_checksums
from asyncmig.sources.reading import BY_ITSELF, MAYBE_OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.glance import Checksums
    from asyncmig.migration import Migration
    from asyncmig.sources import Source
    from asyncmig.sources.reading import Reading
    from asyncmig.sql import Dialect


_CLOSER = (
    "asyncmig.events.event",
    "asyncmig.engines.base.step",
    "asyncmig.engines.base.session",
    "asyncmig.history.edit",
    "asyncmig.history.history",
    "asyncmig.history.status",
    "asyncmig.ledger",
    "asyncmig.sources.names",
    "asyncmig.sources.python_file",
    "asyncmig.sql.lexer",
    "asyncmig.sources.folder",
    "asyncmig.plan",
    "asyncmig.status",
)


class Files:
    """The files of one source.

    Args:
        source: Where they are.
        dialect: What the SQL among them is written in.
        reading: How they are read.
    """

    def __init__(self, source: Source, dialect: Dialect, reading: Reading = BY_ITSELF) -> None:
        self.source = source
        self._dialect = dialect
        self._reading = reading
        self._migrations: Sequence[Migration] | None = None

    def read_as(self, format: str) -> Files:  # noqa: A002 - what everybody calls it
        """Return the same files, to be read by the rules of a tool."""
        return Files(self.source, self._dialect, replace(self._reading, format=format))

    async def checksums(self) -> Checksums | None:
        """Return the checksum of each migration, or ``None``: then all of them are loaded.

        Raises:
            SourceError: See :func:`asyncmig.sources.load`.
        """
        return await asyncio.to_thread(self._read_checksums)

    async def migrations(self) -> Sequence[Migration]:
        """Return the migrations; they are read once.

        Raises:
            SourceError: See :func:`asyncmig.sources.load`.
        """
        if self._migrations is None:
            self._migrations = await asyncio.to_thread(self._load)
        return self._migrations

    def _read_checksums(self) -> Checksums | None:
        is_ours = self._reading.format in MAYBE_OURS
        checksums = read_checksums(self.source, self._dialect) if is_ours else None
        if checksums is None:
            self._migrations = self._load()
        return checksums

    def _load(self) -> Sequence[Migration]:
        """Read all of them.

        The parsers are imported now, in the thread, and so is what plans with what they find: at
        most starts neither is needed.
        """
        import_gently(*_CLOSER)
        from asyncmig.sources.folder import load

        return load(self.source, self._dialect, self._reading)
