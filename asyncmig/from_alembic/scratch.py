"""A SQLite database in memory that follows the revisions, because batches copy tables as they are.

PostgreSQL changes tables in place; SQLite makes a new table, and has to know the old one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from asyncmig.from_alembic.stand_in import refuse

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy.engine import Connection


class Scratch:
    """What the database looks like behind the revisions so far.

    Attributes:
        lost: Since which revision that is not known any more; ``None`` while it is.
    """

    def __init__(self) -> None:
        engine = create_engine("sqlite://", poolclass=StaticPool)
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.lost: str | None = None

    @property
    def connection(self) -> Connection:
        """What to read the tables with.

        Raises:
            NeedsDatabaseError: A revision that a person has to write may have changed them.
        """
        if self.lost is not None:
            refuse(f"it copies a table, and what revision {self.lost} does to that is not known")
        return self._connection

    def follow(self, statement: str) -> None:
        """Run what a revision says.

        Raises:
            NeedsDatabaseError: It fails.
        """
        if self.lost is not None:
            return
        try:
            self._connection.exec_driver_sql(statement)
        except DBAPIError as error:
            refuse(f"SQLite says: {error.orig}")

    @contextmanager
    def attempt(self, *, keep: bool) -> Generator[None]:
        """Take back what is run inside when it fails, or in any case."""
        self._connection.exec_driver_sql("SAVEPOINT attempt")
        kept = False
        try:
            yield
            kept = keep
        finally:
            if not kept:
                self._connection.exec_driver_sql("ROLLBACK TO attempt")
            self._connection.exec_driver_sql("RELEASE attempt")

    def close(self) -> None:
        """Throw it away."""
        self._connection.close()
        self._connection.engine.dispose()
