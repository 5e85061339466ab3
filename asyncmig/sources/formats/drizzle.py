"""The folder of drizzle-kit: SQL files, and a journal that says which of them count, in order.

Rules: drizzle-team/drizzle-orm, ``drizzle-orm/src/migrator.ts``. Since its version 1 there is no
journal, and each migration is a folder.
"""

from __future__ import annotations

import json
import re
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_JOURNAL = "_journal.json"
_FOLDER = re.compile(r"(?P<version>[0-9]+)_?(?P<name>.*)", re.DOTALL)
_TAG = re.compile(r"[0-9]*_?(?P<name>.+)", re.DOTALL)
_BREAKPOINT = "--> statement-breakpoint"
_PERHAPS_OPEN = re.compile(rf"(?:[^;\s]|--[^\n]*)\s*{_BREAKPOINT}")


class Drizzle:
    """``TAG.sql`` for each entry of ``meta/_journal.json``; the index there is the version."""

    tool = "drizzle"

    def is_sure(self, tree: Tree) -> bool:
        """Look for the journal, or for a folder with a migration and a snapshot in it."""
        return _meta(tree) is not None or {"migration.sql", "snapshot.json"} <= tree.names_below

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
    for index, tag in _entries(meta, place):
        entry = tree.find(f"{tag}.sql")
        if entry is None:
            raise place.wrong(f"it lists {tag}, and there is no {tag}.sql")
        match = _TAG.fullmatch(tag)
        name = FileName(Version(f"{index:04}"), match["name"] if match else tag)
        yield File(name, tree.path_of(entry), entry)


def _entries(meta: Tree, place: Place) -> list[tuple[int, str]]:
    """Return the index and the tag of each entry of the journal, in their order.

    Raises:
        SourceError: It cannot be read.
    """
    try:
        content = meta.location.root.joinpath(_JOURNAL).read_bytes()
        entries: Any = json.loads(decode(content, place))["entries"]
        found = [(int(entry["idx"]), str(entry["tag"])) for entry in entries]
    except OSError as error:
        raise unreadable(place.path, error) from error
    except (KeyError, TypeError, ValueError):
        raise place.wrong("this is no journal: it lists entries with idx and tag") from None
    return found


def _folders(tree: Tree) -> Iterator[File]:
    """Yield the migration of each folder that has one.

    Raises:
        SourceError: Its name does not begin with a number.
    """
    for folder in tree.folders:
        entry = folder.find("migration.sql")
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
