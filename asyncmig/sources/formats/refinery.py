"""The files of refinery: ``V1__name.sql``, and ``U1__name.sql`` which may come late.

Rules: rust-db/refinery, ``refinery_core/src/util.rs`` and ``traits/mod.rs``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import holds_ours
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

_NAME = re.compile(
    r"(?P<prefix>[VU])(?P<version>[0-9]+(?:\.[0-9]+)?)__(?P<name>\w+)\.(?P<ending>sql|rs)"
)


class Refinery:
    """``V`` and ``U`` with one number, in the folder and in all that are below it.

    An "unversioned" ``U`` has a version too, and is applied once in its place like any other; that
    it may be applied after younger ones is what ``--out-of-order`` is for.
    """

    tool = "refinery"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a migration in Rust, or a ``U`` that is not the undo of a ``V``, as Flyway's."""
        if holds_ours(tree):
            return False
        names = [match for folder in tree.everything() for match in _matches(folder)]
        versioned = {match["version"] for match in names if match["prefix"] == "V"}
        return any(match["ending"] == "rs" or match["version"] not in versioned for match in names)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the SQL files, and refuse those in Rust."""
        for folder in tree.everything():
            for entry in folder.files:
                match = _NAME.fullmatch(entry.name)
                if match is None:
                    continue
                place = Place(folder.path_of(entry), match["version"])
                if match["ending"] == "rs":
                    yield place.wrong("a migration in Rust, which cannot be run here", hint=_RUST)
                elif "." in match["version"]:
                    yield place.wrong("refinery takes whole numbers for versions only")
                else:
                    name = FileName(Version(match["version"]), match["name"])
                    yield File(name, place.path, entry)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Return all of the file: there are no markers, and no way down."""
        return {file.name.direction or Direction.UP: part(text, context.dialect)}


_RUST = (
    "let refinery apply it and then adopt, or write what it does into a file of the same version "
    "in SQL"
)


def _matches(folder: Tree) -> Iterator[re.Match[str]]:
    """Go through the names that refinery takes for migrations."""
    return (match for name in folder.names if (match := _NAME.fullmatch(name)))
