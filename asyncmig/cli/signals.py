"""Run a coroutine to its end, or to the end that SIGINT or SIGTERM makes of it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from asyncmig.cli.errors import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Mapping
    from types import FrameType

    Handler = Callable[[int, FrameType | None], Any] | signal.Handlers

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(work: Coroutine[Any, Any, Result], *, give_up: Callable[[int], None]) -> Result:
    """Run the coroutine in an event loop of its own.

    The first signal cancels it, and its clean-up is waited for: that is bounded by the engines. The
    second ends the process at once. These are signal handlers of the interpreter and not of the
    loop, so that the second one works even while a migration blocks the loop.

    Args:
        work: What to run.
        give_up: Called with the number of the second signal, for the last words.

    Raises:
        RunInterruptedError: A signal cancelled it.
    """
    received: list[int] = []
    # Not what the task returns: asyncio looks at the handler of SIGINT when the task is done, and
    # the signal module spells that out, with the task and all of its result, to tell it is no enum.
    results: list[Result] = []

    async def cancellable() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def on_signal(number: int, _frame: FrameType | None) -> None:
            if received:
                give_up(number)
                os._exit(128 + number)
            received.append(number)
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        with _handled(dict.fromkeys(_SIGNALS, on_signal)):
            results.append(await work)

    try:
        with asyncio.Runner() as runner:
            runner.run(cancellable())
    except asyncio.CancelledError:
        if not received:
            raise
        raise RunInterruptedError(received[0]) from None
    return results[0]


@contextmanager
def at_once() -> Generator[None]:
    """Let a signal end the command where it is: nothing runs while a question is asked."""
    with _handled({signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}):
        yield


@contextmanager
def _handled(handlers: Mapping[signal.Signals, Handler]) -> Generator[None]:
    """Have the signals handled, and put back who handled them before."""
    if threading.current_thread() is not threading.main_thread():  # only there it is possible
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
