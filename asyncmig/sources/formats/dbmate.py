"""The files of dbmate, where they differ from ours: their names, and how they are ordered.

Rules: amacneil/dbmate, ``pkg/dbmate/migration.go`` and ``db.go``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import MARKER
from asyncmig.sources.formats.numbering import in_order, version_sorted_as_text
from asyncmig.sources.names import FileName
from asyncmig.sources.sql_file import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_OURS = re.compile(r"[0-9]+_.+", re.DOTALL)
_NAME = re.compile(r"(?P<version>[0-9]+)[-_. ]*(?P<name>.*)\.sql", re.DOTALL)


class Dbmate:
    """``VERSION``, anything, ``.sql``, in the order of the names, with the markers that we have."""

    tool = "dbmate"

    def is_sure(self, tree: Tree) -> bool:
        """Look for markers in a folder of numbered files, of which none is named as ours are.

        The init-scripts of supabase/postgres are like that: ``00000000000000-initial-schema.sql``.
        """
        names = [name for name in tree.names if name.endswith(".sql")]
        return (
            tree.has_comment(MARKER, _NAME)
            and all(map(_NAME.fullmatch, names))
            and not any(map(_OURS.fullmatch, names))
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the files that begin with a number; others are nothing to dbmate."""
        found: list[File] = []
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            digits = match["version"]
            version = version_sorted_as_text(digits, entry.name.removeprefix(digits))
            name = FileName(version, match["name"] or digits)
            found.append(File(name, tree.path_of(entry), entry))
        yield from in_order(found, self.tool)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at its markers. Several pairs of them are refused: dbmate loses the rest."""
        return read_sql(text, file.name, context.dialect)
