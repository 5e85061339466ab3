"""The first look at a URL: which database it names, and what it is if it is no URL at all."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from asyncmig.engines.url.given import is_masked, masked
from asyncmig.errors import DatabaseUrlError

SUPPORTED = (
    "postgresql://user@host:5432/name, sqlite:///relative.db and sqlite:////absolute.db work"
)


class Dialect(enum.Enum):
    """Which database a URL names."""

    POSTGRES = "postgresql"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class SplitUrl:
    """A URL in its parts, still percent-encoded.

    Attributes:
        dialect: Which database.
        authority: Between ``//`` and the path: who and where.
        path: From its first slash; empty if there is none.
        query: After the question mark.
    """

    dialect: Dialect
    authority: str = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)


_SCHEME = re.compile(r"([a-z][a-z0-9._-]*)(?:\+([a-z0-9._-]+))?://", re.IGNORECASE)
_NAMES = {
    "postgresql": Dialect.POSTGRES,
    "postgres": Dialect.POSTGRES,
    "sqlite": Dialect.SQLITE,
}
# Schemes of other libraries, each with the name that is meant.
_MEANT = {
    "file": "sqlite",
    "pg": "postgresql",
    "pgsql": "postgresql",
    "pgx": "postgresql",
    "pgx5": "postgresql",
    "postgis": "postgresql",
    "psql": "postgresql",
    "spatialite": "sqlite",
    "timescale": "postgresql",
    "timescaledb": "postgresql",
}
# SQLAlchemy's drivers of SQLite that read plain files; others encrypt them, or are not SQLite.
_SQLITE_DRIVERS = {"", "aiosqlite", "pysqlite", "pysqlite_dollar", "pysqlite_numeric"}

# What is given in place of a URL: how to recognise it, what to say, what to do.
_NO_URL = (
    (
        r"",
        "the database URL is empty",
        "an environment variable, a secret or a setting may be missing",
    ),
    (
        r"\$.*|\{\{.*|<[^>]*>|%\w+%",
        "the database URL is a variable that nobody replaced by its value",
        "look at where it is set: within single quotes a shell replaces nothing",
    ),
    (
        r"(['\"]).*|.*['\"]",
        "the database URL has a quotation mark at its begin or end",
        "take the quotation marks away (docker's --env-file keeps them as part of the value)",
    ),
    (
        r"psql\s.*",
        "the database URL is a psql command",
        "keep only its postgresql:// part",
    ),
    (
        r"(export\s+)?[A-Za-z_]\w*\s*=\s*[a-z0-9+]+:/.*",
        "the database URL has the name of a variable in front",
        "keep only what follows the equals sign",
    ),
    (
        r"(host|hostaddr|port|dbname|user|password|service|sslmode)\s*=.*",
        "the database URL is a libpq connection string of key=value pairs",
        "write it as a URL: postgresql://user@host:5432/name?sslmode=require",
    ),
    (
        r"(jdbc|r2dbc):.*",
        "the database URL is in Java's form",
        "take jdbc: away, and write user and password in front of the host",
    ),
    (
        r"postgres(ql)?(\+\w+)?:.*",
        "the database URL lacks the two slashes after its scheme",
        "write postgresql://user@host:5432/name",
    ),
    (
        r"(sqlite3?(\+\w+)?|file):.*|:memory:",
        "the database URL is not in the form sqlite:///path",
        "write sqlite:///relative.db with three slashes, or sqlite:////absolute.db with four",
    ),
)
# A name that cannot be a secret, so that the hint may repeat it.
_FILE = r"[\w./\\-]+\.(db3?|sqlite3?|s3db)"


def split_url(text: str) -> SplitUrl:
    """Split a URL.

    Raises:
        DatabaseUrlError: It is none, or of a database that is not supported.
    """
    text = text.strip()
    _refuse_unprintable(text)
    if is_masked(text):
        raise masked()
    scheme = _SCHEME.match(text)
    if not scheme or text.endswith(("'", '"')):
        raise _no_url(text)
    dialect = _dialect(scheme[1].lower(), driver=(scheme[2] or "").lower())
    place, _, query = text[scheme.end() :].partition("?")
    authority, slash, path = place.partition("/")
    return SplitUrl(dialect, authority, slash + path, query)


def nearest(word: str, known: list[str]) -> str:
    """Return the known word that is most like the given one, empty if none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=0.7)), "")


def _dialect(name: str, *, driver: str) -> Dialect:
    dialect = _NAMES.get(name)
    if dialect is None:
        raise _no_dialect(name)
    if dialect is Dialect.SQLITE and driver not in _SQLITE_DRIVERS:
        raise DatabaseUrlError(
            f"asyncmig opens plain SQLite files, not those of sqlite+{driver}://", hint=SUPPORTED
        )
    return dialect


def _no_dialect(name: str) -> DatabaseUrlError:
    if meant := _MEANT.get(name) or nearest(name, list(_NAMES)):
        return DatabaseUrlError(
            f"a database URL does not begin with {name}://",
            hint=f"did you mean {_begin(_NAMES[meant])}?",
        )
    return DatabaseUrlError(
        f"asyncmig runs on PostgreSQL and SQLite, not on {name}://", hint=SUPPORTED
    )


def _begin(dialect: Dialect) -> str:
    return "postgresql://" if dialect is Dialect.POSTGRES else "sqlite:///"


def _refuse_unprintable(text: str) -> None:
    if text.isprintable():
        return
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise DatabaseUrlError(
            "the database URL has a line break or another control character in it",
            hint="write it on one line; in a password it is percent-encoded (%0A)",
        )
    if re.search(r"[\ud800-\udfff]", text):
        raise DatabaseUrlError(
            "the database URL is not in UTF-8", hint="percent-encode what is not ASCII"
        )


def _no_url(text: str) -> DatabaseUrlError:
    for form, message, hint in _NO_URL:
        if re.fullmatch(form, text, re.IGNORECASE):
            return DatabaseUrlError(message, hint=hint)
    if re.fullmatch(_FILE, text):
        return DatabaseUrlError(
            "the database URL is a path", hint=f"did you mean sqlite:///{text}?"
        )
    return DatabaseUrlError("the database URL does not begin with a scheme", hint=SUPPORTED)
