"""The files of postgres-migrations (Node), numbered from one on.

Rules: ThomWright/postgres-migrations, ``file-name-parser.ts`` and ``run-migration.ts``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(
    r"(?P<version>[0-9]+)[-_]?(?P<name>.*)\.(?P<ending>sql|js)", re.DOTALL | re.IGNORECASE
)
_WITHOUT = "-- postgres-migrations disable-transaction"
_COMMENT = re.compile(rf"^[ \t]*{_WITHOUT}", re.MULTILINE)


class PostgresMigrations:
    """``1_name.sql`` or ``1-name.sql``: the whole file is the way up, and there is none down."""

    tool = "postgres-migrations"

    def is_sure(self, tree: Tree) -> bool:
        """Look for its one comment."""
        return tree.has_comment(_COMMENT, _NAME)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the SQL files, and refuse those in JavaScript and those without a number."""
        for entry in tree.files:
            path = tree.path_of(entry)
            match = _NAME.fullmatch(entry.name)
            if match is None:
                if entry.name.lower().endswith((".sql", ".js")):
                    yield Place(path).wrong("its name does not begin with a number", hint=_NUMBER)
            elif match["ending"].lower() == "js":
                place = Place(path, match["version"])
                yield place.wrong("a migration in JavaScript, which cannot be run here", hint=_JS)
            else:
                version = match["version"]
                name = FileName(Version(version), match["name"] or version)
                yield File(name, path, entry)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file. Wherever the comment stands, it counts."""
        return whole(text, file, context, marked=_WITHOUT in text.script, marker=f"`{_WITHOUT}`")


_NUMBER = "postgres-migrations stops at such a file: number it, or take it away"
_JS = "write what it generates into a file of the same number in SQL"
