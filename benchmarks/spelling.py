"""URLs as SQLAlchemy spells them; it is needed inside and outside of alembic's environment."""

from __future__ import annotations

import enum


class Template(enum.StrEnum):
    """What ``alembic init -t`` makes."""

    ASYNC = "async"
    GENERIC = "generic"


DRIVERS = {
    (Template.ASYNC, "postgresql"): "asyncpg",
    (Template.ASYNC, "sqlite"): "aiosqlite",
    (Template.GENERIC, "postgresql"): "psycopg",
    (Template.GENERIC, "sqlite"): "pysqlite",
}


def spelled(url: str, template: Template) -> str:
    """Return a URL with the driver in it, and with the driver's parameters."""
    dialect, rest = url.split("://", 1)
    driver = DRIVERS[template, dialect]
    rest = rest.replace("?sslmode=", "?ssl=") if driver == "asyncpg" else rest
    return f"{dialect}+{driver}://{rest}"
