"""A database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from asyncmig.engines.base.runner import Runner
    from asyncmig.engines.base.session import Session
    from asyncmig.plan import Plan
    from asyncmig.sql import Dialect


class Engine(Protocol):
    """A database that migrations can be run on."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that it speaks."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether it works elsewhere, so that this process can do something else meanwhile."""
        ...

    @property
    def address(self) -> str:
        """Where it is, without a password: for people, logs and documents."""
        ...

    def session(self, runner: Runner) -> AbstractAsyncContextManager[Session]:
        """Visit the database; the connection is closed, or handed back clean, on every way out."""
        ...

    def script(self, plan: Plan, runner: Runner) -> str:
        """Return the plan as a script for psql or the sqlite3 shell.

        Raises:
            InvalidMigrationError: The plan has a step that is not SQL.
        """
        ...
