"""The files of golang-migrate: pairs, and halves without the other half.

Rules: golang-migrate/migrate, ``source/parse.go``, ``source/iofs`` and ``newMigration()``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, SqlScript, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import Native, python_files
from asyncmig.sources.formats.parts import cannot_run_in_transaction, part
from asyncmig.sources.names import FileName, is_half, parse_name
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.*)\.(?P<direction>up|down)\.sql")
_TOO_MUCH = 1 << 64
"""From here on a number is no version to golang-migrate, and the file is passed over."""


class GolangMigrate:
    """``VERSION_name.up.sql`` and ``VERSION_name.down.sql``, without any marker."""

    tool = "golang-migrate"

    def is_sure(self, tree: Tree) -> bool:
        """Look for what cannot run in a transaction, in pairs that have no word for that.

        A down without an up, which golang-migrate allows too, is no sign: it may as well be that
        somebody forgot a file, and then a migration would count as applied that never ran.
        """
        return (
            any(map(is_half, tree.names))
            and not any(map(_stands_alone, tree.names))
            and any(
                is_half(name) and _cannot_run_in_transaction(head)
                for name, head in tree.heads.items()
            )
            and not Native().is_sure(tree)
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the halves in SQL; a lone down stands for both."""
        names = {entry.name: name for entry in tree.files if (name := _take_apart(entry.name))}
        ups = {name.version for name in names.values() if name.direction is Direction.UP}
        for entry in tree.files:
            name = names.get(entry.name)
            if name is None:
                continue
            if name.version not in ups:
                name = FileName(name.version, name.name)
            yield File(name, tree.path_of(entry), entry)
        yield from python_files(tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Return all of the file; to go up where there is only a down is to do nothing."""
        script = part(text, context.dialect)
        if file.name.direction is None:
            return {Direction.UP: SqlScript("", text.place.path), Direction.DOWN: script}
        return {file.name.direction: script}


def _take_apart(file_name: str) -> FileName | None:
    """Return the parts of the name of a half, ``None`` for every other file."""
    match = _NAME.fullmatch(file_name)
    if match is None or int(match["version"]) >= _TOO_MUCH:
        return None
    return FileName(Version(match["version"]), match["name"], Direction(match["direction"]))


def _stands_alone(file_name: str) -> bool:
    """Tell whether a file is a whole migration of ours, which golang-migrate would pass over."""
    name = parse_name(file_name)
    return isinstance(name, FileName) and name.direction is None


def _cannot_run_in_transaction(head: str) -> bool:
    """Tell it by the rules of either database: whose the folder is for is not known yet."""
    return not head.startswith("-- no-transaction") and any(
        cannot_run_in_transaction(head, dialect) for dialect in Dialect
    )
