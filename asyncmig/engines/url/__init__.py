"""From what users call a database URL to what the engines need. Nothing is connected or read.

Every way to a wrong URL ends in a :class:`~asyncmig.errors.DatabaseUrlError` that repeats nothing
which could be a part of a password: no value, and no text whose place in the URL is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.url.given import text_of
from asyncmig.engines.url.split import Dialect, split_url
from asyncmig.errors import DatabaseUrlError
from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.engines.url.postgres import PostgresUrl
    from asyncmig.engines.url.sqlite_target import SqliteTarget

__all__ = ["PostgresUrl", "SqliteTarget", "parse_database"]

__getattr__ = names_of(__name__, {"PostgresUrl": "postgres", "SqliteTarget": "sqlite_target"})


def parse_database(database: object) -> PostgresUrl | SqliteTarget:
    """Understand a database URL.

    Args:
        database: A string, a URL object of SQLAlchemy, pydantic, Starlette or yarl, or a secret
            of pydantic that holds one of them. White space around it is ignored: files of
            secrets end with a newline.

    Raises:
        DatabaseUrlError: It cannot be understood, or asks for what cannot be had.
    """
    try:
        url = split_url(text_of(database))
        match url.dialect:
            case Dialect.POSTGRES:
                from asyncmig.engines.url.postgres import parse_postgres

                return parse_postgres(url)
            case Dialect.SQLITE:
                from asyncmig.engines.url.sqlite import parse_sqlite

                return parse_sqlite(url)
    except DatabaseUrlError as error:
        # The variables here and where it was raised hold the password, or parts of it.
        del database
        error.__traceback__ = None
        raise
