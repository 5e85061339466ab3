"""Import what has been put off in a thread, so that the event loop goes on meanwhile.

The first call of a process would else hold up everything in the loop for as long as it takes to
load what it needs, a tenth of a second and more on a busy machine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from importlib import import_module

ANYIO_BACKEND = ("anyio.streams.tls", "anyio.streams.memory", "anyio._backends._asyncio")
"""What anyio imports by itself when it is first awaited, in the loop. The last has no other name,
and one that a later release does not have does no harm."""

RUN = ("asyncmig.sources.checksums", "asyncmig.files", "asyncmig.glance", "asyncmig.run")
HISTORY = ("asyncmig.history.entry", "asyncmig.history.history")
LOOKING = ("asyncmig.status", "asyncmig.plan", "asyncmig.looking")
WAITING = ("asyncmig.engines.base.session",)
SETTLING = (*ANYIO_BACKEND, *WAITING, "asyncmig.status", "asyncmig.repair", "asyncmig.settlement")
TRACING = (*ANYIO_BACKEND, *LOOKING, *WAITING, "asyncmig.tracing")
ADOPTING = (
    *ANYIO_BACKEND,
    *LOOKING,
    *WAITING,
    "asyncmig.adopt.tools",
    "asyncmig.adopt.matching",
    "asyncmig.adoption",
)
FIRST_RUN = ("asyncmig.status", "asyncmig.plan", "asyncmig.repair", "asyncmig.first_run")
"""What the calls of a migrator need, apart from a driver."""

_BREATH = 1e-5
"""Seconds, at least, between two modules. A thread that does not pause gives the interpreter away
every 5 ms (``sys.getswitchinterval()``), and on a busy machine it may be put aside while it has
it."""


async def imported(*modules: str) -> None:
    """Import modules off the event loop; when they are there already, nothing is awaited.

    Whoever imports them after that finds them. One that cannot be imported is left to that import
    statement, which has the error where it belongs.

    Args:
        modules: Their full names. Where there are many behind one, name some of those first: the
            thread pauses after each.
    """
    if not all(map(_is_there, modules)):
        await asyncio.to_thread(import_gently, *modules)


def import_gently(*modules: str) -> None:
    """Do what :func:`imported` does; for what runs in a thread anyway."""
    for name in modules:
        if not _is_there(name):
            _import(name)
            time.sleep(_BREATH)


def import_ahead(*modules: str) -> None:
    """Import modules at once where nobody waits: while an application is itself being imported.

    In an event loop nothing is done: there they are left to :func:`imported`.
    """
    if not _is_in_loop():
        for name in modules:
            _import(name)


def _import(name: str) -> None:
    with suppress(ImportError):
        import_module(name)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_there(name: str) -> bool:
    """Tell whether a module is there, and not just being imported by the thread of another task.

    The attribute is what an import statement itself looks at before it waits for that thread.
    """
    module = sys.modules.get(name)
    return module is not None and not getattr(module.__spec__, "_initializing", False)
