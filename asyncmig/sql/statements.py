"""Cuts a script into statements, where the database would cut it, and loses no character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sql.dialect import Dialect
from asyncmig.sql.lexer import (
    grammar_of,
    leading_words,
    marks,
    skip_trivia,
    token_spans,
    tokens,
)
from asyncmig.sql.marks import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMINATOR = ";"
SPACE = " \t\n\r\f\v"
DEPTH = {"(": 1, ")": -1}
# What may hold whole statements, each with its own semicolon.
ROUTINE = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\b")
TRIGGER = re.compile(r"(?:EXPLAIN (?:QUERY PLAN )?)?CREATE (?:TEMP |TEMPORARY )*TRIGGER\b")
MAY_HAVE_BODY = {("CREATE",), ("EXPLAIN",)}
ATOMIC = re.compile("atomic", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold one statement of a script.

    Attributes:
        text: Its slice of the script: white space and comments in front, the statement, its
            semicolon. The texts of a script's statements, joined, are the script. What follows
            the last semicolon, even a newline, is a statement of its own, usually an empty one.
        offset: Character offset of `text` in the script.
        body: Offset in the script of the first token; the end of `text` when there is none.
        words: The bare words at the beginning of the statement, in upper case, at most eight;
            ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ...).
    """

    text: str
    offset: int
    body: int
    words: tuple[str, ...]

    @property
    def end(self) -> int:
        """Return the offset in the script behind the last character of `text`."""
        return self.offset + len(self.text)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing but white space, comments and a semicolon."""
        return self.body == self.end

    @property
    def sql(self) -> str:
        """Return the statement for the eye and for hashes: from its first token to its last.

        Without the semicolon. A comment between the last token and the semicolon stays.
        Send `text` to the database, not this.
        """
        found = self.text[self.body - self.offset :].rstrip(SPACE)
        return found.removesuffix(TERMINATOR).rstrip(SPACE)


def split(script: str, dialect: Dialect, start: int = 0) -> Iterator[Statement]:
    """Yield the statements of a script, one after the other, as the database would cut it.

    `"".join(statement.text for statement in split(script, dialect)) == script` for any text,
    also for broken SQL; then an unclosed quote or parenthesis reaches to the end.

    Args:
        script: The text of a migration.
        dialect: Whose rules apply.
        start: Where to begin: an offset at which a statement begins.
    """
    while start < len(script):
        body = skip_trivia(script, start, dialect)
        if body == len(script) or script[body] == TERMINATOR:
            end = body = min(body + 1, len(script))
            words: tuple[str, ...] = ()
        else:
            words = leading_words(script, body, dialect)
            end = statement_end(script, body, words, dialect)
        yield Statement(script[start:end], start, body, words)
        start = end


def statement_end(script: str, body: int, words: tuple[str, ...], dialect: Dialect) -> int:
    """Return the offset behind the semicolon of the statement that begins at `body`."""
    may_have_body = words[:1] in MAY_HAVE_BODY
    is_sqlite = dialect is Dialect.SQLITE
    if may_have_body and is_sqlite and TRIGGER.match(" ".join(words)):
        return compound_end(script, body, dialect)
    terminator = first_terminator(script, body, dialect)
    if terminator is None:
        return len(script)
    is_routine = may_have_body and not is_sqlite and ROUTINE.match(" ".join(words))
    if is_routine and opens_body(script, body, terminator):
        return compound_end(script, body, dialect)
    return terminator + 1


def first_terminator(script: str, body: int, dialect: Dialect) -> int | None:
    """Return the offset of the first semicolon outside of parentheses, if there is one.

    In most statements nothing but quiet stands in front of it, so that needs no marks.
    """
    stretch = grammar_of(dialect).quiet.match(script, body)
    if stretch and script.startswith(TERMINATOR, stretch.end()):
        return stretch.end()
    return next(terminators(script, body, dialect), None)


def terminators(script: str, body: int, dialect: Dialect) -> Iterator[int]:
    """Yield the offsets of the semicolons outside of parentheses.

    Those inside do not end a statement: CREATE RULE … DO (…; …).
    """
    depth = 0
    for mark in marks(script, dialect, body):
        if mark.kind is Kind.TERMINATOR:
            if not depth:
                yield mark.start
        elif mark.kind is Kind.OPEN:
            depth += 1
        elif mark.kind is Kind.CLOSE and depth:
            depth -= 1


def opens_body(script: str, body: int, end: int) -> bool:
    """Tell whether a routine's text up to its first semicolon has opened a BEGIN ATOMIC body.

    A column, an argument or a string that is named so opens nothing, and an empty body is
    closed already.
    """
    if not ATOMIC.search(script, body, end):
        return False
    depth, previous = 0, ""
    header = tokens(script, Dialect.POSTGRESQL, body, end)
    for text in header:
        depth += DEPTH.get(text, 0)
        if (previous, text, depth) == ("BEGIN", "ATOMIC", 0):
            return list(header) != ["END"]
        previous = text
    return False


def compound_end(script: str, body: int, dialect: Dialect) -> int:
    """Return the offset behind a statement that ends with `; END ;`.

    Both languages terminate every statement of a body, so an END that follows a semicolon can
    only be the body's own, never that of a CASE: no CASE needs to be counted. This is the rule
    of sqlite3_complete() too.
    """
    last = None
    for terminator in terminators(script, body, dialect):
        if terminator == last:
            return terminator + 1
        after = skip_trivia(script, terminator + 1, dialect)
        if leading_words(script, after, dialect) == ("END",):
            last = skip_trivia(script, after + len("END"), dialect)
    return len(script)


def spelled_out(statement: Statement, dialect: Dialect) -> str:
    """Return the tokens of a statement with one space in between: for patterns, not to be sent.

    Words stay as they are written; comments and the semicolon are left out.
    """
    begin = statement.body - statement.offset
    spans = token_spans(statement.text, dialect, begin)
    return " ".join(statement.text[a:b] for a, b in spans).removesuffix(f" {TERMINATOR}")


def statement_tokens(statement: Statement, dialect: Dialect) -> list[str]:
    """Return the tokens of a statement, without its semicolon."""
    found = list(tokens(statement.text, dialect, statement.body - statement.offset))
    return found[:-1] if found[-1:] == [TERMINATOR] else found
