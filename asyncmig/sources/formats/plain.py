"""Plain numbered files, of tools that people wrote for themselves, or of none at all.

``1.sql``, ``001-name.sql``, ``1 name.sql``, ``v1.10.sql``, ``2024-03-13-name.sql``: everything that
begins with a number and is not named as ours are. Whoever has none of ours means it so; beside one
of ours such a name is a slip (:mod:`asyncmig.sources.names`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.parts import statement_in, whole
from asyncmig.sources.names import FileName, Misnamed, parse_name
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(
    r"(?![vV][0-9._]+__)"  # V1__name is Flyway's
    r"(?:(?P<date>(?:19|20)[0-9]{2}-?[0-9]{2}-?[0-9]{2})(?:[-_ T]?(?P<time>[0-9]{6})|(?![0-9]))"
    r"|(?P<numbers>[0-9]+(?:\.[0-9]+)*)"
    r"|[vV](?P<dotted>[0-9]+(?:[._][0-9]+)*))"
    r"(?:[-_. ]+(?P<name>.*?))?(?:\.(?i:(?P<direction>up|down)))?\.sql",
    re.DOTALL,
)
_WAY_DOWN = re.compile(  # "-- +micrate Down", "-- !Downs", "--- DOWN ---", "-- Rollback:"
    r"^[ \t]*(?P<mark>--[-=*# \t]*(?:[+!@]\w*[ \t]*)?(?:down|rollback|undo)s?"
    r"(?:[ \t]+migration)?)[-:=*# \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBERED_CODE = re.compile(r"[vV]?[0-9].*\.py", re.DOTALL)
_MARKS = re.compile(
    r"^[ \t]*--.*(?:migrate:|\+goose|\+migrate|create above|up\s+migration)|^--! [A-Z]",
    re.MULTILINE | re.IGNORECASE,
)


class Plain:
    """``NUMBER``, perhaps a name, ``.sql``: the whole file is the way up."""

    tool = "plain"

    def is_sure(self, tree: Tree) -> bool:
        """See whether every SQL file is numbered and none is named or marked as ours are."""
        names = [name for name in tree.names if name.endswith(".sql") and name[0] not in "_."]
        return (
            bool(names)
            and all(_NAME.fullmatch(name) for name in names)
            and all(isinstance(parse_name(name), Misnamed) for name in names)
            and not any(_NUMBERED_CODE.fullmatch(name) for name in tree.names)
            and not tree.has_comment(_MARKS, _NAME)
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the numbered files, and refuse SQL files that have no number."""
        for entry in tree.files:
            if entry.name.startswith(("_", ".")) or not entry.name.endswith(".sql"):
                continue
            path = tree.path_of(entry)
            name = _parse(entry.name)
            if name is None:
                yield Place(path).wrong("its name does not begin with a number", hint=_HINT)
            else:
                yield File(name, path, entry)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file, unless it goes on with the way down of a tool that nobody knows.

        Taken for one script, such a file would undo at once what it did.
        """
        for match in _WAY_DOWN.finditer(text.script):
            former, later = text.script[: match.start()], text.script[match.end() :]
            if None not in {statement_in(half, context.dialect) for half in (former, later)}:
                raise text.wrong_at(
                    match.start("mark"), "here begins the way down, by the look of it", hint=_CUT
                )
        return whole(text, file, context)


_CUT = "write it into a file of its own, NUMBER-name.down.sql beside NUMBER-name.up.sql"
_HINT = "number it, or let its name begin with an underscore if it is no migration"


def _parse(file_name: str) -> FileName | None:
    """Take a name apart; ``None`` for one without a number."""
    match = _NAME.fullmatch(file_name)
    if match is None:
        return None
    if match["date"]:
        version = match["date"].replace("-", "") + (match["time"] or "")
    else:
        version = match["numbers"] or match["dotted"].replace("_", ".")
    direction = Direction(match["direction"].lower()) if match["direction"] else None
    return FileName(Version(version), match["name"] or version, direction)
