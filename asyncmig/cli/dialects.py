"""Which database the files are written for, when none is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from asyncmig.cli.parser import Parser
    from asyncmig.cli.settings import Settings


def add_dialect_option(parser: Parser) -> None:
    """Add the name of the dialect, for where no database is configured."""
    parser.add_argument(
        "--dialect",
        metavar="NAME",
        help="postgresql or sqlite (default: that of the configured database)",
    )


def require_dialect(settings: Settings) -> Dialect:
    """Return the dialect that is set, or else that of the configured database.

    Raises:
        SettingsError: Neither is there, or the database's URL cannot be understood.
    """
    if settings.dialect is not None:
        return settings.dialect
    if not settings.database:
        raise SettingsError(
            "no database is named, so it is not known what the files are written in",
            hint="say --dialect postgresql or --dialect sqlite, or write dialect = … into "
            "[tool.asyncmig]",
        )
    from asyncmig.engines.url import SqliteTarget, parse_database

    target = parse_database(settings.database)
    return Dialect.SQLITE if isinstance(target, SqliteTarget) else Dialect.POSTGRESQL
