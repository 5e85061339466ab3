"""What asyncpg makes of a DSN: the oracle of the tests of PostgreSQL URLs."""

from __future__ import annotations

import os
from typing import Any, NamedTuple
from unittest import mock

from asyncpg import connect_utils

from asyncmig.engines.url import PostgresUrl, parse_database

# Nothing of this machine, such as its PG* variables or a ~/.pgpass, is to be seen.
ENVIRONMENT = {"PGUSER": "somebody", "PGDATABASE": "somewhere", "HOME": "/nonexistent"}
ARGUMENTS = (
    *("host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile"),
    *("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib"),
)


class Understood(NamedTuple):
    """Who and where."""

    addresses: list[Any]
    user: str
    password: str | None
    database: str


def postgres(url: object) -> PostgresUrl:
    """Return the URL parsed, which must be one of PostgreSQL."""
    parsed = parse_database(url)
    assert isinstance(parsed, PostgresUrl)
    return parsed


def ask_asyncpg(dsn: str, **environment: str) -> tuple[list[Any], Any]:
    """Return the addresses and the parameters that asyncpg would connect with."""
    with mock.patch.dict(os.environ, ENVIRONMENT | environment, clear=True):
        parse: Any = vars(connect_utils)["_parse_connect_dsn_and_args"]
        addresses, parameters = parse(dsn=dsn, **dict.fromkeys(ARGUMENTS))
    return addresses, parameters


def understood(dsn: str, **environment: str) -> Understood:
    """Return who and where asyncpg takes from a DSN."""
    addresses, parameters = ask_asyncpg(dsn, **environment)
    return Understood(addresses, parameters.user, parameters.password, parameters.database)
