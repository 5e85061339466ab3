"""Processes to throw away: forked from this one, which has imported everything already.

Only a process with a single thread may fork, and pytest has more: see :func:`apart`.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe, get_context
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from tests.faults.matrix import LostOrDoubledError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from typing import NoReturn

T = TypeVar("T")
P = ParamSpec("P")

SECONDS = 60.0
"""How long one process may take: far more than any needs, on a machine that is busy too."""

_GRACE = 2.0  # seconds for a thread that was told to end
NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """How a process ended.

    Attributes:
        answer: What its work returned; ``None`` when it was killed before that.
        exit_code: Of the process; negative for the signal that killed it.
        failure: The traceback of its work, if that raised.
    """

    answer: T | None
    exit_code: int
    failure: str = ""

    def result(self) -> T:
        """Return the answer.

        Raises:
            LostOrDoubledError: There is none.
        """
        if self.answer is None:
            raise LostOrDoubledError(self.failure or f"killed by {-self.exit_code}")
        return self.answer


class Fork(Generic[T]):
    """A forked process that does a piece of work and exits.

    Raises:
        RuntimeError: This process has several threads, of which a fork would keep only one.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        if left := threads_left():
            raise RuntimeError(f"several threads: {left}")
        self._here, there = Pipe(duplex=False)
        self._child = os.fork()
        if not self._child:
            _work_and_exit(work, there)
        there.close()

    def wait(self) -> Ended[T]:
        """Wait for its end. No process is left.

        Raises:
            LostOrDoubledError: It does not come to an end; it is killed.
        """
        with self._here:
            try:
                said = self._received()
            except LostOrDoubledError:
                os.kill(self._child, signal.SIGKILL)
                raise
            finally:
                _, status = os.waitpid(self._child, 0)
        exit_code = os.waitstatus_to_exitcode(status)
        return Ended(None, exit_code) if said is None else Ended(said[0], exit_code, said[1])

    def _received(self) -> tuple[T | None, str] | None:
        if not self._here.poll(SECONDS):
            raise LostOrDoubledError(f"the process does not end within {SECONDS:g} s")
        try:
            said: tuple[T | None, str] = self._here.recv()
        except EOFError:  # it was killed
            return None
        return said


def threads_left() -> list[str]:
    """Return the threads that do not come to an end. Those of a closed event loop do."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:
        thread.join(_GRACE)
    return [thread.name for thread in others if thread.is_alive()]


def forked(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Ended[T]:
    """Do a piece of work in a forked process, and wait for its end."""
    return Fork(partial(work, *args, **kwargs)).wait()


def together(works: Sequence[Callable[[], T]]) -> list[Ended[T]]:
    """Do each piece of work in a process of its own, all from the same moment on."""
    gate, opener = os.pipe()
    forks = [Fork(partial(_behind, gate, work)) for work in works]
    os.write(opener, bytes(len(works)))
    ended = [fork.wait() for fork in forks]
    os.close(gate)
    os.close(opener)
    return ended


def as_nobody(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Ended[T]:
    """Do a piece of work in a forked process that may do no more than its user may.

    Root ignores permissions, so its fork becomes another user. Whatever that one needs must be
    imported already: it may not be able to read this project.
    """

    def restricted() -> T:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return work(*args, **kwargs)

    return forked(restricted)


def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a piece of work in a new Python, which has a single thread and so may fork.

    Args:
        work: A function of a module.
        args: What can be pickled.
        kwargs: What can be pickled.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as python:
        return python.submit(work, *args, **kwargs).result()


def _behind(gate: int, work: Callable[[], T]) -> T:
    os.read(gate, 1)
    return work()


def _work_and_exit(work: Callable[[], object], there: Connection) -> NoReturn:
    try:
        there.send((work(), ""))
    except BaseException:  # noqa: BLE001 - whatever it is, it must not come back as a second parent
        there.send((None, traceback.format_exc()))
    finally:
        os._exit(0)
