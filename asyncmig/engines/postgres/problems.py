"""Say what is wrong when no connection can be had, and whether waiting may help. Pure."""

from __future__ import annotations

import re
import ssl

from asyncmig.errors import (
    ConnectionInUseError,
    DatabaseAccessError,
    DatabaseUnavailableError,
    DatabaseUrlError,
)

_NOT_NOW = ("08", "53300", "57P01", "57P02", "57P03", "55000")
"""SQLSTATEs that a later attempt to connect may not meet: too many connections, starting up,
shutting down, a standby that is not promoted yet."""

_POOLER_SAYS_NO = r"no such (?:database|user)|auth.* failed|unsupported startup|SSL requ"
"""What PgBouncer refuses for good. It gives 08P01 to everything, a server that is down included."""

_HINTS = {
    "28P01": "check the password in the URL or in PGPASSWORD",
    "28000": "check the user, and the server's pg_hba.conf",
    "3D000": "create the database first: asyncmig creates tables, not databases",
}


def without_frames(error: BaseException) -> BaseException:
    """Return a driver's error, and all that is behind it, without the frames that it came through.

    The driver's variables hold the password there, and error trackers show the variables of every
    frame. Where in the driver it was says nothing that the words of the error do not.
    """
    behind: BaseException | None = error
    while behind is not None and behind.__traceback__ is not None:
        behind.__traceback__ = None
        behind = behind.__cause__ or behind.__context__
    return error


def connection_problem(error: BaseException, address: str) -> Exception:
    """Name what went wrong with connecting. Only an unavailable database is worth another try."""
    sqlstate = str(getattr(error, "sqlstate", None) or "")
    words = str(error) or type(error).__name__
    if sqlstate and (not sqlstate.startswith(_NOT_NOW) or re.search(_POOLER_SAYS_NO, words)):
        return DatabaseAccessError(f"{address} refused: {words}", hint=_HINTS.get(sqlstate, ""))
    if isinstance(error, ssl.SSLError) or "SSL upgrade" in words:
        message = f"{address} cannot be reached with TLS as asked for: {words}"
        return DatabaseAccessError(message, hint="check sslmode and the certificates")
    if isinstance(error, PermissionError) and error.filename:
        message = f"a file of the connection's TLS settings cannot be read: {error.filename}"
        return DatabaseAccessError(message, hint="set HOME, or sslmode=disable in the URL")
    if isinstance(error, ValueError):
        return DatabaseUrlError(f"the database URL cannot be used: {words}")
    if isinstance(error, TimeoutError):
        words = "it did not answer in time"
    hint = "is it running, and is this its address?"
    return DatabaseUnavailableError(f"{address} cannot be reached: {words}", hint=hint)


def pool_problem(error: BaseException, address: str, patience: float) -> Exception:
    """Name why an application's pool gave no connection within ``patience`` seconds."""
    if isinstance(error, TimeoutError):
        message = f"{address} had no free connection for {patience:g} s"
        hint = "give it one connection more than the application holds while it migrates"
        return DatabaseUnavailableError(message, hint=hint)
    if isinstance(error, OSError) or getattr(error, "sqlstate", None):
        return connection_problem(error, address)
    message = f"{address} cannot be used: {error}"
    return ConnectionInUseError(message, hint="migrate while the pool is open")
