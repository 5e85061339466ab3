"""See who blocks a statement while it waits, through a second connection.

``pg_blocking_pids()`` answers only meanwhile: once the statement is cancelled nobody remembers.
The second connection is opened only when a step takes its time, asks now and then, and whatever
becomes of it, the step goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from asyncmig.blocker import Blocker
from asyncmig.engines.cleanup import finish
from asyncmig.engines.locking import ANNOUNCE_EVERY
from asyncmig.engines.postgres.connection import ConnectionLostError, ServerError
from asyncmig.engines.postgres.table import EQUALS, instant, literal
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.sql import Dialect, without_literals

if TYPE_CHECKING:
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.desk import Desk

OnWaiting = Callable[[float, str, tuple[Blocker, ...]], None]
"""Told for how many seconds a statement has waited, in which phase, and for whom."""

_ENDED_WAITING = ("55P03", "40P01", "57014")
"""lock_not_available, deadlock_detected and query_canceled."""

_FIRST_LOOK = 0.75
"""Seconds at most before the first look: below PostgreSQL's ``deadlock_timeout`` of 1 s, after
which a deadlock is over and nobody can be seen."""

_LOOK_EVERY = 0.5
_OFTENEST = 0.05
"""Seconds between two looks: several of them in the time that a statement may wait."""

_ANNOUNCE_AFTER = 2.0
"""Seconds of waiting that are worth telling, where no time-out ends them first."""

_CONNECT_SECONDS = 5.0
_GOODBYE_SECONDS = 0.25
_LONGEST_QUERY = 200
"""Characters of a statement that are shown."""


class Watch:
    """See who is in the way of what is sent inside the block, and name them in its error.

    Where no second connection can be had without being in somebody's way, nobody is seen.

    Args:
        desk: Whose connection to watch.
        lock_timeout: Seconds that a statement may wait for a lock; ``None`` for no limit.
        on_waiting: Told of long waits.
    """

    def __init__(self, desk: Desk, lock_timeout: float | None, on_waiting: OnWaiting) -> None:
        self._desk = desk
        self._lock_timeout = lock_timeout
        self._on_waiting = on_waiting
        self._timer: asyncio.TimerHandle | None = None
        self._lookout: _Lookout | None = None

    async def __aenter__(self) -> None:
        """Set a timer: that is all for a step that is done before, as most of them are."""
        if self._desk.may_watch:
            limit = self._lock_timeout
            first = _FIRST_LOOK if limit is None else min(_FIRST_LOOK, limit / 2)
            self._timer = asyncio.get_running_loop().call_later(first, self._begin)

    def _begin(self) -> None:
        self._lookout = _Lookout(self._desk, self._lock_timeout, self._on_waiting)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Leave the timer, or the second connection, in a bounded time."""
        if self._timer is not None:
            self._timer.cancel()
        lookout = self._lookout
        if lookout is None:
            return
        if isinstance(error, MigrationFailedError) and error.sqlstate in _ENDED_WAITING:
            error.blockers = lookout.seen
        if isinstance(error, asyncio.CancelledError):
            lookout.cut()  # no time for goodbyes
        await lookout.leave()


class _Lookout:
    """A second connection, as long as it is needed.

    Attributes:
        seen: Who was in the way when somebody last was.
    """

    def __init__(self, desk: Desk, lock_timeout: float | None, on_waiting: OnWaiting) -> None:
        self.seen: tuple[Blocker, ...] = ()
        self._desk = desk
        self._query = _query(desk.wire.startup_pid, desk.server.name)
        self._pause = _LOOK_EVERY
        if lock_timeout is not None:
            self._pause = max(_OFTENEST, min(self._pause, lock_timeout / 4))
        self._tell = _Teller(on_waiting)
        self._is_over = asyncio.Event()
        self._wire: Wire | None = None
        self._task = asyncio.get_running_loop().create_task(self._look_on())

    async def _look_on(self) -> None:
        with suppress(AsyncmigError, ServerError, ConnectionLostError, TimeoutError):
            with anyio.fail_after(_CONNECT_SECONDS):
                self._wire = await self._desk.open_another()
            try:
                while not self._is_over.is_set():
                    await self._look(self._wire)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._is_over.wait(), self._pause)
            finally:
                await self._desk.close_another(self._wire)

    async def _look(self, wire: Wire) -> None:
        rows = await wire.fetch(self._query)
        blockers = tuple(map(_blocker, rows))
        if blockers:
            self.seen = blockers
        self._tell(str(rows[0][-1] or "") if rows else "", blockers)

    def cut(self) -> None:
        """End the connection without a goodbye."""
        if self._wire is not None:
            self._wire.terminate()

    async def leave(self) -> None:
        """End it all, in a bounded time, also while this task is being cancelled."""
        self._is_over.set()
        if self._wire is None:
            self._task.cancel()  # it is still connecting
        await finish(self._ended(self._task))

    async def _ended(self, task: asyncio.Task[None]) -> None:
        if not (await asyncio.wait({task}, timeout=_GOODBYE_SECONDS))[0]:
            self.cut()
            task.cancel()
            await asyncio.wait({task}, timeout=_GOODBYE_SECONDS)


class _Teller:
    """Tells of a wait when it has become long, and then now and then."""

    def __init__(self, on_waiting: OnWaiting) -> None:
        self._on_waiting = on_waiting
        self._since: float | None = None
        self._next = _ANNOUNCE_AFTER

    def __call__(self, phase: str, blockers: tuple[Blocker, ...]) -> None:
        """Hear who is in the way just now, if anybody is."""
        now = time.monotonic()
        if not blockers:
            self._since, self._next = None, _ANNOUNCE_AFTER
            return
        if self._since is None:
            self._since = now
        if (waited := now - self._since) >= self._next:
            self._next = waited + ANNOUNCE_EVERY
            self._on_waiting(waited, phase, blockers)


def _query(pid: int, name: str) -> str:
    """Return the query for those who block a session, none unless it waits for a lock.

    But for ourselves: an index build may wait for the very query that looks on. Only a session
    that waits is asked about with ``pg_blocking_pids()``, which stops the whole lock manager for
    a moment (manual, "Session Information Functions").

    Args:
        pid: The session.
        name: Its ``application_name``: an address of several hosts may have led to another server,
            where somebody else has that pid.
    """
    return f"""
        SELECT b.pid, a.application_name, a.usename, a.state, {instant("a.query_start")}, a.query,
            (SELECT pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.'
                OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname)
            FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_class c ON c.oid {EQUALS} l.relation
            JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace
            WHERE l.pid {EQUALS} s.pid AND NOT l.granted LIMIT 1),
            (SELECT p.phase FROM pg_catalog.pg_stat_progress_create_index p
            WHERE p.pid {EQUALS} s.pid)
        FROM pg_catalog.pg_stat_activity s
        CROSS JOIN LATERAL (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids(s.pid)))
            b (pid)
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid {EQUALS} b.pid
        WHERE s.pid {EQUALS} {pid} AND s.wait_event_type {EQUALS} 'Lock'
            AND s.application_name {EQUALS} {literal(name)}
            AND b.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
        ORDER BY b.pid"""


_HIDDEN = "<insufficient privilege>"


def _blocker(row: Row) -> Blocker:
    pid, application, user, state, since, query, relation, _phase = row
    shown = "" if query in {None, _HIDDEN} else str(query)
    return Blocker(
        pid=int(pid or 0),
        application=application or "",
        user=user or "",
        state=state or "",
        query_start=None if since is None else datetime.fromisoformat(since),
        relation=relation or "",
        query=without_literals(shown, Dialect.POSTGRESQL, longest=_LONGEST_QUERY),
    )
