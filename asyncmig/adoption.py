"""Take over a database from another tool: the loop of an adoption."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from asyncmig.adopt.choice import choose
from asyncmig.adopt.decision import Terms, decide
from asyncmig.adopt.files import read_files
from asyncmig.adopt.matching import match
from asyncmig.adopt.summary import nothing_found, summary
from asyncmig.engines.base import Adoption, ForeignLockTakenError, HistoryMovedError, Holder
from asyncmig.engines.locking import pauses
from asyncmig.errors import ForeignHistoryError, LockTimeoutError
from asyncmig.looking import look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncmig.adopt.choice import Wanted
    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.finding import FoundTable
    from asyncmig.adopt.matching import Matching
    from asyncmig.engines.base import Engine, Runner, Session, Wait
    from asyncmig.files import Files
    from asyncmig.foreign import AdoptReport, ForeignRow
    from asyncmig.history import History, HistoryEntry, NewRow

_ANNOUNCE_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Taking:
    """What is being taken over, and what of it is decided by what.

    Attributes:
        found: Whose history.
        files: The files, as far as that tool makes it necessary to read them.
        terms: On what terms.
        mapped: Versions of files by what the tool calls them.
    """

    found: FoundTable
    files: Sequence[MigrationFile]
    terms: Terms
    mapped: Mapping[str, str]

    def matching(self, rows: Sequence[Sequence[ForeignRow]]) -> Matching:
        """Lay what was read beside the files."""
        tool = self.found.tool
        return match(self.found.history(rows), self.files, tool.changed, self.mapped)

    def decide(self, history: History, rows: Sequence[Sequence[ForeignRow]]) -> tuple[NewRow, ...]:
        """Return what to write.

        Raises:
            HistoryError: Nothing can be taken over as it is.
        """
        return decide(self.matching(rows), history, self.terms)


async def adopt(
    engine: Engine,
    files: Files,
    wanted: Wanted,
    terms: Terms,
    runner: Runner,
    *,
    wait: Wait,
    dry_run: bool,
) -> AdoptReport:
    """Write into our history what another tool has applied, and say what it was.

    Args:
        engine: The database.
        files: The migrations.
        wanted: Whose history.
        terms: On what terms; the tool and its table are filled in here.
        runner: Who adopts.
        wait: How to wait for the lock, and for the other tool's.
        dry_run: Whether to leave the writing out.

    Raises:
        ForeignHistoryError: It cannot be taken over as it is; its ``report`` says what was found.
    """
    migrations, history = await look(engine, files, runner)
    async with engine.session(runner) as session:
        found = await choose(session, wanted)
        if found is None:
            return nothing_found(engine.address)
        tool = found.tool
        read = await asyncio.to_thread(
            read_files, files.source, migrations, tool.reads, tool.listed
        )
        label = found.table.label
        terms = replace(terms, tool=tool.name, table=label)
        taking = Taking(found, read, terms, wanted.mapped)
        rows = [await session.read_table(reading) for reading in found.readings]
        matching = await asyncio.to_thread(taking.matching, rows)
        told = partial(summary, engine.address, matching, terms)
        try:
            new = decide(matching, history, terms)
            if dry_run or not new:
                return told(history, rows=new)
            async with session.lock(wait):
                history, entries = await _written(session, taking, wait)
        except ForeignHistoryError as error:
            error.adoption = told(history, rows=())
            raise
    return told(history, rows=entries, entries=entries)


async def _written(
    session: Session, taking: Taking, wait: Wait
) -> tuple[History, tuple[HistoryEntry, ...]]:
    """Decide once more under the locks, and write; wait for the other tool if it is at it.

    Returns:
        Our history before, and the rows that were appended.

    Raises:
        LockTimeoutError: It took longer than ``wait.timeout``.
    """
    began, announce_at = time.monotonic(), 0.0
    holder = Holder(taking.found.tool.name)
    for pause in pauses():
        history = await session.history()
        adoption = Adoption(
            taking.found.readings, taking.found.locks, partial(taking.decide, history)
        )
        try:
            return history, await session.adopt(adoption, history.generation)
        except HistoryMovedError:
            continue
        except ForeignLockTakenError as error:
            waited = time.monotonic() - began
            if wait.timeout is not None and waited >= wait.timeout:
                raise LockTimeoutError(waited=waited, holder=holder.description) from error
        if waited >= announce_at:
            wait.on_waiting(holder, waited)
            announce_at = waited + _ANNOUNCE_EVERY
        await anyio.sleep(pause)
    raise AssertionError  # pauses() never end
