"""See what the pending migrations would lock: the loop of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from asyncmig.engines.base import HistoryMovedError
from asyncmig.errors import MigrationFailedError
from asyncmig.history import History
from asyncmig.migration import PythonScript
from asyncmig.plan import make_plan
from asyncmig.report import MigrationTrace, TraceReport, Untraced
from asyncmig.scripts import Scripts
from asyncmig.status import current_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Engine, Runner, Wait
    from asyncmig.files import Files
    from asyncmig.lock_policy import LockPolicy
    from asyncmig.locks import LockReport
    from asyncmig.migration import Migration
    from asyncmig.plan import Step
    from asyncmig.request import Policy, Request

_PAUSE = 0.01
"""Seconds before another try, when another runner came in between."""


async def trace(
    engine: Engine,
    files: Files,
    request: Request,
    runner: Runner,
    wait: Wait,
    *,
    policy: Policy,
    locks: LockPolicy | None,
    python: bool,
) -> TraceReport:
    """Run what is pending in one transaction, and roll it back.

    Args:
        engine: The database.
        files: The migrations.
        request: How far to go.
        runner: Who looks.
        wait: How to wait for the lock.
        policy: How strictly files and history must agree.
        locks: What a migration must not lock.
        python: Whether to run Python migrations, too.
    """
    rehearsal = _Rehearsal(await files.migrations(), request, policy, locks, python=python)
    async with engine.session(runner) as session:
        # What cannot run at all is known before anything is locked.
        await Scripts(engine.dialect).look_through(rehearsal.choose(await session.history()))
        while True:
            try:
                await session.rehearse(rehearsal.choose, wait, rehearsal.add)
                break
            except HistoryMovedError:
                await anyio.sleep(_PAUSE)
            except MigrationFailedError as error:
                rehearsal.explain(error)
                raise
    return rehearsal.report(engine.address)


class _Rehearsal:
    """What is to be traced, and what the trace has shown so far."""

    def __init__(
        self,
        migrations: Sequence[Migration],
        request: Request,
        policy: Policy,
        locks: LockPolicy | None,
        *,
        python: bool,
    ) -> None:
        self._migrations = migrations
        self._request = request
        self._policy = policy
        self._locks = locks
        self._python = python
        self._history = History(exists=False)
        self._traced: list[MigrationTrace] = []
        self._untraced: list[Untraced] = []

    def choose(self, history: History) -> list[Step]:
        """Return the steps that can be traced, and note those that cannot."""
        plan = make_plan(self._migrations, history, self._request, self._policy)
        reasons = {step: why_not(step, python=self._python) for step in plan.steps}
        self._history = history
        self._traced = []
        self._untraced = [
            Untraced(step.key, step.name, step.script.path, reason)
            for step, reason in reasons.items()
            if reason
        ]
        return [step for step, reason in reasons.items() if not reason]

    def add(self, step: Step, report: LockReport) -> None:
        """Note what a step locks."""
        script = step.script
        found = self._locks.violations(report, script.allow) if self._locks else ()
        batch = None if script.batching is None else script.batching.size
        self._traced.append(MigrationTrace(step.key, step.name, script.path, report, found, batch))

    def explain(self, error: MigrationFailedError) -> None:
        """Add to an error what was not run before it: that may be all that is missing."""
        if self._untraced:
            keys = ", ".join(left.version for left in self._untraced)
            error.add_note(f"the trace left out {keys}, which it may need")
        if begun := [trace.version for trace in self._traced if trace.batch is not None]:
            keys = ", ".join(begun)
            error.add_note(f"the trace ran one batch of {keys}, of which it may need all")

    def report(self, address: str) -> TraceReport:
        """Return what the trace has shown."""
        return TraceReport(
            address,
            current_version(self._history),
            tuple(self._traced),
            tuple(self._untraced),
        )


def why_not(step: Step, *, python: bool) -> str:
    """Return why a step cannot be traced, empty when it can."""
    if not step.script.transaction:
        return "it runs outside a transaction"
    if isinstance(step.script, PythonScript) and not python:
        return "it is Python, and what that does elsewhere is not rolled back (--python runs it)"
    return ""
