"""One trial: a runner that meets a fault, a runner that does not, and a look at what is there."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncmig import AsyncmigError, Migrator
from asyncmig.errors import LockTimeoutError
from asyncmig.events import MigrationApplied, MigrationReverted
from tests.faults.matrix import Fault, LostOrDoubledError, Trial, Verdict, refuse_unless, short
from tests.faults.postgres_look import snapshot, trail, until_quiet
from tests.faults.postgres_proxy import FaultProxy, Strike
from tests.faults.postgres_weapons import arsenal
from tests.faults.scenario import STEPWISE_VERSION, refuse_part_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from asyncmig.events import Event
    from asyncmig.report import RunReport
    from tests.faults.scenario import Phase, Snapshot, Trail
    from tests.faults.victims import Victims

_LONGEST_RUN = 20.0  # seconds; it takes less than one
_CANCEL_SECONDS = 5.0  # promise 7
_KILLS = (Fault.KILL, Fault.KILL_WITHIN)
_KILLED = -9
_CANCELS = (Fault.CANCEL, Fault.CANCEL_WITHIN)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every trial works with.

    Attributes:
        victims: Where runners to kill come from.
        side: A connection of its own to the server.
    """

    victims: Victims
    side: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """One phase without a fault.

    Attributes:
        phase: Which.
        folder: The migrations.
        pooled: Whether a pooler seemed to stand between.
        first: The number of its first message in the whole recording, from 1.
        said: What the runner said.
        template: The database that it began with.
        before: The history that it began with.
        after: What it left.
    """

    phase: Phase
    folder: Path
    pooled: bool
    first: int
    said: tuple[str, ...]
    template: str
    before: Trail
    after: Snapshot

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.phase.value} through a pooler" if self.pooled else self.phase.value


async def attempt(
    ground: Ground, url: str, recording: Recording, position: int, fault: Fault
) -> Trial:
    """Let a fault happen to a run, then let another runner finish, and compare.

    Args:
        ground: What to work with.
        url: A copy of the database that the recording began with.
        recording: The phase.
        position: Of the message in the recording, from 0.
        fault: What happens there.

    Raises:
        LostOrDoubledError: It did not end as it must.
    """
    point, said = recording.first + position, recording.said[position]
    try:
        async with arsenal(url, ground.side) as weapons:
            strike = Strike(position, fault, recording.said, weapons)
            if fault in _KILLS:
                await _kill(ground.victims, url, recording, strike)
            else:
                await _disturb(url, recording, strike)
        refuse_part_of(recording.phase, recording.before, await trail(url), recording.after.trail)
        verdict = await _recover(url, recording)
        await until_quiet(ground.side, url)
    except Exception as error:
        where = f"point {point} ({recording.name}), {fault.value}, at `{short(said)}`"
        raise LostOrDoubledError(f"{where}: {type(error).__name__} {error}") from error
    return Trial(point, said, fault, verdict)


# --- the runner that meets the fault ------------------------------------------------------------


async def _kill(victims: Victims, url: str, recording: Recording, strike: Strike) -> None:
    """Let the fault happen to a runner that is a process of its own."""
    async with FaultProxy(url, strike, pooled=recording.pooled) as proxy:
        start = victims.start(proxy.url, recording.folder, recording.phase)
        started = asyncio.create_task(start)

        async def kill() -> None:
            await started  # the first message may be here before the news of the process is
            victims.kill()

        strike.weapons.on_runner = kill
        await started
        status = await victims.end(_LONGEST_RUN)
    strike.refuse_to_have_missed()
    refuse_unless(status == _KILLED, f"the runner ended with status {status}")


async def _disturb(url: str, recording: Recording, strike: Strike) -> None:
    """Let the fault happen to a runner that is a task of ours, and look at how it ends."""
    told: list[Event] = []
    is_cancelled = strike.fault in _CANCELS
    struck_at = time.monotonic()

    async def on_runner() -> None:
        nonlocal struck_at
        struck_at = time.monotonic()
        if is_cancelled:
            runner.cancel()
        else:
            await _rival(url, recording, told)

    strike.weapons.on_runner = on_runner
    async with FaultProxy(url, strike, pooled=recording.pooled) as proxy:
        migrator = Migrator(proxy.url, recording.folder, observer=told.append)
        with _nothing_unheard():
            runner = asyncio.create_task(recording.phase.run(migrator))
            ending = await _ending(runner)
            took = time.monotonic() - struck_at
    strike.refuse_to_have_missed()
    _refuse_undocumented(ending, strike.fault)
    refuse_unless(not is_cancelled or took < _CANCEL_SECONDS, f"it took {took:.1f} s to cancel")
    _refuse_false_report(told, recording.before, await trail(url), strike.fault)
    if ending is None:
        _refuse_difference(recording.after, await snapshot(url))


async def _rival(url: str, recording: Recording, told: list[Event]) -> None:
    """Let another runner do it all, unless somebody holds the lock just now."""
    migrator = Migrator(url, recording.folder, observer=told.append, wait_timeout=0)
    with suppress(LockTimeoutError):
        async with asyncio.timeout(_LONGEST_RUN / 2):
            await recording.phase.run(migrator)


async def _ending(runner: asyncio.Task[RunReport]) -> BaseException | None:
    """Return what a run ended with: nothing, an error or a cancellation."""
    await asyncio.wait({runner}, timeout=_LONGEST_RUN)
    if not runner.done():
        runner.cancel()
        await asyncio.wait({runner})
        raise LostOrDoubledError(f"the runner did not end within {_LONGEST_RUN:g} s")
    return asyncio.CancelledError() if runner.cancelled() else runner.exception()


def _refuse_undocumented(ending: BaseException | None, fault: Fault) -> None:
    """Refuse every ending but those that are documented.

    A cancellation comes out as such; nobody fails because another one ran; whatever else happens
    is survived, or comes out as an error of ours.
    """
    if fault in _CANCELS:
        is_documented = isinstance(ending, asyncio.CancelledError)
    elif fault is Fault.RIVAL:
        is_documented = ending is None
    else:
        is_documented = isinstance(ending, AsyncmigError | None)
    refuse_unless(is_documented, f"the runner ended with {ending!r}")


def _refuse_false_report(told: Sequence[Event], before: Trail, after: Trail, fault: Fault) -> None:
    """Refuse a runner that told of what is not there, or was silent about what it committed.

    Only the last note of a migration without a transaction may go unreported: its COMMIT, when the
    connection is lost in it, is not looked up.
    """
    done = [row[1:3] for row in after[len(before) :] if row[3] in {"applied", "reverted"}]
    claims = [
        (event.direction.value, event.version.removeprefix("R__"))
        for event in told
        if isinstance(event, MigrationApplied | MigrationReverted)
    ]
    is_true = claims == done
    if fault not in _CANCELS and done and done[-1][1] == STEPWISE_VERSION:
        is_true = claims in (done, done[:-1])
    refuse_unless(is_true, f"the runner told of {claims}, and {done} is there")


@contextmanager
def _nothing_unheard() -> Generator[None]:
    """Refuse what the event loop would only log: an exception that nobody has looked at."""
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _loop, context: heard.append(repr(context)))
    try:
        yield
    finally:
        loop.set_exception_handler(before)
    refuse_unless(not heard, f"the event loop had to log {heard}")


# --- the runner that does not -------------------------------------------------------------------


async def _recover(url: str, recording: Recording) -> Verdict:
    """Run again, which nothing has to be asked for, and compare with the reference."""
    migrator = Migrator(url, recording.folder, observer=None, wait_timeout=_LONGEST_RUN)
    await recording.phase.run(migrator)
    _refuse_difference(recording.after, await snapshot(url))
    return Verdict.RECOVERED


def _refuse_difference(expected: Snapshot, found: Snapshot) -> None:
    difference = expected.missing_from(found)
    refuse_unless(not difference, difference)
