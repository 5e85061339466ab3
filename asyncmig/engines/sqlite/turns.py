"""Run several small steps one after the other in one hop to the thread.

A hop there and back costs about as much as a small migration does. Each step has a transaction of
its own all the same, or its part of the shared one, with everything that belongs to it; see
:class:`asyncmig.engines.sqlite.applying.Turn`.
"""

from __future__ import annotations

import asyncio
import time
from itertools import takewhile
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.applying import Looking, Turn
from asyncmig.engines.sqlite.bodies import SqlBody
from asyncmig.migration import SqlScript

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.engines.base import Share
    from asyncmig.engines.sqlite.connection import Committing, Raw
    from asyncmig.engines.sqlite.desk import Desk
    from asyncmig.history import Generation, HistoryEntry

_LONGEST = 0.05
"""Seconds after which no other step begins in the same hop."""


def in_one_hop(shares: Sequence[Share]) -> list[Share]:
    """Return those at the beginning that can be run without a look at them in between."""
    return list(takewhile(_is_small, shares))


def _is_small(share: Share) -> bool:
    """Tell whether a step is SQL that was cut already, and needs nothing in front of its BEGIN."""
    step, prepared = share.step, share.prepared
    if prepared is None or not prepared.foreign_keys or step.resumes is not None:
        return False
    return step.is_transactional_sql and isinstance(step.script, SqlScript)


async def apply_in_turn(desk: Desk, shares: Sequence[Share], planned: Generation) -> None:
    """Run small steps, and commit each together with its row.

    Args:
        desk: Where.
        shares: What, see :func:`in_one_hop`.
        planned: The generation of the history in front of the first of them.

    Raises:
        HistoryMovedError: The history has moved on; nothing more was run.
        MigrationFailedError: One failed and was rolled back.
        DatabaseBusyError: An application was writing for longer than the budget.
    """
    turns = _Turns(desk, shares, planned)
    await desk.patiently(turns.go, on_retrying=turns.on_retrying)
    await asyncio.sleep(0)  # where a cancellation during a COMMIT arrives: that is told of by now


class _Turns:
    """Steps that take their turns. Those that are done stay done when one has to wait."""

    def __init__(self, desk: Desk, shares: Sequence[Share], planned: Generation) -> None:
        self._desk = desk
        self._shares = shares
        self._bodies = [SqlBody(s.step, s.prepared) for s in shares if s.prepared is not None]
        self._transaction = desk.transaction_for(shares[0].step, self._bodies[0])
        self._turns = list(self._make_turns(planned))
        self._last = len(self._turns) - 1
        self._entries: list[HistoryEntry] = []
        self._told = 0

    def _make_turns(self, planned: Generation) -> Iterator[Turn]:
        for share, body in zip(self._shares, self._bodies, strict=True):
            turn = Turn(
                self._desk,
                share.step,
                planned,
                share.events,
                body,
                transaction=self._transaction,
                keys=None,
            )
            yield turn
            planned = turn.closed

    def on_retrying(self, attempt: int, pause: float, reason: str) -> None:
        """Pass on that a step has to wait. Those behind it do not wait for it in the thread."""
        self._last = len(self._entries)
        self._turns[self._last].on_retrying(attempt, pause, reason)

    async def go(self) -> None:
        """Run those that are left.

        Raises:
            DriverError: The database is busy; whoever was not done may be tried again.
        """
        desk = self._desk
        await desk.lay_out(self._transaction)
        looking = Looking(self._tell)
        try:
            await desk.worker.run_and_commit_each(self._work)
        except BaseException as error:
            await self._turns[min(len(self._entries), self._last)].clean_up(error)
            raise
        finally:
            looking.stop()
            self._tell()

    def _tell(self) -> None:
        """Tell, in the event loop, what has been done, and what has begun."""
        while self._told < len(self._entries):
            number, self._told = self._told, self._told + 1
            self._turns[number].tell_started()
            self._shares[number].events.on_applied(self._entries[number])
        if self._told <= self._last:
            self._turns[self._told].tell_started()

    # --- in the thread --------------------------------------------------------------------------

    def _work(self, raw: Raw, committing: Committing) -> None:
        until = time.monotonic() + _LONGEST
        for number in range(len(self._entries), self._last + 1):
            self._take(raw, number, committing)
            if self._desk.is_used or committing.is_stopped or time.monotonic() > until:
                return

    def _take(self, raw: Raw, number: int, committing: Committing) -> None:
        turn, body = self._turns[number], self._bodies[number]
        try:
            entry = body.work(raw, turn)
            with committing:
                turn.commit(raw)
        finally:
            self._desk.is_used |= turn.authorizer.leaves_state
        self._entries.append(entry)
