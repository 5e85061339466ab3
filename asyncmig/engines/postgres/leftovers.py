"""What a concurrent statement leaves behind when it is cut off: found, told apart, and removed.

``CREATE INDEX CONCURRENTLY`` that is cut off leaves an INVALID index behind, over which a retry
with ``IF NOT EXISTS`` would succeed and leave it invalid (golang-migrate #960). ``REINDEX
CONCURRENTLY`` leaves one whose name ends in ``_ccnew`` or ``_ccold``, which costs at every write.
See PostgreSQL manual, "Building Indexes Concurrently" and "Rebuilding Indexes Concurrently".
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.concurrently import Creation, Detachment, Rebuilding, Removal, Scope
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.ending import server_failed
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.engines.statements import reworded
from asyncmig.errors import MigrationFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from asyncmig.engines.postgres.concurrently import Work
    from asyncmig.engines.postgres.connection import Wire
    from asyncmig.plan import Step

_PLACE = "pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname)"
_NAMESPACE = f"JOIN pg_catalog.pg_namespace n ON n.oid {EQUALS} c.relnamespace"
_TRANSIENT = "c.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'"

_SWEEP = "SET statement_timeout = '5s'"
"""What is left of a statement that failed is dropped at once if that takes no longer: whom it
waited for may still be there. Else the next run drops it."""


class Fate(StrEnum):
    """What the catalogue says of a statement that was started and not seen to finish."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


async def fate_of(wire: Wire, work: Work) -> Fate:
    """Find out whether a statement did its work. What was not done may be done again."""
    match work:
        case Creation():
            if work.name is None:
                return Fate.UNKNOWN  # the server chose a name, and nobody knows which
            return _done(await _is_valid(wire, await _place(wire, work)) is True)
        case Removal():
            return _done(await _is_valid(wire, work.name) is None)
        case Rebuilding():
            return Fate.NOT_DONE
        case Detachment():
            return await _fate_of_partition(wire, work)


def _done(it_is: bool) -> Fate:  # noqa: FBT001 - reads as a sentence
    return Fate.DONE if it_is else Fate.NOT_DONE


async def _fate_of_partition(wire: Wire, work: Detachment) -> Fate:
    tables = await wire.one(f"SELECT {_oid(work.parent)}, {_oid(work.partition)}")
    if tables is None or None in tables:
        return Fate.UNKNOWN  # one of them is not there, or called otherwise by now
    return _done(await _pending(wire, work) is None)


async def finish_detaching(wire: Wire, step: Step, work: Work | None) -> bool:
    """Go on with a partition that is on its way out, which only ``FINALIZE`` can.

    Returns:
        Whether there was anything to go on with.

    Raises:
        MigrationFailedError: The server refused it.
    """
    if not isinstance(work, Detachment) or await _pending(wire, work) is not True:
        return False
    try:
        await wire.execute(work.finish)
    except ServerError as error:
        raise server_failed(step, error) from error
    return True


async def _pending(wire: Wire, work: Detachment) -> bool | None:
    """Return whether the partition is being detached; ``None`` when it is detached."""
    row = await wire.one(
        "SELECT i.inhdetachpending FROM pg_catalog.pg_inherits i "
        f"WHERE i.inhparent {EQUALS} pg_catalog.to_regclass({literal(work.parent)}) "
        f"AND i.inhrelid {EQUALS} pg_catalog.to_regclass({literal(work.partition)})"
    )
    return None if row is None else row == ("t",)


async def _is_valid(wire: Wire, index: str) -> bool | None:
    """Return whether an index is valid; ``None`` when it is not there."""
    row = await wire.one(
        "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid "
        f"{EQUALS} pg_catalog.to_regclass({literal(index)})"
    )
    return None if row is None else row == ("t",)


@asynccontextmanager
async def whole(wire: Wire, step: Step, work: Work | None) -> AsyncGenerator[None]:
    """Send the statement inside this block, and no invalid index is left, or an error says so.

    What an earlier build left behind is dropped first: the statement would be refused because of
    it, or succeed and leave it as it is.

    Raises:
        MigrationFailedError: An index is being built by somebody else, or came out invalid.
    """
    if not isinstance(work, Creation | Rebuilding):
        yield
        return
    before = await _make_way(wire, step, work)
    try:
        yield
    except MigrationFailedError as error:
        await _sweep(wire, await _invalid(wire, work) - before)
        if left := await _invalid(wire, work) - before:
            raise _with_leftovers(error, left) from error.__cause__
        raise
    names = [index.place for index in await _invalid(wire, work) - before]
    if await _is_still_invalid(wire, work):
        names.append(work.name or "")
    if names:
        raise _failed(step, f"left an invalid index: {', '.join(sorted(names))}", "run again")


async def _make_way(wire: Wire, step: Step, work: Creation | Rebuilding) -> frozenset[_Index]:
    """Drop what is left of an earlier build, and return the other invalid indexes."""
    invalid = await _invalid(wire, work)
    if isinstance(work, Creation) and work.name is None:
        return invalid  # which of them is ours, if any, cannot be told
    for index in invalid:
        if await _is_being_built(wire, index):
            hint = "wait until it is done, then run again"
            raise _failed(step, f"another session is building the index {index.place}", hint)
        try:
            await _drop(wire, index)
        except ServerError as error:
            raise server_failed(step, error) from error
    return await _invalid(wire, work)


async def _sweep(wire: Wire, indexes: Iterable[_Index]) -> None:
    """Drop what a statement that failed has left, unless that takes long."""
    for index in indexes:
        try:
            await wire.execute(_SWEEP)
            await _drop(wire, index)
        except ServerError:
            return


async def _is_still_invalid(wire: Wire, work: Creation | Rebuilding) -> bool:
    is_one = isinstance(work, Rebuilding) and work.scope is Scope.INDEX
    return is_one and await _is_valid(wire, work.name or "") is False


@dataclass(frozen=True, slots=True)
class _Index:
    """An index, and its name as SQL spells it."""

    oid: int
    place: str


async def _invalid(wire: Wire, work: Creation | Rebuilding) -> frozenset[_Index]:
    """Return the invalid indexes that such a statement may leave, and this role may drop.

    Those of long values, in the schema ``pg_toast``, only a superuser may.
    """
    which = await _may_leave(wire, work)
    rows = await wire.fetch(
        f"SELECT c.oid, {_PLACE} FROM pg_catalog.pg_index i "
        f"JOIN pg_catalog.pg_class c ON c.oid {EQUALS} i.indexrelid {_NAMESPACE} "
        f"WHERE NOT i.indisvalid AND c.relkind {EQUALS} 'i' "
        f"AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND {which}"
    )
    return frozenset(_Index(int(oid or 0), f"{schema}.{name}") for oid, schema, name in rows)


async def _may_leave(wire: Wire, work: Creation | Rebuilding) -> str:
    """Return the condition for the indexes ``i`` that such a statement may leave."""
    if isinstance(work, Rebuilding):
        return f"{_TRANSIENT} AND {_is_on_table_of(work)}"
    if work.name is None:
        return f"i.indrelid {EQUALS} {_oid(work.table)}"
    return f"i.indexrelid {EQUALS} {_oid(await _place(wire, work))}"


def _is_on_table_of(work: Rebuilding) -> str:
    """Return the condition for the indexes ``i`` on tables whose indexes are rebuilt.

    With those of partitions, and of the tables that the server keeps long values in.
    """
    return (
        f"EXISTS (SELECT 1 FROM ({_tables_of(work)}) t (oid) JOIN pg_catalog.pg_class h "
        f"ON h.oid {EQUALS} t.oid WHERE i.indrelid {EQUALS} h.oid "
        f"OR i.indrelid {EQUALS} h.reltoastrelid)"
    )


def _tables_of(work: Rebuilding) -> str:
    """Return the query for the tables whose indexes are rebuilt."""
    every = "SELECT r.oid FROM pg_catalog.pg_class r"
    root = _oid(work.name)
    family = f"SELECT {root} UNION SELECT relid FROM pg_catalog.pg_partition_tree({root})"
    match work.scope:
        case Scope.DATABASE:
            return every
        case Scope.SCHEMA:
            schema = f"pg_catalog.to_regnamespace({literal(work.name)})"
            return f"{every} WHERE r.relnamespace {EQUALS} {schema}"
        case Scope.TABLE:
            return family
        case Scope.INDEX:
            indexes = f"SELECT x.indrelid FROM pg_catalog.pg_index x JOIN ({family}) f (oid)"
            return f"{indexes} ON x.indexrelid {EQUALS} f.oid"


async def _is_being_built(wire: Wire, index: _Index) -> bool:
    """Tell whether another session is at work on the index.

    What it is at work on only some roles may see; that it has the table locked, everybody.
    """
    row = await wire.one(
        "SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p "
        f"JOIN pg_catalog.pg_locks l ON l.pid {EQUALS} p.pid AND l.granted "
        f"AND l.locktype {EQUALS} 'relation' AND l.mode {EQUALS} 'ShareUpdateExclusiveLock' "
        f"AND l.database {EQUALS} (SELECT d.oid FROM pg_catalog.pg_database d "
        f"WHERE d.datname {EQUALS} pg_catalog.current_database()) "
        f"JOIN pg_catalog.pg_index i ON i.indrelid {EQUALS} l.relation "
        f"WHERE i.indexrelid {EQUALS} {index.oid} "
        "AND (p.command IS NULL OR p.command OPERATOR(pg_catalog.~) '^REINDEX' "
        f"OR p.index_relid {EQUALS} i.indexrelid)"
    )
    return row is not None


async def _drop(wire: Wire, index: _Index) -> None:
    await wire.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.place}")


def _with_leftovers(error: MigrationFailedError, left: Iterable[_Index]) -> MigrationFailedError:
    indexes = ", ".join(sorted(index.place for index in left))
    what = f"the invalid index {indexes} is left, and dropped by the next run of this file"
    return reworded(error, error.message, "; ".join(filter(None, (error.hint, what))))


def _failed(step: Step, what: str, hint: str) -> MigrationFailedError:
    return MigrationFailedError(
        f"migration {step.key} failed ({step.script.path}): {what}",
        version=step.key,
        direction=step.direction,
        file=step.script.path,
        hint=hint,
    )


async def _place(wire: Wire, work: Creation) -> str:
    """Return the name of an index with the schema of its table."""
    name = work.name or ""
    row = await wire.one(
        f"SELECT {_PLACE} FROM pg_catalog.pg_class c {_NAMESPACE} "
        f"WHERE c.oid {EQUALS} {_oid(work.table)}"
    )
    return name if row is None else f"{row[0]}.{name}"


def _oid(name: str) -> str:
    return f"pg_catalog.to_regclass({literal(name)})"
