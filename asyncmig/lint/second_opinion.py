"""What squawk says to a folder, in the terms of our findings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.lint.objects import dropped_objects, makes_again
from asyncmig.lint.squawk import Remark, Text, ask_squawk
from asyncmig.lint.squawk_rules import (
    DONE_BY_THE_RUNNER,
    SYNTAX_ERROR,
    hint_of,
    severity_of,
    stands_for_new_tables,
)
from asyncmig.lint.tables import touched_tables
from asyncmig.migration import Phase
from asyncmig.sql import with_batch_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asyncmig.lint.finding import Severity
    from asyncmig.lint.subject import Part, Sentence

_ROUNDS = 4
"""A statement that squawk cannot read keeps it from all the others of the file, so that statement
is blanked and the file shown again: so many times at most."""
_SEEDS = frozenset({"INSERT", "COPY"})
"""No rule of squawk's is about them, and they may be megabytes."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What squawk says about a place of a script.

    Attributes:
        rule: Its name, without ``squawk/``.
        severity: How much it matters here.
        message: What is wrong.
        hint: What to do.
        offset: Where, in characters of the script.
        sentence: In which statement; ``None`` for a place outside of any.
    """

    rule: str
    severity: Severity
    message: str
    hint: str
    offset: int
    sentence: Sentence | None


def second_opinions(program: Path, parts: Sequence[Part]) -> list[list[Opinion]]:
    """Return what squawk says to each part, without what does not hold here.

    This blocks: call it in a worker thread.

    Raises:
        SettingsError: Squawk does not do its work.
    """
    opinions: list[list[Opinion]] = [[] for _ in parts]
    texts = [_legible(part) for part in parts]
    asked = list(range(len(parts)))
    for _ in range(_ROUNDS):
        shown = [Text(texts[at], parts[at].script.transaction) for at in asked]
        again: list[int] = []
        for at, remarks in zip(asked, ask_squawk(program, shown), strict=True):
            found = [_opinion(parts[at], texts[at], remark) for remark in remarks]
            opinions[at] += [one for one in found if _stands(one, parts[at])]
            unread = next((one.sentence for one in found if one.rule == SYNTAX_ERROR), None)
            if unread is not None:
                texts[at] = _blanked(texts[at], unread)
                again.append(at)
        asked = again
        if not asked:
            break
    return opinions


def _legible(part: Part) -> str:
    """Return the script as squawk can read it, each character where it was."""
    pieces: list[str] = []
    done = 0
    text = part.script.text
    for sentence in part.sentences:
        start, end = _span(sentence)
        pieces += [text[done:start], _legible_statement(sentence, part)]
        done = end
    return "".join([*pieces, text[done:]])


def _legible_statement(sentence: Sentence, part: Part) -> str:
    """Return a statement with spaces in the place of rows, and a number in that of a batch size."""
    statement = sentence.statement
    text = statement.text
    if part.script.batching is not None:
        text = with_batch_size(statement, part.dialect, part.script.batching.size)
    text = text[statement.body - statement.offset :]
    return _spaces(text) if sentence.tokens[0] in _SEEDS else text


def _blanked(text: str, sentence: Sentence) -> str:
    start, end = _span(sentence)
    return f"{text[:start]}{_spaces(text[start:end])}{text[end:]}"


def _span(sentence: Sentence) -> tuple[int, int]:
    """Return where a statement begins and ends, its semicolon included."""
    statement = sentence.statement
    return statement.body, statement.offset + len(statement.text)


def _spaces(text: str) -> str:
    """Return as many characters on as many lines, all of them blank."""
    return "\n".join(" " * len(line) for line in text.split("\n"))


def _opinion(part: Part, text: str, remark: Remark) -> Opinion:
    """Find the statement that a remark is about."""
    offset = _offset(text, remark.line, remark.column)
    sentence = next((one for one in part.sentences if offset < _span(one)[1]), None)
    message = " ".join(remark.message.split())
    return Opinion(
        rule=remark.rule,
        severity=severity_of(remark.rule, remark.level),
        message=f"squawk cannot read this: {message}" if remark.rule == SYNTAX_ERROR else message,
        hint=hint_of(remark.rule, " ".join(remark.help.split()), part.script),
        offset=offset,
        sentence=sentence,
    )


def _offset(text: str, line: int, column: int) -> int:
    """Return the character at a line and a column in bytes, both from 0."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1 or len(text)
    end = text.find("\n", start)
    row = text[start : None if end < 0 else end]
    return start + len(row.encode()[:column].decode(errors="ignore"))


def _stands(opinion: Opinion, part: Part) -> bool:
    """Tell whether a remark holds for a file that asyncmig runs."""
    if opinion.rule in DONE_BY_THE_RUNNER:
        return False
    if opinion.sentence is None or stands_for_new_tables(opinion.rule):
        return True
    tables = touched_tables(opinion.sentence.tokens, part.dialect)
    if tables and opinion.sentence.new.issuperset(tables):
        return False
    if part.script.phase is Phase.POST and _TAKES_AWAY.match(opinion.rule):
        return False
    return not (_TAKES_AWAY.match(opinion.rule) and _comes_back(opinion.sentence, part))


_TAKES_AWAY = re.compile("ban-drop-|renaming-")
"""Rules about what code that still runs may need. After it, in the second phase, nobody does."""


def _comes_back(sentence: Sentence, part: Part) -> bool:
    """Tell whether what a statement drops is created again by the same transaction."""
    dropped = list(dropped_objects(sentence.tokens, part.dialect))
    return bool(dropped and part.script.transaction) and all(
        any(makes_again(one.tokens, part.dialect, what) for one in part.sentences)
        for what in dropped
    )
