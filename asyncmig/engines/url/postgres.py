"""A PostgreSQL URL: every key of its query understood, translated, or named in an error."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from asyncmig.engines.url.place import PLACE_KEYS, parse_place
from asyncmig.engines.url.postgres_keys import (
    DRIVER,
    HARMLESS,
    REFUSED,
    SERVER_SETTINGS,
    TRANSLATED,
)
from asyncmig.engines.url.query import ENCODE, number, one_of, parse_query, unknown_key
from asyncmig.engines.url.startup_options import parse_options
from asyncmig.engines.url.tls import parse_tls
from asyncmig.errors import DatabaseUrlError

if TYPE_CHECKING:
    from asyncmig.engines.url.split import SplitUrl

_KNOWN = [*PLACE_KEYS, *DRIVER, *TRANSLATED, *HARMLESS, *REFUSED, *SERVER_SETTINGS]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """What an engine needs to connect.

    Attributes:
        dsn: For ``asyncpg.connect``, with the password. What it does not say is left to asyncpg:
            the ``PG*`` variables, the files of passwords and services, the defaults.
        address: For people: user, hosts, ports and database; never a password.
        system_certificates: Connect with ``ssl=True``: the server's certificate is verified by
            those that the system trusts (which asyncpg can be told by no key of a URL).
        connect_timeout: Seconds to go on trying; infinite where the URL says 0, ``None`` where it
            says nothing.
        schema: The schema of the history table (Prisma's ``schema``).
        search_path: The ``search_path`` of the migrations, as SQL writes it. A ``schema`` without
            one is the search path too: that is what it means to Prisma.
        server_settings: To be SET once connected, for PgBouncer refuses most of them in the
            start-up packet. Names are in lower case; none is ``search_path``.
    """

    dsn: str = field(repr=False)
    address: str
    system_certificates: bool = False
    connect_timeout: float | None = None
    schema: str | None = None
    search_path: str | None = None
    server_settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def parse_postgres(url: SplitUrl) -> PostgresUrl:
    """Understand the parts of a PostgreSQL URL.

    Raises:
        DatabaseUrlError: There is something that cannot be understood, or cannot be had.
    """
    query = parse_query(url.query)
    place = parse_place(url, query)
    for key, value in query.items():
        _refuse_unless_understood(key, value, echo="@" not in url.query)
    tls, system_certificates = parse_tls(query)
    settings, options = _settings(query)
    search_path = settings.pop("search_path", "")
    schema = query.get("schema", "")
    return PostgresUrl(
        dsn=_dsn(place.query() | _driver(query) | tls | options),
        address=_address(place.address(), query.get("service", "")),
        system_certificates=system_certificates,
        connect_timeout=_connect_timeout(query),
        schema=schema or None,
        search_path=search_path or _as_identifier(schema) or None,
        server_settings=tuple(settings.items()),
    )


def _dsn(query: dict[str, str]) -> str:
    encoded = urlencode(query, quote_via=quote, safe="/")
    return f"postgresql://?{encoded}" if encoded else "postgresql://"


def _address(address: str, service: str) -> str:
    if not service:
        return address
    return f"{address}{'&' if '?' in address else '?'}service={quote(service, safe='')}"


def _refuse_unless_understood(key: str, value: str, *, echo: bool) -> None:
    """Refuse a key that means nothing, or means what cannot be had.

    With ``echo`` the key may be named. An ``@`` in the query makes it doubtful that this is one:
    a password with a question mark ends there.
    """
    if value and key in REFUSED and value.lower() not in HARMLESS.get(key, ()):
        raise DatabaseUrlError(f"the {key} in the database URL cannot be used", hint=REFUSED[key])
    if key in _KNOWN or key.lower() in SERVER_SETTINGS or (echo and "." in key):
        return
    if not echo:
        raise DatabaseUrlError("the database URL has an unknown key", hint=ENCODE)
    if key.startswith("x-"):
        raise DatabaseUrlError(
            f"the database URL has a {key}, which is for golang-migrate", hint="leave it out"
        )
    raise unknown_key(
        key, _KNOWN, hint="a setting of the server is written options=-c%20name%3Dvalue"
    )


def _driver(query: dict[str, str]) -> dict[str, str]:
    return {
        key: one_of(query, key, choices) if choices else query[key]
        for key, choices in DRIVER.items()
        if query.get(key)
    }


def _connect_timeout(query: dict[str, str]) -> float | None:
    seconds = number(query, "connect_timeout", unit="seconds")
    return math.inf if seconds == 0 else seconds


def _settings(query: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings to SET, and what of ``options`` has to go into the start-up packet."""
    settings, rest = parse_options(query.get("options", ""))
    own = {
        key.lower(): value
        for key, value in query.items()
        if value and (key.lower() in SERVER_SETTINGS or "." in key)
    }
    settings |= own
    fallback = settings.pop("fallback_application_name", "")
    if fallback:
        settings.setdefault("application_name", fallback)
    if search_path := query.get("search_path") or query.get("currentSchema"):
        settings["search_path"] = search_path
    return settings, {"options": rest} if rest else {}


def _as_identifier(schema: str) -> str:
    """Return the name as SQL writes it in a search path."""
    if not schema or re.fullmatch(r"[a-z_][a-z0-9_]*", schema):
        return schema
    return '"' + schema.replace('"', '""') + '"'
