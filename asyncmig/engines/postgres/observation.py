"""Look at what a migration locks, rewrites and scans, from inside its own transaction.

Nothing of it needs a privilege: a session may look at its own locks and counters. Only for who asks
for it: it costs a message for each statement. What the server does not tell, the report leaves out:
the locks of parallel workers are ours, but what they read is not counted; that the leader began to
read is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.sightings import (
    KINDS,
    Moment,
    Relation,
    Sighting,
    Sightings,
    mode_named,
)
from asyncmig.engines.postgres.table import EQUALS, literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.base import StepEvents
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.engines.postgres.copied import Row
    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.engines.postgres.table import HistoryTable
    from asyncmig.lock_policy import LockPolicy
    from asyncmig.locks import LockReport

_SCANNED = "pg_catalog.pg_stat_get_xact_numscans"
"""Counts up for as long as the session has not told the collector, so only a difference tells."""

_HELD = (
    "SELECT l.relation, l.mode, pg_catalog.pg_relation_filenode(l.relation), "
    f"{_SCANNED}(l.relation) "
    f"FROM pg_catalog.pg_locks l WHERE l.locktype {EQUALS} 'relation' AND l.granted "
    f"AND l.pid {EQUALS} pg_catalog.pg_backend_pid() "
    "AND l.mode OPERATOR(pg_catalog.<>) 'SIReadLock'"
)

_SIZES = (
    "SELECT DISTINCT l.relation, pg_catalog.pg_table_size(l.relation) "
    f"FROM pg_catalog.pg_locks l WHERE l.locktype {EQUALS} 'relation' AND l.granted "
    f"AND l.pid {EQUALS} pg_catalog.pg_backend_pid()"
)
"""Only of what is locked anyway: ``pg_table_size()`` waits for a lock of its own."""

_COUNTS = "SELECT pg_catalog.current_setting('track_counts')"

_POSITION = "SELECT pg_catalog.pg_current_wal_insert_lsn()"
"""Not everybody may ask for it, and not all that speak like PostgreSQL have it."""

_ASIDE = "SAVEPOINT asyncmig_look;"
_FORGET = "ROLLBACK TO SAVEPOINT asyncmig_look;"
_BACK = "RELEASE SAVEPOINT asyncmig_look;"


def _relations(table: HistoryTable) -> str:
    """Read what is there, but for system catalogues, temporary tables and the history.

    A sequence gets another file with a mere RESTART, so that of sequences is not looked at.
    """
    names = (table.qualified, table.of_locks)
    oids = (f"pg_catalog.to_regclass({literal(name)})::pg_catalog.oid" for name in names)
    ours = f"(ARRAY[{', '.join(f'COALESCE({oid}, 0::pg_catalog.oid)' for oid in oids)}])"
    return (
        "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint, "
        "(GREATEST(c.relpages, 0) OPERATOR(pg_catalog.+) COALESCE(t.relpages, 0)) "
        "OPERATOR(pg_catalog.*) pg_catalog.current_setting('block_size')::bigint, i.inhparent, "
        f"CASE WHEN c.relkind {EQUALS} ANY ('{{r,m,i}}') "
        "THEN pg_catalog.pg_relation_filenode(c.oid) END, "
        f"CASE WHEN c.relkind {EQUALS} ANY ('{{r,m}}') THEN {_SCANNED}(c.oid) ELSE 0 END "
        "FROM pg_catalog.pg_class c "
        f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace "
        f"LEFT JOIN pg_catalog.pg_class t ON t.oid {EQUALS} c.reltoastrelid "
        "LEFT JOIN pg_catalog.pg_inherits i "
        f"ON i.inhrelid {EQUALS} c.oid AND c.relispartition "
        f"WHERE c.relkind {EQUALS} ANY ('{{{','.join(KINDS)}}}') "
        "AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' "
        "AND n.nspname OPERATOR(pg_catalog.!~) '^pg_' "
        f"AND c.oid OPERATOR(pg_catalog.<>) ALL {ours} "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x "
        f"WHERE x.indexrelid {EQUALS} c.oid AND x.indrelid {EQUALS} ANY {ours})"
    )


class Observation:
    """What one migration does, as far as it can be seen from inside its transaction.

    Args:
        wire: The connection; in the transaction, with nothing of the author's done yet.
        table: The history table, which is left out.
        policy: What is not to be seen.
    """

    def __init__(self, wire: Wire, table: HistoryTable, policy: LockPolicy) -> None:
        self.policy = policy
        self._wire = wire
        self._table = table
        self._sightings = Sightings({}, {}, (), 0.0)
        self._wal: int | None = None
        self._counts_scans = False
        self._began = 0.0

    async def begin(self) -> None:
        """Look at what there is before the author's code."""
        before: dict[str, Relation] = {}
        marks: dict[str, tuple[str | None, int]] = {}
        for row in await self._wire.fetch(_relations(self._table)):
            oid, filenode, scans = str(row[0]), row[7], int(row[8] or 0)
            before[oid] = _relation(row)
            marks[oid] = (filenode, scans)
        (counts,) = await self._wire.fetch(_COUNTS, after=_ASIDE)
        self._counts_scans = counts == ("on",)
        self._wal = await self._position()
        held = await self._held(after=_BACK)
        self._began = time.monotonic()
        self._sightings = Sightings(before, marks, held, self._began)

    async def look(self, moment: Moment) -> None:
        """Look at what was done since the last look."""
        self._sightings.add(await self._held(), moment)

    async def report(self) -> LockReport:
        """Look for the last time, behind all that was done, and say what was seen."""
        await self.look(Moment(self._began))
        sizes = {str(oid): int(size or 0) for oid, size in await self._wire.fetch(_SIZES)}
        return self._sightings.report(
            sizes,
            now=time.monotonic(),
            wal_bytes=await self._written(),
            counts_scans=self._counts_scans,
        )

    async def _held(self, after: str = "") -> Iterable[Sighting]:
        rows = await self._wire.fetch(_HELD, after=after)
        return [
            Sighting(str(oid), mode_named(str(mode)), filenode, int(scans or 0))
            for oid, mode, filenode, scans in rows
        ]

    async def _position(self) -> int | None:
        """Return how much was ever written ahead; ``None`` where that is not told."""
        try:
            return await self._asked_position()
        except ServerError:
            await self._wire.execute(_FORGET)
            return None

    async def _written(self) -> int | None:
        """Return how much was written ahead since the beginning, as far as that is told."""
        return None if self._wal is None else await self._asked_position() - self._wal

    async def _asked_position(self) -> int:
        ((position,),) = await self._wire.fetch(_POSITION)
        high, _, low = str(position).partition("/")
        return (int(high, 16) << 32) + int(low, 16)


def _relation(row: Row) -> Relation:
    _, schema, name, relkind, rows, size, parent, *_ = row
    known = int(rows or 0)
    return Relation(
        name=f"{schema}.{name}",
        kind=KINDS[str(relkind)],
        rows=None if known < 0 else known,
        bytes=int(size or 0),
        parent=parent,
    )


async def observed(desk: Desk) -> Observation | None:
    """Begin to look at what comes next in the transaction, if anybody wants to know."""
    if desk.settings.locks is None:
        return None
    observation = Observation(desk.wire, desk.table, desk.settings.locks)
    await observation.begin()
    return observation


async def told(observation: Observation, events: StepEvents) -> LockReport:
    """Look for the last time, tell what was seen, and return it."""
    report = await observation.report()
    events.on_locks(report)
    return report
