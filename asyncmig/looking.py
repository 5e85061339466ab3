"""Look at the files and at the history, without the lock, and say what is to be seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError
from asyncmig.first_run import as_if_recorded, look_around
from asyncmig.migration import Direction
from asyncmig.opening import opened
from asyncmig.plan import make_plan
from asyncmig.report import PlanReport, StatusReport
from asyncmig.status import classify, current_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.base import Engine, Runner
    from asyncmig.files import Files
    from asyncmig.history import History
    from asyncmig.migration import Migration
    from asyncmig.request import Policy, Request


async def look(engine: Engine, files: Files, runner: Runner) -> tuple[Sequence[Migration], History]:
    """Return the migrations and the history; the one is read while the other is being reached."""
    async with opened(engine.session(runner), files.migrations()) as (session, reading):
        history = await session.history()
        return await reading, history


async def status_of(engine: Engine, files: Files, runner: Runner) -> StatusReport:
    """Return where each migration stands."""
    migrations, history = await look(engine, files, runner)
    statuses = await asyncio.to_thread(classify, migrations, history)
    return StatusReport(engine.address, current_version(history), statuses)


async def plan_of(
    engine: Engine,
    files: Files,
    request: Request,
    policy: Policy,
    runner: Runner,
    *,
    script: bool,
) -> PlanReport:
    """Return what would be run, and on request as a script."""
    async with opened(engine.session(runner), files.migrations()) as (session, reading):
        history = await session.history()
        target: str | None = None
        if not history.entries and request.direction is Direction.UP:
            history, target = await look_around(session, history, policy)
        migrations = await reading
    if target is not None:
        if script:
            raise SettingsError(
                "a script cannot record the baseline",
                hint=f"record it first: `asyncmig baseline {target}`",
            )
        history = as_if_recorded(migrations, history, target)
    plan = await asyncio.to_thread(make_plan, migrations, history, request, policy)
    return PlanReport(
        database=engine.address,
        current=current_version(history),
        steps=plan.steps,
        migrations=plan.statuses,
        script=await asyncio.to_thread(engine.script, plan, runner) if script else "",
    )
