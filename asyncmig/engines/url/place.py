"""Who and where: the user, the hosts and the database of a PostgreSQL URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from asyncmig.engines.url.given import is_masked, masked
from asyncmig.engines.url.query import ENCODE, decode, readable
from asyncmig.errors import DatabaseUrlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncmig.engines.url.split import SplitUrl

PLACE_KEYS = ("database", "dbname", "host", "password", "port", "user")
"""The keys of a query that say what usually stands before it."""

_LAST_PORT = 65535
_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]*))(?::([^\[\]]*))?")
_IN_NO_HOST = frozenset(",@<>{}$'\"\\")


@dataclass(frozen=True, slots=True)
class Host:
    """One address of a server.

    Attributes:
        name: A host name, an IP address, or the folder of a socket; empty for the default.
        port: ``None`` for the default.
    """

    name: str
    port: int | None = None

    @property
    def text(self) -> str:
        """The name as lists of hosts have it: IPv6 in brackets."""
        is_ipv6 = ":" in self.name and not self.is_socket
        return f"[{self.name}]" if is_ipv6 else self.name

    @property
    def is_socket(self) -> bool:
        """Whether it is the folder of a Unix socket."""
        return self.name.startswith("/")


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says about who and where; what is empty is left to ``PG*`` and to defaults.

    Attributes:
        user: The role.
        password: Its password.
        hosts: The servers to try in turn; a single one without a name carries a port alone.
        database: The name of the database.
    """

    user: str
    password: str = field(repr=False)
    hosts: tuple[Host, ...]
    database: str

    def query(self) -> dict[str, str]:
        """Return it as keys of a query.

        asyncpg reads these without the ambiguities of the part before the query: a socket with a
        port, an ``@`` in a password, several IPv6 addresses, an empty name of a database (which
        hides PGDATABASE from it).
        """
        pairs = {
            "host": ",".join(host.text for host in self.hosts),
            "port": _ports(self.hosts),
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
        }
        return {key: value for key, value in pairs.items() if value}

    def address(self) -> str:
        """Return it as a URL for people: without the password, one line, readable."""
        user = f"{readable(self.user)}@" if self.user else ""
        database = f"/{readable(self.database)}" if self.database else ""
        if any(host.is_socket for host in self.hosts):
            ports = _ports(self.hosts)
            folder = ",".join(readable(host.text, safe="/:[]") for host in self.hosts)
            return f"postgresql://{user}{database or '/'}?host={folder}" + (
                f"&port={ports}" if ports else ""
            )
        return f"postgresql://{user}{','.join(map(_shown, self.hosts))}{database}"


def parse_place(url: SplitUrl, query: Mapping[str, str]) -> Place:
    """Return what the URL says before its query and in it.

    Raises:
        DatabaseUrlError: Something is said twice, or cannot be what it should be.
    """
    _refuse_unencoded(url)
    login, _, hosts = url.authority.rpartition("@")
    user, _, password = login.partition(":")
    place = Place(
        user=_once("user", decode(user, part="user"), query.get("user", "")),
        password=_once("password", decode(password, part="password"), query.get("password", "")),
        hosts=_hosts(hosts, query),
        database=_once(
            "database",
            decode(url.path[1:], part="name of the database"),
            _once("database", query.get("dbname", ""), query.get("database", "")),
        ),
    )
    if is_masked(place.password):
        raise masked()
    if place.password.upper() == "[YOUR-PASSWORD]":
        raise DatabaseUrlError(
            "the database URL has [YOUR-PASSWORD] where the password should be",
            hint="replace it, brackets included, by the password",
        )
    return place


def _refuse_unencoded(url: SplitUrl) -> None:
    """Refuse what is, nearly always, a password with special characters in it.

    Cut at the wrong place, a part of that password would be taken for a host, a port or the name
    of a database, which are shown.
    """
    fragment = any("#" in part for part in (url.authority, url.path, url.query))
    if fragment or "@" in url.path:
        raise DatabaseUrlError(
            f"the database URL has {'a #' if fragment else 'an @'} where none can be", hint=ENCODE
        )


def _once(name: str, first: str, second: str) -> str:
    if first and second and first != second:
        raise _given_twice(name)
    return first or second


def _given_twice(name: str) -> DatabaseUrlError:
    return DatabaseUrlError(
        f"the database URL gives the {name} twice: in its query and elsewhere",
        hint="keep one of them",
    )


def _hosts(authority: str, query: Mapping[str, str]) -> tuple[Host, ...]:
    listed = query.get("host", "")
    if authority and listed:
        raise _given_twice("host")
    encoded = authority or ",".join(map(_encoded, listed.split(",") if listed else ()))
    hosts = tuple(_host(item) for item in encoded.split(",")) if encoded else ()
    if len(hosts) > 1 and not all(host.name for host in hosts):
        raise DatabaseUrlError(
            "the database URL has a list of hosts in which one is empty",
            hint="write host1:5432,host2:5432",
        )
    return _with_ports(hosts, query.get("port", ""))


def _encoded(host: str) -> str:
    """Return a host of the query as it would stand before the query."""
    return quote(host, safe="" if host.startswith("/") else "[]:")


def _host(text: str) -> Host:
    parts = _HOST.fullmatch(text)
    if not parts:
        raise _no_host("has brackets in the host that do not match")
    name = decode(parts[1] or parts[2] or "", part="host")
    if not _IN_NO_HOST.isdisjoint(name) or any(map(str.isspace, name)):
        raise _no_host("has a host with characters that no host name has")
    port = decode(parts[3] or "", part="port")
    if port.count(":"):
        raise _no_host("has more than one colon in the host")
    return Host(name, _port(port) if port else None)


def _no_host(what: str) -> DatabaseUrlError:
    return DatabaseUrlError(
        f"the database URL {what}", hint=f"IPv6 addresses stand in brackets: [::1]:5432; {ENCODE}"
    )


def _with_ports(hosts: tuple[Host, ...], text: str) -> tuple[Host, ...]:
    if not text:
        return hosts
    ports = [_port(port) for port in text.split(",")]
    hosts = hosts or (Host(""),)
    if any(host.port is not None for host in hosts):
        raise _given_twice("port")
    if len(ports) not in {1, len(hosts)}:
        raise DatabaseUrlError(
            f"the database URL has {len(ports)} ports for {len(hosts)} hosts",
            hint="give one port for all hosts, or one for each",
        )
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return tuple(Host(host.name, port) for host, port in zip(hosts, ports, strict=True))


def _port(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_LAST_PORT))
    if not is_number or not 0 < int(text) <= _LAST_PORT:
        # The number is not repeated: it may be the begin of a password.
        raise DatabaseUrlError(
            "the port in the database URL is not a number from 1 to 65535", hint=ENCODE
        )
    return int(text)


def _ports(hosts: Sequence[Host]) -> str:
    """Return the list of ports, empty if none is given, so that PGPORT is asked.

    In a list with gaps these are 5432 for libpq too, whatever PGPORT says.
    """
    if all(host.port is None for host in hosts):
        return ""
    return ",".join(str(host.port or 5432) for host in hosts)


def _shown(host: Host) -> str:
    name = readable(host.text, safe="[]:")
    return name if host.port is None else f"{name}:{host.port}"
