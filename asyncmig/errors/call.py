"""Errors of whoever calls: the settings, and what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors.base import SHOWN, AsyncmigError

if TYPE_CHECKING:
    from collections.abc import Sequence


class SettingsError(AsyncmigError):
    """The call or the configuration cannot work as it is."""


class DatabaseUrlError(SettingsError):
    """The database URL cannot be understood."""


class ConnectionInUseError(SettingsError, RuntimeError):
    """The connection that was handed over is inside a transaction, or closed."""


class DirectConnectionRequiredError(SettingsError):
    """A connection pooler stands between, and this migration needs the server itself."""

    def __init__(self, *, version: str | None, file: str | None) -> None:
        what = f"migration {version}" if version else "this run"
        super().__init__(
            f"{what} runs outside a transaction, which is not safe through a connection pooler",
            hint="give the server's own address with --direct-url (direct_url= in Python)",
            version=version,
            file=file,
        )


class TargetError(AsyncmigError):
    """What was asked for cannot be reached."""


class UnknownVersionError(TargetError, LookupError):
    """Nobody knows the version that was named.

    Attributes:
        known: The versions that exist.
    """

    def __init__(self, version: str, known: Sequence[str], *, hint: str = "") -> None:
        more = "… " if known[:-SHOWN] else ""
        listed = f" (known: {more}{', '.join(known[-SHOWN:])})" if known else ""
        super().__init__(
            f"there is no version {version}{listed}",
            hint=hint or "`asyncmig status` lists them all",
            version=version,
        )
        self.known = tuple(known)


class IrreversibleMigrationError(TargetError):
    """There is nothing to go down with."""


class SingleTransactionError(TargetError):
    """Something that is pending cannot run in a transaction with the others."""

    def __init__(self, version: str, file: str, why: str) -> None:
        super().__init__(
            f"migration {version} cannot be part of a single transaction: {why} ({file})",
            hint="leave out --single-transaction (single_transaction= in Python), or stop in front "
            "of it with --to",
            version=version,
            file=file,
        )
