"""The errors, as one tree whose branches say who must act.

.. code-block:: text

    AsyncmigError
    ├── SettingsError                    the call or the configuration
    │   ├── DatabaseUrlError
    │   ├── ConnectionInUseError         also RuntimeError
    │   └── DirectConnectionRequiredError
    ├── SourceError                      the migration files; no database was touched
    │   ├── SourceNotFoundError          also FileNotFoundError
    │   ├── NoMigrationsError
    │   ├── InvalidMigrationError
    │   └── DuplicateVersionError
    ├── HistoryError                     files and history disagree
    │   ├── ChangedMigrationError
    │   ├── MissingMigrationError
    │   ├── OutOfOrderError
    │   ├── IncompleteMigrationError
    │   ├── PendingMigrationsError
    │   ├── HistoryNotEmptyError
    │   ├── NoHistoryError
    │   ├── HistoryElsewhereError
    │   ├── ForeignHistoryError
    │   └── HistoryFormatError
    ├── TargetError                      what was asked for
    │   ├── UnknownVersionError          also LookupError
    │   ├── IrreversibleMigrationError
    │   └── SingleTransactionError
    ├── DatabaseError                    the database
    │   ├── DatabaseUnavailableError     also ConnectionError
    │   ├── DatabaseAccessError          also PermissionError
    │   ├── DatabaseBusyError            also TimeoutError
    │   └── ReadOnlyDatabaseError
    ├── LockError                        another runner
    │   └── LockTimeoutError             also TimeoutError
    └── MigrationFailedError             the author of the migration
        ├── LockPolicyError
        └── TransactionLostError

Every error carries data in attributes, one sentence as its message, and the remedy as a note.
The driver's own error is the ``__cause__``. Cancellation is never wrapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.blocker import Blocker
    from asyncmig.foreign import AdoptReport
    from asyncmig.history import HistoryEntry
    from asyncmig.locks import LockReport, Violation
    from asyncmig.migration import Direction

_SHOWN = 8
"""How many versions a message lists at most."""


class AsyncmigError(Exception):
    """Everything that asyncmig raises on purpose.

    Attributes:
        message: One sentence: what, and where.
        hint: What to do next; also attached as a note. Empty when there is nothing to say.
        version: The migration it is about, as its version or ``R__name``, if it is about one.
        file: The file it is about, if it is about one.
        line: The line in that file, 1-based, where it is known.
        column: The column in that line, 1-based and in characters, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        version: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.version = version
        self.file = file
        self.line = line
        self.column = column
        if hint:
            self.add_note(hint)

    def __reduce__(self) -> tuple[object, ...]:
        """Be copied and pickled with every attribute: process pools and queues hand errors on."""
        return type(self).__new__, (type(self),), {**self.__dict__, "args": self.args}

    def __str__(self) -> str:
        """Return the sentence (a builtin base may spell its arguments otherwise)."""
        return self.message

    @property
    def location(self) -> str:
        """``file:line:column`` as far as it is known, empty when nothing is."""
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None) if self.file else ""


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


class SourceError(AsyncmigError):
    """The migration files are wrong. No database was touched."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """There is no such folder or package."""


class NoMigrationsError(SourceError):
    """The folder has no migration in it, which never is what a deploy wants."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"no migrations in {location}",
            hint="write the first one with `asyncmig new NAME`, or name another --source",
            file=location,
        )


class InvalidMigrationError(SourceError):
    """A file cannot be read as a migration."""


class DuplicateVersionError(SourceError):
    """Two files claim one version, or two repeatables one name.

    Attributes:
        paths: The files.
    """

    def __init__(self, version: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"version {version} is claimed by {len(paths)} files: {', '.join(paths)}",
            hint="give all but one of them a version of its own; the halves of a pair end in "
            ".up.sql and .down.sql",
            version=version,
            file=paths[-1],
        )
        self.paths = tuple(paths)


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
            f"{_migrations(versions)} no longer what was applied",
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
            f"{_migrations(versions)} applied, but the file is gone",
            hint=hint or f"restore the file, or `asyncmig repair --forget {versions[0]}`",
            versions=versions,
        )


class OutOfOrderError(HistoryError):
    """A pending migration is older than the newest applied one."""

    def __init__(self, versions: Sequence[str], *, newest: str, file: str | None) -> None:
        super().__init__(
            f"{_migrations(versions)} pending below {newest}, which is applied already",
            hint="give the file a newer version, or allow it with --out-of-order apply",
            versions=versions,
            file=file,
        )


class IncompleteMigrationError(HistoryError):
    """A migration was begun and not finished, and only a person can tell how far it got."""

    def __init__(self, versions: Sequence[str], *, detail: str = "", hint: str = "") -> None:
        super().__init__(
            f"{_migrations(versions)} begun but not finished{f': {detail}' if detail else ''}",
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
            f"{_migrations(versions)} pending",
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
        more = f" and {len(tables) - _SHOWN} more" if tables[_SHOWN:] else ""
        super().__init__(
            f"the database has no history, but it is not empty: {', '.join(tables[:_SHOWN])}{more}",
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


class TargetError(AsyncmigError):
    """What was asked for cannot be reached."""


class UnknownVersionError(TargetError, LookupError):
    """Nobody knows the version that was named.

    Attributes:
        known: The versions that exist.
    """

    def __init__(self, version: str, known: Sequence[str], *, hint: str = "") -> None:
        more = "… " if known[:-_SHOWN] else ""
        listed = f" (known: {more}{', '.join(known[-_SHOWN:])})" if known else ""
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


class DatabaseError(AsyncmigError):
    """The database does not do what is needed."""


class DatabaseUnavailableError(DatabaseError, ConnectionError):
    """The database cannot be reached, or the connection was lost."""


class DatabaseAccessError(DatabaseError, PermissionError):
    """The database was reached and said no: password, name, permission, or no database at all."""


class DatabaseBusyError(DatabaseError, TimeoutError):
    """Somebody else held the SQLite database for longer than the budget."""


class ReadOnlyDatabaseError(DatabaseError):
    """There are pending migrations, and nothing can be written here.

    Attributes:
        pending: The versions that are pending.
    """

    def __init__(self, message: str, *, pending: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint, version=pending[0] if pending else None)
        self.pending = tuple(pending)


class LockError(AsyncmigError):
    """Another runner is in the way."""


class LockTimeoutError(LockError, TimeoutError):
    """Another runner held the lock for longer than ``wait_timeout``.

    Attributes:
        waited: How long this runner waited, in seconds.
        holder: Who held the lock, as far as the database tells; empty when it does not.
    """

    def __init__(self, *, waited: float, holder: str = "") -> None:
        who = f"; held by {holder}" if holder else ""
        super().__init__(
            f"another runner held the lock for more than {waited:.1f} s{who}",
            hint="wait longer with --wait-timeout, or look at what the other runner is doing",
        )
        self.waited = waited
        self.holder = holder


class MigrationFailedError(AsyncmigError):
    """A migration failed. What it did inside its transaction is rolled back.

    Attributes:
        direction: Up or down.
        sqlstate: PostgreSQL's five-character code; ``None`` where there is none.
        statement: The statement that failed; empty when it was not SQL.
        excerpt: The line of the file with a caret under the column, for people; may be empty.
        applied: What this run had done before, in order.
        rolled_back: The versions that were rolled back with it, in order: they had run before it
            in a single transaction.
        blockers: Who held the lock that it waited for, as far as that was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        version: str,
        direction: Direction,
        file: str,
        line: int | None = None,
        column: int | None = None,
        sqlstate: str | None = None,
        statement: str = "",
        excerpt: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint, version=version, file=file, line=line, column=column)
        self.direction = direction
        self.sqlstate = sqlstate
        self.statement = statement
        self.excerpt = excerpt
        self.applied: tuple[HistoryEntry, ...] = ()
        self.rolled_back: tuple[str, ...] = ()
        self.blockers: tuple[Blocker, ...] = ()

    def after(self, applied: Sequence[HistoryEntry]) -> None:
        """Remember what the run had done before it failed."""
        self.applied = tuple(applied)

    def along_with(self, versions: Sequence[str]) -> None:
        """Remember, and say in a note, what was rolled back with it."""
        self.rolled_back = tuple(versions)
        if versions:
            self.add_note(f"rolled back with it: {', '.join(versions)}")


class LockPolicyError(MigrationFailedError):
    """A migration locked, rewrote or scanned what it must not (``fail_on``); it is rolled back.

    Attributes:
        report: All that it locked, rewrote and scanned.
        violations: What of that is against the policy, worst first.
    """

    def __init__(
        self,
        message: str,
        *,
        version: str,
        direction: Direction,
        file: str,
        report: LockReport,
        violations: tuple[Violation, ...],
        line: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(
            message, version=version, direction=direction, file=file, line=line, hint=hint
        )
        self.report = report
        self.violations = violations


class TransactionLostError(MigrationFailedError):
    """The migration ended the transaction that it ran in, so it may be half done."""


def _migrations(versions: Sequence[str]) -> str:
    """Return ``migration 3 is`` or ``migrations 3, 4 are``, for the start of a sentence."""
    if len(versions) == 1:
        return f"migration {versions[0]} is"
    more = f" and {len(versions) - _SHOWN} more" if versions[_SHOWN:] else ""
    return f"migrations {', '.join(versions[:_SHOWN])}{more} are"
