"""The folder of drizzle-kit: SQL files, and a journal that says which of them count, in order.

Rules: drizzle-team/drizzle-orm, ``drizzle-orm/src/migrator.ts``. Since its version 1 there is no
journal, and each migration is a folder.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asyncmig.errors import SourceError
from asyncmig.migration import Version
from asyncmig.sources.bundle import File
from asyncmig.sources.decode import decode
from asyncmig.sources.formats.delimiters import with_semicolons
from asyncmig.sources.formats.numbering import in_order, told_apart, version_sorted_as_text
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.location import unreadable
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place, Text
from asyncmig.sources.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.location import Location

_JOURNAL = "_journal.json"
_FOLDER = re.compile(r"(?P<version>[0-9]+)_?(?P<name>.*)", re.DOTALL)
_TAG = re.compile(r"[0-9]*_?(?P<name>.+)", re.DOTALL)
_BREAKPOINT = "--> statement-breakpoint"
_MIGRATION = "migration.sql"
_PERHAPS_OPEN = re.compile(rf"(?:[^;\s]|--[^\n]*)\s*{_BREAKPOINT}")


class Drizzle:
    """``TAG.sql`` for each entry of ``meta/_journal.json``; the index there is the version."""

    tool = "drizzle"

    def is_sure(self, tree: Tree) -> bool:
        """Look for the journal, or for a folder with a migration and a snapshot in it."""
        return _meta(tree) is not None or {_MIGRATION, "snapshot.json"} <= tree.names_below

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield what the journal lists, or each folder; other files are nothing to drizzle."""
        try:
            meta = _meta(tree)
            found = [*(_folders(tree) if meta is None else _listed(tree, meta))]
        except SourceError as error:
            yield error
        else:
            yield from told_apart(in_order(found, self.tool))

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file; a breakpoint ends a statement without a semicolon too."""
        if _PERHAPS_OPEN.search(text.script):
            script = with_semicolons(text.script, _BREAKPOINT, context.dialect)
            text = Text(script, text.place)
        return whole(text, file, context)


def _meta(tree: Tree) -> Tree | None:
    """Return the folder that has the journal in it."""
    return next(
        (found for found in tree.folders if found.name == "meta" and found.find(_JOURNAL)), None
    )


def _listed(tree: Tree, meta: Tree) -> Iterator[File]:
    """Yield the file of each entry of the journal.

    Its index is the version: a tag need not begin with a number, and two may with the same.

    Raises:
        SourceError: The journal cannot be read, or there is no such file.
    """
    place = Place(meta.location.path_of(_JOURNAL))
    for index, tag, _ in _entries(meta, place):
        entry = tree.find(f"{tag}.sql")
        if entry is None:
            raise place.wrong(f"it lists {tag}, and there is no {tag}.sql")
        match = _TAG.fullmatch(tag)
        name = FileName(Version(f"{index:04}"), match["name"] if match else tag)
        yield File(name, tree.path_of(entry), entry)


def _entries(meta: Tree, place: Place) -> list[tuple[int, str, int | None]]:
    """Return the index, the tag and the time of each entry of the journal, in their order.

    Raises:
        SourceError: It cannot be read.
    """
    import json  # every folder is shown to this format, and hardly one is its own

    try:
        content = meta.location.root.joinpath(_JOURNAL).read_bytes()
        entries: Any = json.loads(decode(content, place))["entries"]
        found = [
            (int(entry["idx"]), str(entry["tag"]), _whole(entry.get("when"))) for entry in entries
        ]
    except OSError as error:
        raise unreadable(place.path, error) from error
    except (KeyError, TypeError, ValueError):
        raise place.wrong("this is no journal: it lists entries with idx and tag") from None
    return found


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def moments(location: Location) -> Mapping[str, str]:
    """Return what drizzle's table keeps of each file, in milliseconds since 1970, by its path.

    That is the time in the journal, or the one that the name of a folder begins with.

    Args:
        location: The folder of all of them; of another tool's nothing is returned.

    Raises:
        SourceError: The journal cannot be read.
    """
    tree = Tree(location)
    meta = _meta(tree)
    if meta is None:
        found = (
            (f"{folder.location.label}/{_MIGRATION}", _stamp(folder)) for folder in tree.folders
        )
    else:
        entries = _entries(meta, Place(meta.location.path_of(_JOURNAL)))
        found = ((location.path_of(f"{tag}.sql"), when) for _, tag, when in entries)
    return {path: str(when) for path, when in found if when is not None}


def _stamp(folder: Tree) -> int | None:
    """Return the time that a folder's name begins with; not every number is one."""
    try:
        begun = datetime.strptime(folder.name[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(begun.timestamp()) * 1000


def _folders(tree: Tree) -> Iterator[File]:
    """Yield the migration of each folder that has one.

    Raises:
        SourceError: Its name does not begin with a number.
    """
    for folder in tree.folders:
        entry = folder.find(_MIGRATION)
        if entry is None:
            continue
        match = _FOLDER.fullmatch(folder.name)
        if match is None:
            raise Place(folder.location.label).wrong(
                "its name does not begin with a number",
                hint="here a version is a number: rename it",
            )
        digits = match["version"]
        version = version_sorted_as_text(digits, folder.name.removeprefix(digits))
        yield File(FileName(version, match["name"] or folder.name), folder.path_of(entry), entry)
