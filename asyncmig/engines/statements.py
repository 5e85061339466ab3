"""From a SQL script to what is sent to the server, and from a server's error back to the file.

Pure, and the same for both databases. A script is cut into *units*: what is committed together.
In a transaction there is one unit. Without one, each statement is a unit, except that a
``BEGIN … COMMIT`` block of the author's stays together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.checksum import checksum
from asyncmig.errors import InvalidMigrationError, MigrationFailedError
from asyncmig.migration import SqlScript
from asyncmig.sql import (
    PLACEHOLDER,
    Dialect,
    Position,
    Statement,
    TransactionControl,
    autocommit_reason,
    changes_rows,
    foreign_keys_pragma,
    has_placeholder,
    line_at,
    problem,
    split,
    transaction_control,
    without_outer_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.plan import Step

_SAVEPOINTS = frozenset(
    {
        TransactionControl.SAVEPOINT,
        TransactionControl.RELEASE,
        TransactionControl.ROLLBACK_TO,
    }
)


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements that are committed together, without a ``BEGIN`` and ``COMMIT`` of their own.

    Attributes:
        statements: None of them is empty.
        autocommit: The one statement cannot run inside a transaction.
    """

    statements: tuple[Statement, ...]
    autocommit: bool = False

    @property
    def checksum(self) -> str:
        """What the history keeps of it, to know it again when the file is resumed."""
        return checksum("".join(statement.sql + ";" for statement in self.statements))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A script that is ready to run.

    Attributes:
        script: What was read.
        units: What to commit together, in order; one or none for a script in a transaction.
        foreign_keys: ``False`` when the script wants them off while it runs (SQLite).
    """

    script: SqlScript
    units: tuple[Unit, ...]
    foreign_keys: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """Some of the statements of a long script, and where in the file they stand.

    Attributes:
        text: Their slice of the script.
        path: The file, for messages.
        start: Where in it they begin.
        lead: What stands in front of them in their first line, or the end of that.
        statements: What to send; ``None`` for all that is in the text, which is plain then.
    """

    text: str
    path: str
    start: Position
    lead: str
    statements: tuple[Statement, ...] | None


def prepare(script: SqlScript, dialect: Dialect, key: str) -> Prepared:
    """Cut a script into units, and refuse what could not be run safely.

    Takes time in proportion to the script: call it off the event loop.

    Args:
        script: What was read.
        dialect: Of the database that it will run on.
        key: The migration, for messages.

    Raises:
        InvalidMigrationError: With the place in the file.
    """
    if found := problem(script.text, dialect):
        raise _invalid(script, key, found.offset, found.message)
    statements = [s for s in split(script.text, dialect) if not s.is_empty]
    foreign_keys = script.foreign_keys
    if script.transaction:
        statements, asked_off = _without_foreign_keys_pragma(statements, dialect)
        foreign_keys = foreign_keys and not asked_off
        statements = list(without_outer_transaction(statements, dialect))
        _refuse_outside_work(script, key, statements, dialect)
        if script.batching is not None:
            _refuse_unfit_for_batches(script, key, statements, dialect)
        units = [Unit(tuple(statements))] if statements else []
    else:
        units = list(_units(script, key, statements, dialect))
    return Prepared(script, tuple(units), foreign_keys)


def _without_foreign_keys_pragma(
    statements: Sequence[Statement], dialect: Dialect
) -> tuple[list[Statement], bool]:
    """Take ``PRAGMA foreign_keys`` out: inside a transaction SQLite ignores it.

    A table rebuild that relies on it would then delete the child rows (drizzle #5782). The engine
    turns the keys off in front of its BEGIN instead, and restores them afterwards.
    """
    if dialect is not Dialect.SQLITE:
        return list(statements), False
    pragmas = [(s, foreign_keys_pragma(s)) for s in statements]
    return [s for s, value in pragmas if value is None], any(v is False for _, v in pragmas)


def _refuse_outside_work(
    script: SqlScript, key: str, statements: Sequence[Statement], dialect: Dialect
) -> None:
    """Refuse what ends our transaction, and what the server does not do inside one."""
    for statement in statements:
        control = transaction_control(statement, dialect)
        if control is not None and control not in _SAVEPOINTS:
            raise _invalid(
                script,
                key,
                statement.body,
                f"{statement.words[0]} in the middle of a file that runs in one transaction",
                "take it out (the file is one transaction already), or "
                + (f"run the file without: {script.marker}" if script.marker else "split the file"),
            )
        if reason := autocommit_reason(statement, dialect):
            raise _invalid(
                script,
                key,
                statement.body,
                f"{reason} cannot run inside a transaction",
                f"give it {script.file_of_its_own}",
            )


def _refuse_unfit_for_batches(
    script: SqlScript, key: str, statements: Sequence[Statement], dialect: Dialect
) -> None:
    """Refuse what cannot be run again and again until it changes nothing."""
    if len(statements) != 1:
        place = statements[1].body if statements else len(script.text)
        what = "a second statement" if statements else "no statement"
        message = f"{what} in a file that runs in batches, which has one"
        raise _invalid(script, key, place, message, "give every other statement another file")
    (statement,) = statements
    if not changes_rows(statement, dialect):
        message = "a batch ends when it changes no row, and this does not say how many it changes"
        hint = "it has to be an INSERT, UPDATE, DELETE or MERGE, also behind WITH"
        raise _invalid(script, key, statement.body, message, hint)
    if not has_placeholder(statement, dialect):
        raise _invalid(
            script,
            key,
            statement.body,
            f"all rows in one batch: there is no {PLACEHOLDER} in this statement",
            f"write the size where it counts, such as `WHERE id IN (SELECT id FROM … WHERE … LIMIT "
            f"{PLACEHOLDER})`",
        )


def _units(
    script: SqlScript, key: str, statements: Sequence[Statement], dialect: Dialect
) -> Iterator[Unit]:
    block: list[Statement] | None = None
    for statement in statements:
        control = transaction_control(statement, dialect)
        match control, block:
            case TransactionControl.BEGIN, None:
                block = []
            case TransactionControl.COMMIT, list():
                if block:
                    yield Unit(tuple(block))
                block = None
            case (TransactionControl() as other, _) if other not in _SAVEPOINTS:
                message = f"{statement.words[0]} does not end a BEGIN of this file with COMMIT"
                raise _invalid(script, key, statement.body, message)
            case _, list():
                block.append(statement)
            case _:
                yield Unit((statement,), autocommit_reason(statement, dialect) is not None)
    if block is not None:
        end = len(script.text)
        raise _invalid(script, key, end, "the file ends inside a BEGIN without COMMIT")


def _invalid(
    script: SqlScript, key: str, offset: int, message: str, hint: str = ""
) -> InvalidMigrationError:
    line, column = place(script, offset)
    return InvalidMigrationError(
        f"{script.path}:{line}:{column}: {message}",
        hint=hint,
        version=key,
        file=script.path,
        line=line,
        column=column,
    )


def place(script: SqlScript | Section, offset: int) -> tuple[int, int]:
    """Return line and column in the file of a character of the script, both 1-based."""
    found = _start(script).within(script.text, offset)
    return found.line, found.column


def _start(script: SqlScript | Section) -> Position:
    return script.start if isinstance(script, Section) else Position(script.first_line, 1)


def failed(
    step: Step,
    script: SqlScript | Section,
    statement: Statement,
    *,
    message: str,
    offset: int | None = None,
    sqlstate: str | None = None,
    hint: str = "",
) -> MigrationFailedError:
    """Return the error for a statement that the database refused.

    Args:
        step: What was being run.
        script: The script that the statement stands in.
        statement: The statement.
        message: The database's own words.
        offset: Where in ``statement.text`` the database points to, from 0; ``None`` when it points
            nowhere, which means the start of the statement.
        sqlstate: PostgreSQL's five-character code.
        hint: The database's own advice.
    """
    at = statement.body if offset is None else statement.offset + offset
    line, column = place(script, at)
    return MigrationFailedError(
        f"migration {step.key} failed at {script.path}:{line}:{column}: {message}",
        version=step.key,
        direction=step.direction,
        file=script.path,
        line=line,
        column=column,
        sqlstate=sqlstate,
        statement=statement.sql,
        excerpt=excerpt(script, at),
        hint=hint,
    )


def reworded(error: MigrationFailedError, message: str, hint: str) -> MigrationFailedError:
    """Return an error with other words, and the facts as they are."""
    other = MigrationFailedError(
        message,
        version=error.version or "",
        direction=error.direction,
        file=error.file or "",
        line=error.line,
        column=error.column,
        sqlstate=error.sqlstate,
        statement=error.statement,
        excerpt=error.excerpt,
        hint=hint,
    )
    other.blockers = error.blockers
    return other


def excerpt(script: SqlScript | Section, offset: int) -> str:
    """Return the line of the file with its number, and a caret under the character.

    Long lines (seed data) are cut to a window around the character.
    """
    line, column = place(script, offset)
    text, column = _line_around(script, offset, line, column)
    start = max(0, column - 60)
    shown = text.expandtabs(1)[start : start + 100]
    gutter = f"{line:>5} | "
    pointer = " " * (len(gutter) - 2) + "| " + " " * (column - 1 - start) + "^"
    return f"{gutter}{shown}\n{pointer}"


def _line_around(
    script: SqlScript | Section, offset: int, line: int, column: int
) -> tuple[str, int]:
    """Return what is known of the line of a character, and the character's column in that."""
    text = line_at(script.text, offset)
    if isinstance(script, SqlScript) or line > script.start.line:
        return text, column
    return script.lead + text, column - (script.start.column - 1 - len(script.lead))
