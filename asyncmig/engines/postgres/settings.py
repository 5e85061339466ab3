"""The settings that a session or a transaction of ours runs with, as SQL.

Sources: PostgreSQL manual, "Client Connection Defaults" and "Connections and Authentication".
"""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.table import EQUALS, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.engines.postgres.server import Server
    from asyncmig.engines.settings import EngineSettings
    from asyncmig.migration import Limits, Script

_LONGEST = 2_147_483_647
"""Milliseconds; PostgreSQL keeps them in an int."""

IDLE_SECONDS = 60
"""How long our session may idle before the server ends it: a runner that is frozen or cut off does
not keep the lock."""

_DEAD_MAN = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "'2s'",  # since 14
    "idle_session_timeout": f"'{IDLE_SECONDS}s'",  # since 14
    "idle_in_transaction_session_timeout": f"'{IDLE_SECONDS}s'",
    "statement_timeout": "0",
    "transaction_timeout": "0",  # since 17
    "lock_timeout": "0",
}
_SINCE = {
    "client_connection_check_interval": 140000,
    "idle_session_timeout": 140000,
    "transaction_timeout": 170000,
}

UNWATCHED = "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0;"
"""For a connection that keeps a row locked: it idles in its transaction for as long as it takes."""

CHECK_DEFERRED = "SET CONSTRAINTS ALL IMMEDIATE;"
"""Check now what would be checked in COMMIT, where a failure has no name."""

DEFERRED_AGAIN = "SET CONSTRAINTS ALL DEFERRED;"
"""Undo :data:`CHECK_DEFERRED` for whoever comes next in the transaction, where that is a step of
its own: with :data:`IMMEDIATE_AT_FIRST` set back as well, constraints are as they are at BEGIN."""

IMMEDIATE_AT_FIRST = (
    "SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.conname) "
    "FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n "
    f"ON n.oid {EQUALS} c.connamespace WHERE c.condeferrable "
    "GROUP BY n.nspname, c.conname HAVING NOT pg_catalog.bool_or(c.condeferred)"
)
"""The constraints that are INITIALLY IMMEDIATE, and deferred where somebody says so."""

TIDY = (
    f"{CHECK_DEFERRED} RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; "
    "CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP;"
)
"""Undo what a file left on a connection of ours, before its COMMIT. Deferred constraints come
first, so that they are checked with the file's own settings. Never DISCARD ALL: it drops advisory
locks."""

OURSELVES = "SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE;"
"""Be who we connected as for the rest of a transaction, whoever the file is for its session."""


def dead_man_settings(server_version: int) -> list[str]:
    """Return the SETs for a connection of our own, direct to the server.

    With them a runner that is dead, cut off or frozen loses the lock within about a minute, and
    the statement that it had running does not commit behind its back.

    Args:
        server_version: As ``server_version_num``.
    """
    known = (name for name in _DEAD_MAN if server_version >= _SINCE.get(name, 0))
    return [f"SET {name} = {_DEAD_MAN[name]};" for name in known]


def asked_settings(asked: Mapping[str, str]) -> list[str]:
    """Return the SETs that a URL asks for; they have the last word."""
    return [setting(name, value, local=False) for name, value in asked.items()]


def stepwise_settings(settings: EngineSettings, script: Script, server_version: int) -> str:
    """Return the SETs for the session in which a script runs without a transaction.

    Args:
        settings: The time limits.
        script: What will run. A Python migration may take its time between two statements.
        server_version: As ``server_version_num``.
    """
    from asyncmig.engines.postgres.limits import limits_of

    limits = limits_of(settings, script)
    lines = [
        f"SET lock_timeout = {milliseconds(limits.lock_timeout)};",
        f"SET statement_timeout = {milliseconds(limits.statement_timeout)};",
    ]
    if server_version >= _SINCE["idle_session_timeout"]:
        idle = getattr(script, "idle_timeout", IDLE_SECONDS)
        lines.append(f"SET idle_session_timeout = {milliseconds(idle)};")
    if settings.search_path is not None:
        lines.append(setting("search_path", settings.search_path, local=False))
    return " ".join(lines)


def transaction_settings(
    settings: EngineSettings, script: Script, server: Server, asked: Mapping[str, str]
) -> str:
    """Return the SETs for one transaction. Nothing of them outlives it, through a pooler neither.

    What a session of our own has anyway is not set again. A Python migration may take its time
    between two statements, unless it says otherwise.

    Args:
        settings: The time limits.
        script: What will run.
        server: What it is sent to.
        asked: What the URL asks for; only the file itself has a later word.
    """
    from asyncmig.engines.postgres.limits import limits_of

    idle = getattr(script, "idle_timeout", IDLE_SECONDS)
    limits = limits_of(settings, script)
    statement, is_settled = milliseconds(limits.statement_timeout), bool(server.settings)
    lines = [f"SET LOCAL lock_timeout = {milliseconds(limits.lock_timeout)};"]
    if statement or not is_settled:
        lines.append(f"SET LOCAL statement_timeout = {statement};")
    if idle != IDLE_SECONDS or not is_settled:
        lines.append(f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds(idle)};")
    if server.version >= _SINCE["transaction_timeout"] and not is_settled:
        lines.append("SET LOCAL transaction_timeout = 0;")
    lines += [setting(name, value, local=True) for name, value in asked.items()]
    lines += [f"SET LOCAL {name} = {value};" for name, value in _said(script.limits)]
    if settings.search_path is not None:
        lines.append(setting("search_path", settings.search_path, local=True))
    return " ".join(lines)


def _said(limits: Limits) -> Iterator[tuple[str, int]]:
    """Yield the settings that a file asks for itself."""
    for name in ("lock_timeout", "statement_timeout"):
        seconds: float | None = getattr(limits, name)
        if seconds is not None:
            yield name, milliseconds(None if isinf(seconds) else seconds)


def setting(name: str, value: str, *, local: bool) -> str:
    """Return the SET of one setting, for the transaction or for the session."""
    kind = "true" if local else "false"
    return f"SELECT pg_catalog.set_config({literal(name)}, {literal(value)}, {kind});"


def milliseconds(seconds: float | None) -> int:
    """Return the time as PostgreSQL's settings want it; 0 is "no limit"."""
    return 0 if seconds is None else min(max(1, round(seconds * 1000)), _LONGEST)
