"""The SQL files of node-pg-migrate: whole ones with two comments, or pairs.

Rules: salsita/node-pg-migrate, ``src/sqlMigration.ts``, ``migrationLoader.ts``,
``utils/fileNameUtils.ts`` and ``comparators.ts``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.numbering import in_order, told_apart
from asyncmig.sources.formats.parts import part, statement_in, whole
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)(?P<rest>.*?)(?:\.(?P<direction>up|down))?\.sql", re.DOTALL)
_CODE = re.compile(r"[0-9]+.*\.[cm]?[jt]s", re.DOTALL)
_STAMPED_CODE = re.compile(r"[0-9]{13}(?:[0-9]{4})?[-_].*\.[cm]?[jt]s", re.DOTALL)
_UP, _DOWN = (
    re.compile(rf"^\s*--[\s-]*{direction}\s+migration", re.IGNORECASE | re.MULTILINE)
    for direction in Direction
)
_LENGTH_OF_DATE = len("20200513070724505")


class NodePgMigrate:
    """``STAMP_name.sql`` with ``-- Up Migration`` and ``-- Down Migration``, or halves of it."""

    tool = "node-pg-migrate"

    def is_sure(self, tree: Tree) -> bool:
        """Look for one of its comments, or for code that has a stamp in milliseconds."""
        is_ours = any(name.startswith("R__") or name.endswith(".py") for name in tree.names)
        return any(map(_STAMPED_CODE.fullmatch, tree.names)) or (
            tree.has_comment(_UP, _NAME) and not is_ours
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the SQL files, and refuse those in JavaScript or TypeScript."""
        found: list[File] = []
        for entry in tree.files:
            path = tree.path_of(entry)
            if _CODE.fullmatch(entry.name) and not entry.name.endswith(".d.ts"):
                yield Place(path).wrong(
                    "a migration in JavaScript, which cannot be run here", hint=_IN_JAVASCRIPT
                )
            elif match := _NAME.fullmatch(entry.name):
                direction = Direction(match["direction"]) if match["direction"] else None
                name = match["rest"].lstrip("-_. ") or match["version"]
                file_name = FileName(Version(match["version"]), name, direction)
                found.append(File(file_name, path, entry))
            elif entry.name.endswith(".sql") and not entry.name.startswith("."):
                yield Place(path).wrong("its name does not begin with a number", hint=_NUMBER)
        found.sort(key=lambda file: (_moment(file.name.key), file.name.name))
        yield from told_apart(in_order(found, self.tool))

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at its comments; a half of a pair has none."""
        up, down = _UP.search(text.script), _DOWN.search(text.script)
        if file.name.direction is not None or (up is None and down is None):
            return whole(text, file, context)
        if up is None or (down is not None and down.start() < up.start()):
            raise file.place.wrong(
                "there is no -- Up Migration in front of -- Down Migration",
                hint="write it in front of what applies the migration",
            )
        stray = statement_in(text.script[: up.start()], context.dialect)
        if stray is not None:
            raise text.wrong_at(stray, "a statement in front of -- Up Migration is never run")
        end = down.start() if down else len(text.script)
        scripts = {Direction.UP: part(text, context.dialect, up.start(), end)}
        if down is not None:
            scripts[Direction.DOWN] = part(text, context.dialect, end)
        return scripts


_IN_JAVASCRIPT = (
    "let node-pg-migrate apply it and then adopt, or write what it does into a file of the same "
    "number in SQL"
)
_NUMBER = "node-pg-migrate stops at such a file: number it, or let its name begin with a dot"


def _moment(digits: str) -> int:
    """Return what node-pg-migrate orders by: seventeen digits are a date, all else is a number."""
    if len(digits) != _LENGTH_OF_DATE:
        return int(digits)
    try:
        moment = datetime.strptime(f"{digits}000+0000", "%Y%m%d%H%M%S%f%z")
    except ValueError:
        return int(digits)
    return round(moment.timestamp() * 1000)
