"""Turn what stopped one of our own statements into errors of the tree."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from asyncmig.engines.base import HistoryMovedError
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.errors import (
    DatabaseAccessError,
    DatabaseError,
    DatabaseUnavailableError,
    ReadOnlyDatabaseError,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from asyncmig.engines.postgres.table import HistoryTable

INSUFFICIENT_PRIVILEGE = "42501"
READ_ONLY_TRANSACTION = "25006"
NOT_IN_TRANSACTION = ("25001", "2D000")
"""active_sql_transaction, of what cannot run inside of one, and invalid_transaction_termination, of
a procedure or a DO block that commits."""


class FenceTakenError(HistoryMovedError):
    """Another runner is in a transaction of its own: behind a pooler they take turns."""


@contextmanager
def readable() -> Generator[None]:
    """Turn what the server said about our own statements into errors of the tree."""
    try:
        yield
    except ConnectionLostError as error:
        message = f"the connection to the database was lost: {error}"
        hint = "run again: what is unfinished was rolled back, or is gone on with"
        raise DatabaseUnavailableError(message, hint=hint) from error
    except ServerError as error:
        if error.sqlstate == READ_ONLY_TRANSACTION:
            raise ReadOnlyDatabaseError(error.message) from error
        if error.sqlstate == INSUFFICIENT_PRIVILEGE:
            message = f"the history table cannot be used: {error.message}"
            hint = "GRANT the role that migrates access"
            raise DatabaseAccessError(message, hint=hint) from error
        raise DatabaseError(f"the database refused: {error.message}", hint=error.hint) from error


def refuse_statement_pooling(error: Exception) -> None:
    """Name the pooler that lets nobody begin a transaction (PgBouncer's ``pool_mode``).

    Raises:
        DatabaseAccessError: It is one.
    """
    if "statement pooling" in str(error):
        raise DatabaseAccessError(
            "the connection pooler is in statement mode, in which no transaction can be begun",
            hint="give the server's own address with --direct-url (direct_url= in Python)",
        ) from error


def is_queueing(error: Exception) -> bool:
    """Tell whether a pooler gave up looking for a free connection of the server.

    All of them may be with other runners: PgBouncer's ``query_wait_timeout``, 120 s by default.
    """
    return "query_wait_timeout" in str(error)


def no_create(table: HistoryTable, error: ServerError) -> ReadOnlyDatabaseError:
    """Return the error for a role that may not make the history table."""
    where = "DATABASE" if "database" in error.message else f"SCHEMA {table.quoted_schema}"
    hint = f"GRANT CREATE ON {where} to the role that migrates"
    return ReadOnlyDatabaseError(f"the history table cannot be made: {error.message}", hint=hint)


def no_write(table: HistoryTable) -> ReadOnlyDatabaseError:
    """Return the error for a role that may not write the history."""
    return ReadOnlyDatabaseError(
        f"this role may not write the history table {table.qualified}",
        hint=f"GRANT SELECT, INSERT, UPDATE ON {table.qualified} to the role that migrates",
    )
