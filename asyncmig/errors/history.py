"""Errors about files and history that disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors.base import SHOWN, AsyncmigError, migrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.foreign import AdoptReport


class HistoryError(AsyncmigError):
    """The files and the history of the database disagree.

    Attributes:
        versions: The migrations concerned, as versions or ``R__name``.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        versions: Sequence[str] = (),
        file: str | None = None,
    ) -> None:
        first = versions[0] if versions else None
        super().__init__(message, hint=hint, version=first, file=file)
        self.versions = tuple(versions)


class ChangedMigrationError(HistoryError):
    """A file was edited after it had been applied."""

    def __init__(self, versions: Sequence[str], *, file: str | None) -> None:
        super().__init__(
            f"{migrations(versions)} no longer what was applied",
            hint=(
                "restore the file and write a new migration instead; if the change is harmless, "
                f"`asyncmig repair --accept {versions[0]}`"
            ),
            versions=versions,
            file=file,
        )


class MissingMigrationError(HistoryError):
    """A migration was applied, and its file is gone."""

    def __init__(self, versions: Sequence[str], *, hint: str = "") -> None:
        super().__init__(
            f"{migrations(versions)} applied, but the file is gone",
            hint=hint or f"restore the file, or `asyncmig repair --forget {versions[0]}`",
            versions=versions,
        )


class OutOfOrderError(HistoryError):
    """A pending migration is older than the newest applied one."""

    def __init__(self, versions: Sequence[str], *, newest: str, file: str | None) -> None:
        super().__init__(
            f"{migrations(versions)} pending below {newest}, which is applied already",
            hint="give the file a newer version, or allow it with --out-of-order apply",
            versions=versions,
            file=file,
        )


class IncompleteMigrationError(HistoryError):
    """A migration was begun and not finished, and only a person can tell how far it got."""

    def __init__(self, versions: Sequence[str], *, detail: str = "", hint: str = "") -> None:
        super().__init__(
            f"{migrations(versions)} begun but not finished{f': {detail}' if detail else ''}",
            hint=hint
            or (
                "look at the database, then say what is true: "
                f"`asyncmig repair --mark {versions[0]}` if its changes are there, "
                f"`asyncmig repair --forget {versions[0]}` if none of them is"
            ),
            versions=versions,
        )


class PendingMigrationsError(HistoryError):
    """The database is not current, and the caller asked that it be."""

    def __init__(self, versions: Sequence[str]) -> None:
        super().__init__(
            f"{migrations(versions)} pending",
            hint="run `asyncmig up` first",
            versions=versions,
        )


class HistoryNotEmptyError(HistoryError):
    """A baseline is for a database without history, and this one has one."""


class NoHistoryError(HistoryError):
    """The database has tables and no history: nothing tells which migrations are in it.

    Attributes:
        tables: The tables and views that are there, as far as they may be of any migration.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        more = f" and {len(tables) - SHOWN} more" if tables[SHOWN:] else ""
        super().__init__(
            f"the database has no history, but it is not empty: {', '.join(tables[:SHOWN])}{more}",
            hint=(
                "say which migrations are in it: --baseline none begins with the first file, "
                "--baseline VERSION (or latest) records that everything up to it is there and goes "
                "on behind it, and `asyncmig adopt` takes over the history of another tool"
            ),
        )
        self.tables = tuple(tables)


class HistoryElsewhereError(HistoryError):
    """There is no history where it should be, but there is one in another schema."""

    def __init__(self, *, expected: str, found: Sequence[str]) -> None:
        super().__init__(
            f"no history in {expected}, but there is one in {', '.join(found)}",
            hint=(
                f"say which one is meant with --schema {found[0].partition('.')[0]} "
                "(schema= in Python), or rename the other table"
            ),
        )


class ForeignHistoryError(HistoryError):
    """Another tool has migrated this database, and what it wrote down has to be dealt with first.

    Attributes:
        tool: The tool.
        table: Its table.
        adoption: What an adoption found that was refused; ``None`` when nobody asked for one.
    """

    def __init__(
        self,
        message: str,
        *,
        tool: str,
        table: str,
        hint: str = "",
        versions: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint=hint, versions=versions)
        self.tool = tool
        self.table = table
        self.adoption: AdoptReport | None = None


class HistoryFormatError(HistoryError):
    """The history table is of a format that this release does not know."""
