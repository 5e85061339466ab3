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
    │   ├── AmbiguousFormatError
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

from asyncmig.errors.base import AsyncmigError
from asyncmig.errors.call import (
    ConnectionInUseError,
    DatabaseUrlError,
    DirectConnectionRequiredError,
    IrreversibleMigrationError,
    SettingsError,
    SingleTransactionError,
    TargetError,
    UnknownVersionError,
)
from asyncmig.errors.database import (
    DatabaseAccessError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseUnavailableError,
    LockError,
    LockTimeoutError,
    ReadOnlyDatabaseError,
)
from asyncmig.errors.failure import LockPolicyError, MigrationFailedError, TransactionLostError
from asyncmig.errors.history import (
    ChangedMigrationError,
    ForeignHistoryError,
    HistoryElsewhereError,
    HistoryError,
    HistoryFormatError,
    HistoryNotEmptyError,
    IncompleteMigrationError,
    MissingMigrationError,
    NoHistoryError,
    OutOfOrderError,
    PendingMigrationsError,
)
from asyncmig.errors.source import (
    AmbiguousFormatError,
    DuplicateVersionError,
    InvalidMigrationError,
    NoMigrationsError,
    SourceError,
    SourceNotFoundError,
)

__all__ = [
    "AmbiguousFormatError",
    "AsyncmigError",
    "ChangedMigrationError",
    "ConnectionInUseError",
    "DatabaseAccessError",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "DatabaseUrlError",
    "DirectConnectionRequiredError",
    "DuplicateVersionError",
    "ForeignHistoryError",
    "HistoryElsewhereError",
    "HistoryError",
    "HistoryFormatError",
    "HistoryNotEmptyError",
    "IncompleteMigrationError",
    "InvalidMigrationError",
    "IrreversibleMigrationError",
    "LockError",
    "LockPolicyError",
    "LockTimeoutError",
    "MigrationFailedError",
    "MissingMigrationError",
    "NoHistoryError",
    "NoMigrationsError",
    "OutOfOrderError",
    "PendingMigrationsError",
    "ReadOnlyDatabaseError",
    "SettingsError",
    "SingleTransactionError",
    "SourceError",
    "SourceNotFoundError",
    "TargetError",
    "TransactionLostError",
    "UnknownVersionError",
]
