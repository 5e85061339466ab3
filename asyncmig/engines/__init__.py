"""The databases. Each driver is imported in one module, and only when its database is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncmig.engines.base import Engine
    from asyncmig.engines.settings import EngineSettings

_POSTGRES = "asyncmig.engines.postgres"
_SQLITE = "asyncmig.engines.sqlite"
_URL = ("asyncmig.engines.url", "asyncmig.engines.url.sqlite_target")
_POSTGRES_URL = (*_URL, "asyncmig.engines.url.place", "asyncmig.engines.url.postgres", _POSTGRES)
_SQLITE_URL = (*_URL, "asyncmig.engines.url.sqlite", _SQLITE)


class SealedUrl(str):
    """A URL that ``repr()`` does not show.

    Error trackers and test runners show the variables of every frame of a traceback.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def open_engine(database: object, settings: EngineSettings) -> Engine:
    """Return the engine for a database. Nothing is connected yet.

    Args:
        database: A URL (a string, or a SQLAlchemy or pydantic URL object), or what an application
            has already: an ``asyncpg.Pool``, an ``asyncpg.Connection``, an
            ``aiosqlite.Connection``.
        settings: How to work with it.

    Raises:
        DatabaseUrlError: The URL cannot be understood.
    """
    given: Any = database
    match _package(database):
        case "asyncpg":
            from asyncmig.engines.postgres import PostgresEngine

            return PostgresEngine(given, settings)
        case "aiosqlite":
            from asyncmig.engines.sqlite import SqliteEngine

            return SqliteEngine(given, settings)
        case _:
            return _from_url(database, settings)


def sealed(database: object) -> object:
    """Return a URL as text that no ``repr()`` shows; what an application has already, as it is.

    Raises:
        DatabaseUrlError: It is neither.
    """
    if _package(database):
        return database
    if isinstance(database, str):  # as text_of() does; a start in the loop imports it in a thread
        return SealedUrl(str.__str__(database))
    from asyncmig.engines.url.given import text_of

    return SealedUrl(text_of(database))


def modules_of(database: object) -> tuple[str, ...]:
    """Return the modules that :func:`open_engine` needs for a database, to be imported ahead.

    At a glance: for what is no URL at all they may be the wrong ones, which does no harm.

    Args:
        database: As :func:`sealed` returns it.
    """
    match _package(database):
        case "asyncpg":
            return _POSTGRES, f"{_POSTGRES}.sources"
        case "aiosqlite":
            return _SQLITE, f"{_SQLITE}.access"
        case _:
            scheme = str(database).partition(":")[0]
            return _SQLITE_URL if "sqlite" in scheme.lower() else _POSTGRES_URL


def _from_url(database: object, settings: EngineSettings) -> Engine:
    from asyncmig.engines.url import SqliteTarget, parse_database

    target = parse_database(database)
    if isinstance(target, SqliteTarget):
        from asyncmig.engines.sqlite import SqliteEngine

        return SqliteEngine(target, settings)
    from asyncmig.engines.postgres import PostgresEngine

    return PostgresEngine(target, settings)


def _package(database: object) -> str:
    """Return the package that the object's class comes from, without importing any."""
    packages = {cls.__module__.partition(".")[0] for cls in type(database).__mro__}
    return next((name for name in ("asyncpg", "aiosqlite") if name in packages), "")
