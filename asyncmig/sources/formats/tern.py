"""The files of tern: one for both directions, with a line between them.

Rules: jackc/tern, ``migrate/migrate.go``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import python_files
from asyncmig.sources.formats.parts import part, statement_in
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script, SqlScript
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql")
_SEPARATOR = "---- create above / drop below ----"
_NO_TRANSACTION = re.compile(r"^---- tern: disable-tx ----$", re.MULTILINE)
_MARKER = "`---- tern: disable-tx ----`"
_SURE = re.compile(rf"^{re.escape(_SEPARATOR)}|{_NO_TRANSACTION.pattern}", re.MULTILINE)
_TEMPLATE = "{{"


class Tern:
    """``VERSION_name.sql``, numbered from 1 on without a gap."""

    tool = "tern"

    def is_sure(self, tree: Tree) -> bool:
        """Look for the line between the directions, and for its one marker."""
        return tree.has_comment(_SURE, _NAME)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the files of the folder; what is in folders below is for templates alone."""
        numbers = {0}
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            file = File(
                FileName(Version(match["version"]), match["name"]), tree.path_of(entry), entry
            )
            numbers.add(int(match["version"]))
            yield file if int(match["version"]) else file.place.wrong("tern counts from 1 on")
        for python in python_files(tree):
            numbers.add(int(python.name.key))
            yield python
        missing = next((number for number in range(max(numbers)) if number not in numbers), None)
        if missing is not None:
            yield Place(tree.location.label, str(missing)).wrong(
                f"there is no migration {missing}, and tern numbers them without a gap",
                hint="a merge may have lost it, or given it another number",
            )

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at the line between the directions."""
        _refuse_template(text)
        end = text.script.find(_SEPARATOR)
        above = end if end >= 0 else len(text.script)
        if statement_in(text.script[:above], context.dialect) is None:
            raise file.place.wrong("there is nothing to apply, which tern refuses")
        scripts = {Direction.UP: _half(text, context, 0, above)}
        below = above + len(_SEPARATOR)
        if text.script[below:].strip():
            scripts[Direction.DOWN] = _half(text, context, below, len(text.script))
        return scripts


def _half(text: Text, context: Context, start: int, end: int) -> SqlScript:
    """Return one direction; the marker counts for that alone."""
    marked = _NO_TRANSACTION.search(text.script[start:end]) is not None
    return part(text, context.dialect, start, end, marked=marked, marker=_MARKER)


def _refuse_template(text: Text) -> None:
    """Refuse what only Go could make SQL of."""
    offset = text.script.find(_TEMPLATE)
    if offset >= 0:
        raise text.wrong_at(
            offset,
            "a Go template, which asyncmig does not fill in",
            hint="write into the file what it makes: `tern print-migrations` shows that",
        )
