"""Whose folder is it?

A format may be sure, because something is there that only its tool writes. If one is, it is that;
if none is, the folder is ours, or one of plain files that every tool would read in the same way,
also of those of which only the names are not ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.checksum import checksum
from asyncmig.errors import AmbiguousFormatError
from asyncmig.migration import SqlScript
from asyncmig.sources.formats import TOOLS, format_of, signs
from asyncmig.sources.reading import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asyncmig.migration import Script
    from asyncmig.sources.contents import Contents
    from asyncmig.sources.formats.base import FileFormat
    from asyncmig.sources.reading import Reading
    from asyncmig.sources.tree import Tree

_NATIVE = "asyncmig"
_PLAIN = "plain"


def recognise(
    tree: Tree, reading: Reading, attempt: Callable[[FileFormat], Contents]
) -> FileFormat:
    """Return the format of a folder.

    Args:
        tree: The folder.
        reading: What is known beforehand.
        attempt: Reads the folder by a format.

    Raises:
        SettingsError: The wanted format does not exist.
        AmbiguousFormatError: The folder can be read in two ways that are not the same.
    """
    if reading.format != AUTO:
        return format_of(reading.format)
    sure = candidates(tree)
    if not sure:
        return format_of(_NATIVE)
    if len(sure) == 1:
        return sure[0]
    return _agreed(sure, tree, attempt)


def candidates(tree: Tree) -> Sequence[FileFormat]:
    """Return the formats that are sure of a folder; none for plain files and for no files."""
    shown = (format_of(tool) for tool in TOOLS if signs.is_given(tool, tree))
    sure = [candidate for candidate in shown if candidate.is_sure(tree)]
    return [candidate for candidate in sure if candidate.tool != _PLAIN] or sure


def _agreed(
    sure: Sequence[FileFormat], tree: Tree, attempt: Callable[[FileFormat], Contents]
) -> FileFormat:
    """Return the format that is meant: ours if that makes sense, or the first of several alike.

    Raises:
        AmbiguousFormatError: They do not agree.
    """
    attempts = [attempt(candidate) for candidate in sure]
    first, *others = [found for found in attempts if not found.problems] or attempts
    if first.format == _NATIVE and not first.problems:
        return format_of(_NATIVE)  # every file has our markers, beside those that it came with
    for other in others:
        if _meaning(first) != _meaning(other):
            rest = (one.format for one in others if one is not other)
            raise AmbiguousFormatError(tree.location.label, (first.format, other.format, *rest))
    return format_of(first.format)


def _meaning(contents: Contents) -> list[object]:
    """Return what a run would do: which versions there are, and what each of them runs."""
    return [
        (migration.key, migration.checksum, migration.up.transaction, _run(migration.down))
        for migration in contents.migrations
    ]


def _run(script: Script | None) -> object:
    """Return what matters of a way down, which has no checksum."""
    if isinstance(script, SqlScript):
        return checksum(script.text), script.transaction
    return script
