"""How to work with a database, apart from where it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asyncmig.errors import SettingsError
from asyncmig.request import Durability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.lock_policy import LockPolicy

Setup = Callable[[Any], Awaitable[object]]
"""A coroutine function that gets the driver's connection before a migration does."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How to work with a database, apart from where it is.

    Attributes:
        table: The name of the history table.
        schema: The schema of the history table (PostgreSQL); ``None`` for ``public``.
        search_path: The ``search_path`` of every migration (PostgreSQL); ``None`` for the server's.
        connect_timeout: Seconds to go on trying while the database cannot be reached.
        lock_timeout: Seconds that a statement of a migration may wait for a lock before the
            migration is rolled back and tried again; ``None`` for no limit.
        statement_timeout: Seconds that a statement of a migration may take (PostgreSQL); ``None``
            for no limit.
        retries: How often a migration is tried again when a lock was in the way (PostgreSQL).
        budget: Seconds for a statement that cannot run in a transaction, such as ``CREATE INDEX
            CONCURRENTLY`` (PostgreSQL); ``None`` for no limit.
        busy_timeout: Seconds to wait for an application that is writing (SQLite).
        durability: When the disk must have what was committed.
        locks: What a migration must not lock (PostgreSQL); ``None`` for not even looking.
        setup: What to call with the driver's connection before each migration.
        direct_url: The server's own address, where the database's is a pooler's.

    Raises:
        SettingsError: There are fewer than no retries.
    """

    table: str = "asyncmig_history"
    schema: str | None = None
    search_path: str | None = None
    connect_timeout: float = 30.0
    lock_timeout: float | None = 2.0
    statement_timeout: float | None = None
    retries: int = 9
    budget: float | None = 6 * 3600.0
    busy_timeout: float = 30.0
    durability: Durability = Durability.MIGRATION
    locks: LockPolicy | None = None
    setup: Setup | None = None
    direct_url: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a number that cannot be meant: a migration would never be tried at all."""
        if self.retries < 0:
            raise SettingsError(f"retries must be 0 or more, not {self.retries}")


def lock_policy_of(
    fail_on: Iterable[str] | str, fail_over: float | str, *, report: bool
) -> LockPolicy | None:
    """Return what a migration must not lock; mostly nobody asks, and nothing is imported."""
    if not (fail_on or fail_over or report):
        return None
    from asyncmig.lock_policy import LockPolicy

    return LockPolicy.of(fail_on, fail_over, report=report)
