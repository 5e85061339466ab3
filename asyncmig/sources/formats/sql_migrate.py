"""The files of sql-migrate: ``-- +migrate Up`` and ``-- +migrate Down``.

Rules: rubenv/sql-migrate, ``sqlparse/sqlparse.go`` and ``Migration.Less()``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, SqlScript, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import python_files
from asyncmig.sources.formats.numbering import told_apart
from asyncmig.sources.formats.parts import part
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)[-_. ]*(?P<name>.*)\.sql", re.DOTALL)
_MARKER = re.compile(
    r"^-- \+migrate[ \t]+(?P<direction>Up|Down)(?P<options>[ \t].*)?$", re.MULTILINE
)
_DIRECTIONS = {"Up": Direction.UP, "Down": Direction.DOWN}
_NO_TRANSACTION = "notransaction"


@dataclass(frozen=True, slots=True)
class _Section:
    """What follows a marker.

    Attributes:
        direction: The way it belongs to.
        without: Whether it must not run in a transaction.
        start: Its first character.
        end: The character behind its last one.
    """

    direction: Direction
    without: bool
    start: int
    end: int


class SqlMigrate:
    """``VERSION-name.sql``, both directions in one file."""

    tool = "sql-migrate"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a marker."""
        return tree.has_comment(_MARKER, _NAME)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield every SQL file that has a number in front, and refuse the others.

        sql-migrate runs those too, by name behind the numbered ones; here each has a version.
        Where two have one number their names tell them apart.
        """
        found: list[File] = []
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            path = tree.path_of(entry)
            if match is not None:
                name = FileName(Version(match["version"]), match["name"])
                found.append(File(name, path, entry))
            elif entry.name.endswith(".sql"):
                yield Place(path).wrong(
                    "there is no number in front, and nothing else tells its place in the order",
                    hint=f"call it VERSION-{entry.name}",
                )
        found.sort(key=_place_in_order)
        yield from told_apart(found)
        yield from python_files(tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at its markers; what stands in front of the first one is never run.

        A file may come back to a direction. One that has only a down does nothing to go up.
        """
        sections = [*_sections(text)]
        if not sections:
            raise file.place.wrong(
                "there is neither -- +migrate Up nor -- +migrate Down",
                hint="write -- +migrate Up in front of what applies the migration",
            )
        scripts: dict[Direction, Script] = {Direction.UP: SqlScript("", text.place.path)}
        for direction in Direction:
            own = [section for section in sections if section.direction is direction]
            if own:
                scripts[direction] = _script(text, own, context)
        return scripts


def _place_in_order(file: File) -> tuple[int, str]:
    """Return what sql-migrate sorts by."""
    return (file.name.version.number if file.name.version else 0, file.entry.name)


def _sections(text: Text) -> Iterator[_Section]:
    """Go through what follows each marker."""
    markers = [*_MARKER.finditer(text.script)]
    ends = [*(marker.start() for marker in markers), len(text.script)][1:]
    for marker, end in zip(markers, ends, strict=True):
        yield _Section(
            direction=_DIRECTIONS[marker["direction"]],
            without=_NO_TRANSACTION in (marker["options"] or "").split(),
            start=min(marker.end() + 1, end),
            end=end,
        )


def _script(text: Text, sections: Sequence[_Section], context: Context) -> SqlScript:
    """Put the sections of one direction together, each on the lines that it stands on."""
    first, *others = sections
    pieces = [text.script[: first.end]]
    end = first.end
    for section in others:
        between = text.script[end : section.start]
        pieces += ["\n" * between.count("\n"), text.script[section.start : section.end]]
        end = section.end
    whole = Text("".join(pieces), text.place)
    without = any(section.without for section in sections)
    marker = f"`-- +migrate {first.direction.capitalize()} {_NO_TRANSACTION}`"
    return part(whole, context.dialect, first.start, marked=without, marker=marker)
