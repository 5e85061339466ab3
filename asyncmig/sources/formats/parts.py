"""From a part of a file to the script that it is, for formats that know no options of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.migration import Direction, SqlScript
from asyncmig.sql import autocommit_reason, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.migration import Script
    from asyncmig.sources.bundle import File
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sql import Dialect


def part(
    text: Text,
    dialect: Dialect,
    start: int = 0,
    end: int | None = None,
    *,
    marked: bool = False,
    marker: str = "",
) -> SqlScript:
    """Return what is between two characters of a file as a script.

    Most tools have no word for what cannot run in a transaction, or nobody uses it: Prisma's and
    golang-migrate's folders are full of ``CREATE INDEX CONCURRENTLY``, alone in its file. So a part
    that has nothing else runs without a transaction.

    Args:
        text: The file.
        dialect: Whose rules apply.
        start: The first character, which begins a line.
        end: The character behind the last one; ``None`` for the end of the file.
        marked: Whether the author said that it must not run in a transaction.
        marker: What the tool has for saying that, for messages; empty when it has no word.
    """
    script = text.script[start:end]
    return SqlScript(
        text=script,
        path=text.place.path,
        first_line=text.line_at(start),
        transaction=not (marked or cannot_run_in_transaction(script, dialect)),
        marker=marker,
    )


def whole(
    text: Text, file: File, context: Context, *, marked: bool = False, marker: str = ""
) -> Mapping[Direction, Script]:
    """Return all of a file as the script of the one direction that its name says, or of up.

    Args:
        text: The file.
        file: Its name, and whether something beside it says that it needs no transaction.
        context: Whose rules apply.
        marked: Whether the file itself says so.
        marker: What the tool has for saying so, for messages; empty when it has no word.
    """
    is_marked = marked or file.without_transaction
    script = part(text, context.dialect, marked=is_marked, marker=marker)
    return {file.name.direction or Direction.UP: script}


def cannot_run_in_transaction(script: str, dialect: Dialect) -> bool:
    """Tell whether every statement of a script has to run outside of a transaction."""
    statements = (statement for statement in split(script, dialect) if not statement.is_empty)
    first = next(statements, None)
    return (
        first is not None
        and autocommit_reason(first, dialect) is not None
        and all(autocommit_reason(statement, dialect) is not None for statement in statements)
    )


def statement_in(script: str, dialect: Dialect) -> int | None:
    """Return where the first statement of a script begins, ``None`` when it is all comments."""
    for statement in split(script, dialect):
        if not statement.is_empty:
            return statement.body
    return None
