"""The markers that cut a SQL file into its up and its down: dbmate's, and what resembles them.

``-- migrate:up`` and ``-- migrate:down`` at the beginning of a line, each with options behind it.
dbmate takes any white space between the dashes and the word, also none, and knows only lower
case; a line that it would not take is plain comment to it. Here a comment that was meant to be
such a marker is an error: overlooked, it turns the down into the last statements of the up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.migration import Direction
from asyncmig.sources.options import Word, closest
from asyncmig.sources.quick_look import lines_like_markers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sql import Dialect


@dataclass(frozen=True, slots=True)
class Marker:
    """A line that begins one direction.

    Attributes:
        direction: The direction of what follows.
        words: The options, not yet read.
        offset: Where its line starts, in characters.
        end: Where the next line starts.
    """

    direction: Direction
    words: tuple[Word, ...]
    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A comment that was meant to be a marker, and is none.

    Attributes:
        direction: The direction that was meant; ``None`` when that is not clear.
        has_options: Whether it goes on with options.
        hint: How to write it.
        offset: Where its line starts, in characters.
    """

    direction: Direction | None
    has_options: bool
    hint: str
    offset: int


@dataclass(frozen=True, slots=True)
class ForeignMarker:
    """The line with which another tool begins the way down.

    Attributes:
        tool: Whose it is.
        offset: Where its line starts, in characters.
    """

    tool: str
    offset: int


Candidate = Marker | Lookalike | ForeignMarker

_MARKER = re.compile(r"--[ \t\f\v]*migrate:(?P<direction>up|down)(?P<words>(?:[ \t\f\v].*)?)")
_LOOKALIKE = re.compile(
    r"-{2,}\s*(?P<verb>[a-z]+)(?P<between>[\s:=_.-]*)(?P<direction>[a-z]*)(?P<rest>.*)",
    re.IGNORECASE,
)
_FOREIGN = {
    "goose": re.compile(r"--.*\+goose\s+down\b.*", re.IGNORECASE),
    "sql-migrate": re.compile(r"--\s*\+migrate\s+down\b.*", re.IGNORECASE),
    "tern": re.compile(r"---- create above / drop below ----.*"),
}


def find_markers(script: str, dialect: Dialect) -> Iterator[Candidate]:
    """Yield the markers of a script, and the comments that resemble one, in their order.

    What stands in a string, in a quoted body or in a block comment is none of them. The lexer is
    asked only when some line looks like a marker, and only up to the last such line.
    """
    candidates = {line.start: line for line in suspicious_lines(script)}
    if not candidates:
        return
    from asyncmig.sql import line_comments_at_column_zero

    last = max(candidates)
    for comment in line_comments_at_column_zero(_pulled_left(script, candidates), dialect):
        if comment.offset in candidates:
            yield candidates[comment.offset].reading
        if comment.offset >= last:
            return


@dataclass(frozen=True, slots=True)
class SuspiciousLine:
    """A line that is a marker or resembles one, if it is a comment at all.

    Attributes:
        start: Where it starts, in characters.
        text: The line, without its end.
        reading: What it is then.
    """

    start: int
    text: str
    reading: Candidate


def suspicious_lines(script: str) -> Iterator[SuspiciousLine]:
    """Yield the lines that would matter if they are comments."""
    for match in lines_like_markers(script):
        start, end = match.span("line")
        reading = _read(match["line"], start, min(end + 1, len(script)))
        if reading:
            yield SuspiciousLine(start, match["line"], reading)


def _pulled_left(script: str, lines: dict[int, SuspiciousLine]) -> str:
    """Return a script of the same length in which those lines begin with their dashes.

    The lexer tells which comments begin a line; with the indent moved behind the dashes it also
    tells whether an indented line is a comment at all.
    """
    pieces: list[str] = []
    copied = 0
    for start, line in lines.items():
        dashes = line.text.lstrip()
        if dashes == line.text:
            continue
        indent = len(line.text) - len(dashes)
        pieces += [script[copied:start], "--", " " * indent, dashes.removeprefix("--")]
        copied = start + len(line.text)
    return "".join([*pieces, script[copied:]]) if pieces else script


def _read(line: str, start: int, end: int) -> Candidate | None:
    """Say what a line is, supposing that it is a comment."""
    comment = line.lstrip()
    marker = _MARKER.fullmatch(comment)
    if marker is None:
        tool = next((tool for tool, foreign in _FOREIGN.items() if foreign.fullmatch(line)), None)
        return ForeignMarker(tool, start) if tool else _lookalike(comment, start)
    direction = Direction(marker["direction"])
    if comment != line:
        hint = f"it counts only at the beginning of a line: {comment.rstrip()}"
        return Lookalike(direction, bool(marker["words"].strip()), hint, start)
    first = start + marker.start("words")
    words = re.finditer(r"\S+", marker["words"])
    return Marker(direction, tuple(Word(w[0], first + w.start()) for w in words), start, end)


def _lookalike(comment: str, start: int) -> Lookalike | None:
    """Recognise a misspelt marker, and leave prose alone.

    A sentence such as ``-- migrate down is not possible`` is prose: what follows a marker has a
    colon or an equals sign in every word.
    """
    match = _LOOKALIKE.fullmatch(comment)
    if match is None:
        return None
    rest = match["rest"].strip(" \t;.,!")
    is_whole = all(":" in word or "=" in word for word in rest.split())
    is_glued = match["between"] == ":" and match["direction"] != ""
    # Before the words are compared, which takes long: many a file begins with "-- Migration 17".
    if not (is_whole or is_glued) or not closest(match["verb"].casefold(), _VERBS, cutoff=0.8):
        return None
    near = closest(match["direction"].casefold(), _DIRECTIONS, cutoff=0.7)
    if not (is_glued and (near or is_whole)) and not (near and is_whole):
        return None
    direction = _DIRECTIONS.get(near)
    spelled = " or ".join(f"-- migrate:{way}" for way in ([direction] if direction else Direction))
    hint = f"write {spelled}, in small letters, as the first thing in its line"
    return Lookalike(direction, bool(rest), hint, start)


_VERBS = ("migrate", "migration", "migrations")
_DIRECTIONS = {
    "up": Direction.UP,
    "upgrade": Direction.UP,
    "down": Direction.DOWN,
    "downgrade": Direction.DOWN,
}
