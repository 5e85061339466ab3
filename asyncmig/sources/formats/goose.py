"""The files of goose: annotations in comments, each on a line of its own.

Rules: pressly/goose, ``internal/sqlparser/parser.go`` and ``NumericComponent()``.
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.environment import substitute
from asyncmig.sources.formats.native import python_files
from asyncmig.sources.formats.parts import part, statement_in
from asyncmig.sources.names import FileName, is_half
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.errors import SourceError
    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.(?P<ending>sql|go)", re.DOTALL)
_ANNOTATION = re.compile(r"^--(?P<before>.*?)\+goose(?P<words>.*)$", re.MULTILINE)


class _Word(StrEnum):
    """What an annotation can say; upper and lower case are the same."""

    UP = "up"
    DOWN = "down"
    BEGIN = "statementbegin"
    END = "statementend"
    NO_TRANSACTION = "no transaction"
    SUBSTITUTE = "envsub on"
    SUBSTITUTE_NO_MORE = "envsub off"


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One annotation.

    Attributes:
        word: What it says.
        offset: Where its line starts.
        end: Where the next line starts.
    """

    word: _Word
    offset: int
    end: int


class Goose:
    """``VERSION_name.sql`` with ``-- +goose Up`` and ``-- +goose Down``."""

    tool = "goose"

    def is_sure(self, tree: Tree) -> bool:
        """Look for an annotation; half of a pair is never goose's, whatever its comments say."""
        return tree.has_comment(_ANNOTATION, _NAME) and not any(map(is_half, tree.names))

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield what is in SQL or Python, and refuse what is in Go; the rest is none of goose's."""
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            if match is None or entry.name.endswith("_test.go"):
                continue
            place = Place(tree.path_of(entry), match["version"])
            if match["ending"] == "go":
                yield place.wrong("a migration in Go, which cannot be run here", hint=_IN_GO)
            elif int(match["version"]) == 0:
                yield place.wrong("goose counts from version 1 on")
            else:
                name = FileName(Version(match["version"]), match["name"])
                yield File(name, place.path, entry)
        yield from python_files(tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Cut the file at its annotations."""
        annotations = [*_annotations(text)]
        _check(annotations, text, file, context)
        without = any(found.word is _Word.NO_TRANSACTION for found in annotations)
        text = _substituted(text, annotations, context)
        annotations = [*_annotations(text)]
        halves = [found for found in annotations if found.word in _DIRECTIONS]
        ends = [*(half.offset for half in halves[1:]), len(text.script)]
        return {
            _DIRECTIONS[half.word]: part(
                text, context.dialect, half.end, end, marked=without, marker=_MARKER
            )
            for half, end in zip(halves, ends, strict=True)
        }


_DIRECTIONS = {_Word.UP: Direction.UP, _Word.DOWN: Direction.DOWN}
_MARKER = "`-- +goose NO TRANSACTION`"
_IN_GO = (
    "let goose apply it and then adopt, or write what it does into a file of the same version "
    "in SQL or Python"
)


def _annotations(text: Text) -> Iterator[_Annotation]:
    """Go through the annotations.

    Raises:
        SourceError: One says nothing that goose knows.
    """
    for match in _ANNOTATION.finditer(text.script):
        words = " ".join(match["words"].split()).lower()
        if match["before"].strip() or words not in set(_Word):
            said = match[0].strip()
            raise text.wrong_at(match.start(), f"goose has no annotation `{said}`", hint=_KNOWN)
        yield _Annotation(_Word(words), match.start(), min(match.end() + 1, len(text.script)))


_KNOWN = "it knows -- +goose Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, OFF"


def _check(annotations: Sequence[_Annotation], text: Text, file: File, context: Context) -> None:
    """Refuse what goose refuses: no up, an up or a down twice, statements that nobody runs."""
    halves = [found for found in annotations if found.word in _DIRECTIONS]
    if not halves or halves[0].word is not _Word.UP:
        raise file.place.wrong(
            "there is no -- +goose Up" + (" in front of -- +goose Down" if halves else ""),
            hint="write it in front of what applies the migration",
        )
    for former, half in pairwise(halves):
        if half.word is former.word or half is not halves[1]:
            line = text.line_at(former.offset)
            raise text.wrong_at(half.offset, f"a second half begins, after that on line {line}")
    stray = statement_in(text.script[: halves[0].offset], context.dialect)
    if stray is not None:
        raise text.wrong_at(stray, "a statement in front of -- +goose Up, which goose never runs")


def _substituted(text: Text, annotations: Sequence[_Annotation], context: Context) -> Text:
    """Return the text with the environment in it, where it asks for that."""
    switches = [
        found for found in annotations if found.word in {_Word.SUBSTITUTE, _Word.SUBSTITUTE_NO_MORE}
    ]
    if not switches:
        return text
    values = ChainMap({**context.placeholders}, {**os.environ})
    pieces = [text.script[: switches[0].offset]]
    ends = [*(switch.offset for switch in switches[1:]), len(text.script)]
    for switch, end in zip(switches, ends, strict=True):
        piece = text.script[switch.offset : end]
        pieces.append(
            substitute(piece, values, text.place) if switch.word is _Word.SUBSTITUTE else piece
        )
    return Text("".join(pieces), text.place)
