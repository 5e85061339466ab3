"""The files of maragudk's migrate: pairs that are told apart by their whole names.

Rules: maragudk/migrate, ``migrate.go``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.native import python_files
from asyncmig.sources.formats.numbering import in_order, told_apart
from asyncmig.sources.formats.parts import part
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<whole>[\w-]+)\.(?P<direction>up|down)\.sql", re.ASCII)
_NUMBER = re.compile(r"(?P<version>[0-9]+)[-_]*(?P<name>.*)")


class Maragudk:
    """``NAME.up.sql`` and ``NAME.down.sql`` in the order of the names; numbers may come twice."""

    tool = "maragudk"

    def is_sure(self, tree: Tree) -> bool:  # noqa: ARG002 - the protocol gives it
        """Say no: two names with one number are a slip to every other tool that has pairs."""
        return False

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the pairs, and refuse names that no number orders."""
        found: list[File] = []
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            path = tree.path_of(entry)
            number = _NUMBER.fullmatch(match["whole"])
            if number is None:
                yield Place(path).wrong("its name does not begin with a number", hint=_HINT)
                continue
            name = FileName(
                Version(number["version"]), number["name"], Direction(match["direction"])
            )
            found.append(File(name, path, entry))
        found.sort(key=_whole_name)
        yield from told_apart(in_order(_with_their_ups(found), self.tool))
        yield from python_files(tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Return all of the file."""
        return {file.name.direction or Direction.UP: part(text, context.dialect)}


def _whole_name(file: File) -> str:
    return file.entry.name.removesuffix(f".{file.name.direction}.sql")


def _with_their_ups(files: Sequence[File]) -> Iterator[File]:
    """Yield the files; a down under a name of its own goes with the last up of its number.

    That is where it is run on the way down (gitness has one that was misspelt).
    """
    ups = [file for file in files if file.name.direction is Direction.UP]
    names = {(file.name.version, file.name.name) for file in ups}
    last = {file.name.version: file.name.name for file in ups}
    for file in files:
        version, name = file.name.version, file.name.name
        if (version, name) not in names:
            name = last.get(version, name)
        yield replace(file, name=replace(file.name, name=name))


_HINT = "versions are compared as numbers here: begin it with one that keeps it in its place"
