"""The format of our own, which is dbmate's with options: see :mod:`asyncmig.sources.sql_file`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.sources.bundle import File
from asyncmig.sources.names import FileName, Language, Misnamed, parse_name
from asyncmig.sources.place import Place
from asyncmig.sources.sql_file import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

MARKER = re.compile(r"^--[ \t]*migrate:(?:up|down)\b", re.MULTILINE)

_NAME = re.compile(r"(?:[0-9]+_|R__).*\.sql", re.DOTALL)


class Native:
    """``VERSION_name.sql``, pairs of ``.up.sql`` and ``.down.sql``, ``.py`` and ``R__name.sql``."""

    tool = "asyncmig"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a marker."""
        return tree.has_comment(MARKER, _NAME)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield what is named as migrations are, and refuse what nearly is."""
        for entry in tree.files:
            name = parse_name(entry.name)
            path = tree.path_of(entry)
            if isinstance(name, Misnamed):
                yield Place(path).wrong(name.sentence, hint=name.hint)
            elif name is not None:
                yield File(name, path, entry)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at its markers."""
        return read_sql(text, file.name, context.dialect)


def python_files(tree: Tree) -> Iterator[File]:
    """Yield the migrations in Python that were put beside the files of another tool.

    A tool that would run a Python file itself does not come here.
    """
    for entry in tree.files:
        name = parse_name(entry.name)
        if isinstance(name, FileName) and name.language is Language.PYTHON:
            yield File(name, tree.path_of(entry), entry)


def holds_ours(tree: Tree) -> bool:
    """Tell whether some file is a versioned migration under a name of our own."""
    return any(map(_is_versioned, tree.names))


def _is_versioned(file_name: str) -> bool:
    name = parse_name(file_name)
    return isinstance(name, FileName) and not name.is_repeatable
