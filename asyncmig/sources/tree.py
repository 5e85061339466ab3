"""A folder that several formats look at in turn; every file of it is read at most once."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.sources.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.sources.location import Location

_COMMENT = re.compile(r"^[ \t]*--.*", re.MULTILINE)


class Tree:
    """A folder, and what is below it.

    Args:
        location: The folder.
    """

    def __init__(self, location: Location) -> None:
        self.location = location

    @property
    def name(self) -> str:
        """The last part of what messages call it."""
        return self.location.label.rpartition("/")[2]

    @cached_property
    def files(self) -> Sequence[Entry]:
        """The files in it, sorted by name.

        Raises:
            SourceError: It is not there, or cannot be read.
        """
        return [Entry(file) for file in self.location.files()]

    @cached_property
    def names(self) -> frozenset[str]:
        """What the files in it are called."""
        return frozenset(self._by_name)

    @cached_property
    def listing(self) -> str:
        """Their names, each with a line end behind it: to look for endings, not for names."""
        return "".join(f"{file.name}\n" for file in self.files)

    @cached_property
    def folders(self) -> Sequence[Tree]:
        """The folders in it, sorted by name; those that begin with a dot are nobody's."""
        return [Tree(folder) for folder in self.location.folders()]

    def path_of(self, file: Entry) -> str:
        """Return what messages call a file in it."""
        return self.location.path_of(file.name)

    @cached_property
    def names_below(self) -> frozenset[str]:
        """What the files in its folders are called; a folder that cannot be read says nothing."""
        return frozenset(name for folder in self.folders for name in _names(folder))

    def find(self, name: str) -> Entry | None:
        """Return the file in it that is called so."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Entry]:
        return {file.name: file for file in self.files}

    @cached_property
    def heads(self) -> Mapping[str, str]:
        """How each SQL file in it begins, by name; one that cannot be read says nothing."""
        return {file.name: file.head for file in self.files if file.name.endswith(".sql")}

    @cached_property
    def comments(self) -> Mapping[str, str]:
        """The lines of each SQL file that are comments by the look of them, if it has any."""
        lines = {name: _COMMENT.findall(head) for name, head in self.heads.items() if "--" in head}
        return {name: "\n".join(found) for name, found in lines.items() if found}

    @cached_property
    def said(self) -> str:
        """What the comments of all files say, in small letters, with single blanks."""
        return " ".join("\n".join(self.comments.values()).lower().split())

    def has_comment(self, pattern: re.Pattern[str], names: re.Pattern[str]) -> bool:
        """Tell whether a pattern matches a comment in a file with such a name."""
        return any(
            pattern.search(comments) and names.fullmatch(name)
            for name, comments in self.comments.items()
        )

    def everything(self) -> Iterator[Tree]:
        """Yield the folder and all that are below it, each before what is in it."""
        yield self
        for folder in self.folders:
            yield from folder.everything()


def _names(folder: Tree) -> frozenset[str]:
    """Return the names in a folder that may be anybody's."""
    try:
        return folder.names
    except SourceError:
        return frozenset()
