"""What a file format is: which files it reads, in which order, and where each direction is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.bundle import File
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree
    from asyncmig.sql import Dialect


@dataclass(frozen=True, slots=True)
class Context:
    """What a format has to know beside the text of a file.

    Attributes:
        dialect: Whose strings and comments the SQL is written with.
        placeholders: What placeholders stand for, by name.
    """

    dialect: Dialect
    placeholders: Mapping[str, str]


class FileFormat(Protocol):
    """The rules by which one tool reads a folder.

    Attributes:
        tool: What messages and ``--format`` call it.
    """

    tool: str

    def is_sure(self, tree: Tree) -> bool:
        """Tell whether something in the folder is only to be found in folders of this tool.

        What other tools would read in the same way is no reason to be sure.

        Raises:
            SourceError: The folder cannot be listed.
        """
        ...

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the files that the tool would run, in any order, and what is wrong with others.

        A file that the tool runs and nobody can run here, one in Go for instance, is an error: to
        leave it out would be to skip a migration.

        Raises:
            SourceError: The folder cannot be listed.
        """
        ...

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Return what a SQL file runs in each direction that it holds.

        Raises:
            SourceError: The tool would refuse it too, or cannot be followed here.
        """
        ...
