"""The files of sqlx: simple ones, and reversible pairs.

Rules: launchbadge/sqlx, ``sqlx-core/src/migrate/source.rs`` and ``migration_type.rs``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import python_files
from asyncmig.sources.formats.parts import part
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[^_]*)_(?P<name>.*?)(?:\.(?P<direction>up|down))?\.sql", re.DOTALL)
_DIGITS = re.compile(r"[0-9]+")
_NO_TRANSACTION = "-- no-transaction"
_MARKER = f"`{_NO_TRANSACTION}` as its first line"
_SCAFFOLD = re.compile(r"^-- Add (?:up |down )?migration script here$", re.MULTILINE)
"""What ``sqlx migrate add`` writes into a new file."""


class Sqlx:
    """``VERSION_name.sql``, or ``VERSION_name.up.sql`` and ``VERSION_name.down.sql``."""

    tool = "sqlx"

    def is_sure(self, tree: Tree) -> bool:
        """Look for its one marker, and for what its command line writes."""
        return tree.has_comment(_SCAFFOLD, _NAME) or any(
            head.startswith(_NO_TRANSACTION) and _NAME.fullmatch(name)
            for name, head in tree.heads.items()
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield what has a number in front; a word there is an error, as it is to sqlx.

        A down takes back what has its version, whatever kind of file applied that. One without
        an up is left out: sqlx takes back only what was applied.
        """
        found = [*_listed(tree)]
        files = [file for file in found if isinstance(file, File)]
        ups = {file.name.version for file in files if file.name.direction is Direction.UP}
        for file in found:
            lone = isinstance(file, File) and file.name.version not in ups
            if not lone:
                yield file
        yield from python_files(tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Return all of the file; the marker counts only as its very first characters."""
        without = text.script.startswith(_NO_TRANSACTION)
        direction = file.name.direction or Direction.UP
        return {direction: part(text, context.dialect, marked=without, marker=_MARKER)}


def _listed(tree: Tree) -> Iterator[File | SourceError]:
    """Go through the names that sqlx takes for migrations."""
    for entry in tree.files:
        match = _NAME.fullmatch(entry.name)
        if match is None:
            continue
        path = tree.path_of(entry)
        if _DIGITS.fullmatch(match["version"]):
            name = FileName(
                Version(match["version"]), match["name"], Direction(match["direction"] or "up")
            )
            yield File(name, path, entry)
        else:
            yield Place(path).wrong(
                f"{match['version']!r} is no version, and sqlx takes what is in front of the first "
                "underscore for one",
                hint="call it VERSION_name.sql, or take the underscore or the .sql out of the name",
            )
