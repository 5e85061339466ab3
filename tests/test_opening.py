"""Opening a visit while something else is being got ready."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import DatabaseUnavailableError, SourceError
from asyncmig.opening import opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Door:
    """A visit that opens when it is let, or refuses, and notes what happens to it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.let = asyncio.Event()
        self.seen: list[str] = []

    @asynccontextmanager
    async def visit(self) -> AsyncGenerator[str]:
        """Open, and close on every way out."""
        self.seen.append("knock")
        try:
            if self.refusal is not None:
                raise self.refusal
            await self.let.wait()
            self.seen.append("open")
            yield "inside"
        finally:
            self.seen.append("close")


async def test_both_go_on_at_the_same_time() -> None:
    """The door opens only because the files have been read meanwhile."""
    door = Door()

    async def read() -> str:
        door.let.set()
        return "files"

    async with opened(door.visit(), read()) as (inside, reading):
        assert ("inside", "files") == (inside, await reading)
    assert ["knock", "open", "close"] == door.seen


async def test_what_fails_beside_ends_the_opening() -> None:
    """At once: the door would never have opened."""
    door = Door()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise SourceError("the folder is wrong")

    with pytest.raises(SourceError, match="the folder is wrong"):
        async with opened(door.visit(), fail()):
            raise AssertionError
    assert ["knock", "close"] == door.seen


async def test_what_fails_in_the_moment_of_the_opening_is_told_inside() -> None:
    """The door is open by the time that the failure is heard of: nothing is to be given up."""
    door = Door()
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(str(context))
    )

    async def fail() -> None:
        await asyncio.sleep(0)
        door.let.set()
        raise SourceError("the folder is wrong")

    async with opened(door.visit(), fail()) as (_, reading):
        with pytest.raises(SourceError):
            await reading
    await asyncio.sleep(0)  # who was told of the failure too late has looked at it by then
    assert (["knock", "open", "close"], []) == (door.seen, complaints)


async def test_an_error_beside_counts_more_than_one_of_the_opening() -> None:
    """Whichever comes first: the same call gives the same error every time."""
    door = Door(DatabaseUnavailableError("no database"))

    async def fail() -> None:
        await asyncio.sleep(0)
        raise SourceError("the folder is wrong")

    with pytest.raises(SourceError, match="the folder is wrong"):
        async with opened(door.visit(), fail()):
            raise AssertionError


async def test_a_cancellation_ends_both() -> None:
    """And is passed on as it is."""
    door = Door()
    beside = asyncio.Event()

    async def read() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            beside.set()

    async def run() -> None:
        async with opened(door.visit(), read()):
            raise AssertionError

    task = asyncio.create_task(run())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (["knock", "close"], True) == (door.seen, beside.is_set())
