"""The folders of Prisma: one for each migration, with a ``migration.sql`` in it.

Rules: prisma/prisma-engines, ``migrations_directory`` of its ``schema-connector``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Direction
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.numbering import in_order, told_apart, version_sorted_as_text
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_UP = "migration.sql"
_HALVES = {_UP: Direction.UP, "down.sql": Direction.DOWN}
_LOCK = "migration_lock.toml"
_NAME = re.compile(r"(?P<version>[0-9]+)_?(?P<name>.*)", re.DOTALL)


class Prisma:
    """``VERSION_name/migration.sql``, and the ``down.sql`` that its manual has people write."""

    tool = "prisma"

    def is_sure(self, tree: Tree) -> bool:
        """Look for the file that says which database it is, or a folder with a migration in it.

        Drizzle has such folders since its version 1, with a snapshot in each.
        """
        return _LOCK in tree.names or (
            _UP in tree.names_below and "snapshot.json" not in tree.names_below
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the files of each folder."""
        found: list[File] = []
        for folder in tree.folders:
            try:
                found += _halves(folder)
            except SourceError as error:
                yield error
        yield from told_apart(in_order(found, self.tool))

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file."""
        return whole(text, file, context)


def _halves(folder: Tree) -> list[File]:
    """Return the files of one migration.

    Raises:
        SourceError: Something is wrong with it.
    """
    place = Place(folder.location.label)
    if _UP not in folder.names:
        raise place.wrong(f"there is no {_UP} in it", hint="write one, or take the folder away")
    match = _NAME.fullmatch(folder.name)
    if match is None:
        raise place.wrong(
            "its name does not begin with a number", hint="here a version is a number: rename it"
        )
    version = version_sorted_as_text(match["version"], folder.name.removeprefix(match["version"]))
    name = match["name"] or folder.name
    return [
        File(FileName(version, name, _HALVES[entry.name]), folder.path_of(entry), entry)
        for entry in folder.files
        if entry.name in _HALVES
    ]
