"""Migrate where an ASGI application starts: one call, or a lifespan that wraps the app's own.

No framework is imported: a lifespan is a callable that takes the application and returns an async
context manager, which Starlette, FastAPI and Litestar agree on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Unpack

from asyncmig.engines import modules_of, sealed
from asyncmig.importing import import_ahead, imported

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable
    from importlib.resources.abc import Traversable

    from asyncmig.migrator import Migrator
    from asyncmig.options import Options
    from asyncmig.report import RunReport

    Then = Callable[[Any], AbstractAsyncContextManager[Any]]

_MIGRATOR = (
    "asyncmig.errors",
    "asyncmig.migration",
    "asyncmig.history",
    "asyncmig.request",
    "asyncmig.events",
    "asyncmig.migrator",
    "asyncmig.files",
    "asyncmig.run",
)
"""The migrator, with what it is about in front. ``asyncmig.migrate`` is often first named where it
is awaited, in an event loop."""

import_ahead(*_MIGRATOR)


async def migrate(
    database: object,
    source: str | os.PathLike[str] | Traversable = "migrations",
    **options: Unpack[Options],
) -> RunReport:
    """Apply everything that is pending: ``Migrator(database, source, **options).up()``.

    Args:
        database: As for :class:`~asyncmig.Migrator`.
        source: As for :class:`~asyncmig.Migrator`.
        options: The keywords of :class:`~asyncmig.Migrator`.

    Raises:
        AsyncmigError: See the tree in :mod:`asyncmig.errors`.
    """
    database = sealed(database)
    await imported(*_MIGRATOR, *modules_of(database))
    from asyncmig.migrator import Migrator

    migrator = Migrator(database, source, **options)
    del options  # error trackers show variables, and the direct URL may have a password
    return await migrator.up()


def lifespan(
    database: object,
    source: str | os.PathLike[str] | Traversable = "migrations",
    *,
    then: Then | None = None,
    background: bool = False,
    **options: Unpack[Options],
) -> Lifespan:
    """Return a lifespan that migrates before the application serves.

    ``FastAPI(lifespan=asyncmig.lifespan(url, then=my_lifespan))``

    Args:
        database: As for :class:`~asyncmig.Migrator`; or a Migrator, which is then used as it is.
        source: As for :class:`~asyncmig.Migrator`.
        then: The application's own lifespan, entered when the database is current. What it yields
            is passed on, and so are its errors.
        background: Serve at once and migrate meanwhile. Ask ``.migrator.ready`` in a readiness
            endpoint. ``then`` is entered at once, too.
        options: The keywords of :class:`~asyncmig.Migrator`.

    Raises:
        SettingsError: Options came together with a Migrator, which has its own.
    """
    from asyncmig.migrator import Migrator

    given = database if isinstance(database, Migrator) else None
    database = None if given else sealed(database)
    if given is not None and options:
        from asyncmig.errors import SettingsError

        raise SettingsError(
            f"a Migrator has options of its own, so {', '.join(options)} cannot be given beside it",
            hint="give them to the Migrator",
        )
    migrator = given or Migrator(database, source, **options)
    return Lifespan(migrator, then=then, background=background)


class Lifespan:
    """A lifespan that migrates; call it with the application, as the frameworks do.

    Args:
        migrator: What migrates.
        then: The application's own lifespan.
        background: Whether to serve while migrating.

    Attributes:
        migrator: What migrates; ``migrator.ready`` feeds a readiness endpoint.
        failure: Why the migration in the background failed; ``None`` when it did not.
    """

    def __init__(self, migrator: Migrator, *, then: Then | None, background: bool) -> None:
        self.migrator = migrator
        self.failure: Exception | None = None
        self._then = then
        self._background = background

    def __call__(self, app: object) -> AbstractAsyncContextManager[Any]:
        """Return the context manager that the framework enters at start-up."""
        return self._beside(app) if self._background else self._before(app)

    @asynccontextmanager
    async def _before(self, app: object) -> AsyncGenerator[Any]:
        await self.migrator.up()
        async with self._own(app) as state:
            yield state

    @asynccontextmanager
    async def _beside(self, app: object) -> AsyncGenerator[Any]:
        """Migrate in a task of its own; a shut-down cancels it, and waits for its clean-up.

        A task, not a task group: a group would wrap the application's own errors.
        """
        task = asyncio.create_task(self._up())
        try:
            async with self._own(app) as state:
                yield state
        finally:
            task.cancel()
            await asyncio.wait({task})  # `await task` could not tell our cancellation from its own

    async def _up(self) -> None:
        """Migrate and keep the error: the observer has told it, and ``ready`` stays false.

        Also one that is a bug: raised at shut-down it would hide the application's own error.
        """
        try:
            await self.migrator.up()
        except Exception as error:
            from asyncmig.errors import AsyncmigError

            self.failure = error
            if not isinstance(error, AsyncmigError):
                logging.getLogger("asyncmig").exception("the migration in the background broke")

    def _own(self, app: object) -> AbstractAsyncContextManager[Any]:
        return _nothing() if self._then is None else self._then(app)


@asynccontextmanager
async def _nothing() -> AsyncGenerator[None]:
    yield
