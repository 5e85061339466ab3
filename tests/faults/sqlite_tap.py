"""A tap on SQLite: every statement passes it, and at one of them it can strike.

All that asyncmig and aiosqlite open comes from ``sqlite3.connect``, and every statement goes
through a cursor, so this is one place for the database, for the lock file, and for what a Python
migration runs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from _typeshed import SupportsLenAndGetItem

    Parameters = SupportsLenAndGetItem[Any] | Mapping[str, Any]

T = TypeVar("T")

SECONDS = 30.0
"""How long a test waits for what must come."""

CLOSE = "-- close"
"""What is recorded where a connection is closed: WAL is written back there, and a lock freed."""


class Strike(Protocol):
    """What happens at the chosen point."""

    def before(self, connection: TappedConnection) -> None:
        """Happen in front of the statement."""
        ...

    def after(self) -> None:
        """Happen behind the statement."""
        ...


class Tap:
    """Records what passes, and strikes at one point. Made in the thread of the event loop.

    Attributes:
        said: What has passed: statements, and :data:`CLOSE`.
        in_loop: What has passed in the thread of the event loop, where nothing should.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.in_loop: list[str] = []
        self._at = 0
        self._strike: Strike | None = None
        self._open: Counter[str] = Counter()
        self._loop_thread = threading.get_ident()
        self._more = threading.Condition()

    def arm(self, point: int, strike: Strike) -> None:
        """Strike at that point, from 0."""
        self._at = point
        self._strike = strike

    @property
    def open_files(self) -> dict[str, int]:
        """The databases that are still open, and how often."""
        return {name: count for name, count in self._open.items() if count}

    @contextlib.contextmanager
    def listening(self) -> Generator[None]:
        """Tap every connection that is opened while the block runs."""
        with patch.object(sqlite3, "connect", self._connect):
            yield

    def wait_for(self, beginning: str, times: int) -> None:
        """Block until a statement has been tried that often.

        Raises:
            TimeoutError: It is not.
        """

        def is_there() -> bool:
            return sum(words.startswith(beginning) for words in self.said) >= times

        with self._more:
            if not self._more.wait_for(is_there, SECONDS):
                raise TimeoutError(f"{beginning} has not been said {times} times: {self.said}")

    def closed(self, database: str) -> None:
        """Note that a connection is closed."""
        self._open[database] -= 1

    def passing(self, connection: TappedConnection, words: str, run: Callable[[], T]) -> T:
        """Let a statement pass."""
        with self._more:
            point = len(self.said)
            self.said.append(words)
            if threading.get_ident() == self._loop_thread:
                self.in_loop.append(words)
            self._more.notify_all()
        if point != self._at or self._strike is None:
            return run()
        self._strike.before(connection)
        try:
            return run()
        finally:
            self._strike.after()

    def _connect(self, database: str, **options: Any) -> TappedConnection:  # noqa: ANN401 - many
        connection = TappedConnection(database, **options)
        connection.tap = self
        connection.database = database
        self._open[database] += 1
        return connection


class TappedConnection(sqlite3.Connection):
    """A connection whose statements pass a tap."""

    tap: Tap
    database: str
    is_closed = False

    def cursor(self, factory: object = None) -> TappedCursor:  # type: ignore[override]
        """Return a cursor whose statements pass the tap, whatever class was asked for."""
        del factory
        return super().cursor(TappedCursor)

    def execute(self, sql: str, parameters: Parameters = (), /) -> TappedCursor:
        """Run a statement on a cursor that passes the tap; sqlite3 itself would take another."""
        return self.cursor().execute(sql, parameters)

    def close(self) -> None:
        """Close it. A second time does nothing."""
        if self.is_closed:
            return
        self.is_closed = True
        self.tap.passing(self, CLOSE, super().close)
        self.tap.closed(self.database)

    def past_the_tap(self, pragma: str) -> int:
        """Run a pragma of the test's own, and return its number."""
        (number,) = super().cursor().execute(f"PRAGMA {pragma}").fetchone()
        return int(number)


class TappedCursor(sqlite3.Cursor):
    """A cursor whose statements pass a tap."""

    def execute(self, sql: str, parameters: Parameters = (), /) -> TappedCursor:
        """Run a statement."""
        connection = cast("TappedConnection", self.connection)
        run = super().execute
        connection.tap.passing(connection, sql, lambda: run(sql, parameters))
        return self
