"""How a PostgreSQL URL asks for encryption: one meaning, spelled differently by each library."""

from __future__ import annotations

from typing import Final

from asyncmig.engines.url.given import is_masked, masked
from asyncmig.engines.url.query import one_of
from asyncmig.errors import DatabaseUrlError

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
TLS_VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_SYSTEM = "system"
# What `ssl` may be: asyncpg's and SQLAlchemy's modes, and what booleans mean to asyncpg.
_SSL = {mode: mode for mode in SSL_MODES} | {
    "0": "disable",
    "1": _SYSTEM,
    "false": "disable",
    "no-verify": "require",
    "true": _SYSTEM,
}
# What asyncpg reads from a URL only while it makes the TLS context itself.
_OF_ITS_OWN_CONTEXT = (
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslkey",
)


def parse_tls(query: dict[str, str]) -> tuple[dict[str, str], bool]:
    """Return the keys for asyncpg, and whether the system's certificates verify the server.

    ``ssl=true`` means the latter to asyncpg. libpq spells it ``sslrootcert=system``, and with it
    has no mode weaker than verify-full.

    Raises:
        DatabaseUrlError: The keys contradict each other, or ask for what asyncpg cannot do.
    """
    ssl = _SSL.get(one_of(query, "ssl", tuple(_SSL)), "")
    mode = one_of(query, "sslmode", SSL_MODES)
    root = query.get("sslrootcert", "")
    if ssl == _SYSTEM and root:
        ssl = "verify-full"
    if ssl and mode and ssl != mode:
        raise DatabaseUrlError(
            "the ssl and the sslmode of the database URL disagree", hint="keep sslmode"
        )
    if is_masked(query.get("sslpassword", "")):
        raise masked()
    mode = mode or ssl
    if _SYSTEM in {mode, root}:
        return {}, _system_certificates(query, mode)
    keys = {"sslmode": mode, "sslrootcert": root}
    return {key: value for key, value in keys.items() if value}, False


def _system_certificates(query: dict[str, str], mode: str) -> bool:
    if mode not in {"", _SYSTEM, "verify-full"}:
        raise DatabaseUrlError(
            "with sslrootcert=system the sslmode of a database URL can be verify-full only",
            hint="write sslmode=verify-full",
        )
    if others := [key for key in _OF_ITS_OWN_CONTEXT if query.get(key)]:
        raise DatabaseUrlError(
            f"asyncpg cannot have {others[0]} together with the certificates of the system",
            hint="name the file of the certificates: sslmode=verify-full&sslrootcert=…",
        )
    return True
