"""Importing in a thread what an event loop would wait for."""

from __future__ import annotations

import asyncio
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from asyncmig.importing import import_ahead, imported

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SLOW = """
import threading
from tests.test_importing import Gate

Gate.threads.append(threading.current_thread())
Gate.reached.set()
Gate.opened.wait({seconds})
DONE = True
"""
LONG = 10.0  # seconds
SOON = 0.1  # seconds, in which a thread that does not wait would be back


class Gate:
    """What a module waits at while it is being imported."""

    threads: list[threading.Thread]
    reached: threading.Event
    opened: threading.Event


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Yield the name of a module that nobody has imported, and that waits at the gate."""
    Gate.threads, Gate.reached, Gate.opened = [], threading.Event(), threading.Event()
    (tmp_path / "slow_module.py").write_text(SLOW.format(seconds=LONG))
    monkeypatch.syspath_prepend(tmp_path)
    yield "slow_module"
    Gate.opened.set()
    sys.modules.pop("slow_module", None)


async def test_the_loop_goes_on_while_a_thread_imports(slow: str) -> None:
    """Else everything else in it would stand still."""
    task = asyncio.create_task(imported(slow))
    await asyncio.to_thread(Gate.reached.wait, LONG)
    Gate.opened.set()
    await task

    assert [True] == [thread is not threading.main_thread() for thread in Gate.threads]


async def test_a_second_task_does_not_take_half_a_module(slow: str) -> None:
    """It waits for the thread of the first one, and not in the loop."""
    first = asyncio.create_task(imported(slow))
    await asyncio.to_thread(Gate.reached.wait, LONG)
    second = asyncio.create_task(imported(slow))
    too_early, _ = await asyncio.wait({second}, timeout=SOON)
    Gate.opened.set()
    await asyncio.gather(first, second)

    assert (set(), True, 1) == (too_early, import_module(slow).DONE, len(Gate.threads))


async def test_a_module_that_a_cancelled_task_wanted_is_waited_for_off_the_loop(slow: str) -> None:
    """The thread goes on with it, and the next task must neither meet half of it nor block."""
    first = asyncio.create_task(imported(slow))
    await asyncio.to_thread(Gate.reached.wait, LONG)
    first.cancel()
    await asyncio.wait({first})
    second = asyncio.create_task(imported(slow))
    too_early, _ = await asyncio.wait({second}, timeout=SOON)
    Gate.opened.set()
    await second

    assert (set(), True, 1) == (too_early, import_module(slow).DONE, len(Gate.threads))


def test_nothing_is_awaited_for_modules_that_are_there() -> None:
    """Every call after the first one takes this way."""
    with pytest.raises(StopIteration):
        imported("asyncmig", "asyncmig.importing").send(None)


async def test_what_cannot_be_imported_is_left_to_who_needs_it() -> None:
    """The error then names the place, and is that of an import statement."""
    await imported("asyncmig.no_such_module")

    assert "asyncmig.no_such_module" not in sys.modules


def test_outside_of_a_loop_modules_are_imported_at_once(slow: str) -> None:
    """An application that is being imported keeps nobody waiting."""
    Gate.opened.set()
    import_ahead(slow)

    assert [threading.current_thread()] == Gate.threads


async def test_in_a_loop_nothing_is_imported_ahead(slow: str) -> None:
    """There it is left to a thread."""
    import_ahead(slow)

    assert [] == Gate.threads
