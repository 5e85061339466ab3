"""Each error of the tree leaves with the code that the contract gives it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from asyncmig import errors
from asyncmig.cli.errors import NotConfirmedError, RunInterruptedError, UsageError
from asyncmig.cli.output.exit_codes import ExitCode, exit_code_of
from asyncmig.locks import LockReport
from asyncmig.migration import Direction

if TYPE_CHECKING:
    from asyncmig.errors import AsyncmigError

FAILED = {"version": "1", "direction": Direction.UP, "file": "1_a.sql"}

CODES: list[tuple[AsyncmigError, int]] = [
    (errors.AsyncmigError("m"), 1),
    (errors.SettingsError("m"), 2),
    (errors.DatabaseUrlError("m"), 2),
    (errors.ConnectionInUseError("m"), 2),
    (errors.DirectConnectionRequiredError(version="1", file="1_a.sql"), 2),
    (errors.SourceError("m"), 2),
    (errors.SourceNotFoundError("m"), 2),
    (errors.NoMigrationsError("migrations"), 2),
    (errors.AmbiguousFormatError("migrations", ["flyway", "refinery"]), 2),
    (errors.InvalidMigrationError("m"), 2),
    (errors.DuplicateVersionError("1", ["1_a.sql", "1_b.sql"]), 2),
    (errors.HistoryError("m"), 6),
    (errors.ChangedMigrationError(["1"], file="1_a.sql"), 6),
    (errors.MissingMigrationError(["1"]), 6),
    (errors.OutOfOrderError(["1"], newest="2", file="1_a.sql"), 6),
    (errors.IncompleteMigrationError(["1"]), 6),
    (errors.PendingMigrationsError(["1"]), 3),
    (errors.HistoryNotEmptyError("m"), 6),
    (errors.NoHistoryError(["public.users"]), 6),
    (errors.HistoryElsewhereError(expected="public.h", found=["ops.h"]), 6),
    (errors.ForeignHistoryError("m", tool="goose", table="public.goose_db_version"), 6),
    (errors.HistoryFormatError("m"), 6),
    (errors.TargetError("m"), 2),
    (errors.UnknownVersionError("9", ["1"]), 2),
    (errors.IrreversibleMigrationError("m"), 2),
    (errors.SingleTransactionError("3", "3.sql", "why"), 2),
    (errors.DatabaseError("m"), 5),
    (errors.DatabaseUnavailableError("m"), 5),
    (errors.DatabaseAccessError("m"), 5),
    (errors.DatabaseBusyError("m"), 5),
    (errors.ReadOnlyDatabaseError("m"), 7),
    (errors.LockError("m"), 4),
    (errors.LockTimeoutError(waited=1.0), 4),
    (errors.MigrationFailedError("m", **FAILED), 1),  # type: ignore[arg-type] # a mapping of both
    (errors.LockPolicyError("m", **FAILED, report=LockReport((), 0), violations=()), 1),  # type: ignore[arg-type] # as above
    (errors.TransactionLostError("m", **FAILED), 1),  # type: ignore[arg-type] # as above
    (UsageError("m"), 2),
    (NotConfirmedError("m"), 2),
    (RunInterruptedError(signal.SIGINT), 130),
    (RunInterruptedError(signal.SIGTERM), 143),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_an_error_leaves_with_its_code(error: AsyncmigError, code: int) -> None:
    """Programs rely on the number."""
    assert code == exit_code_of(error)


def test_the_table_above_knows_every_error() -> None:
    """A class that joins the tree gets a code on purpose."""
    tree = {name for name, value in vars(errors).items() if isinstance(value, type)}
    known = {type(error).__name__ for error, _ in CODES}

    assert {name for name in tree if name.endswith("Error")} <= known


def test_the_numbers_are_those_of_the_contract() -> None:
    """Renumbering breaks the programs of others."""
    expected = {
        "DONE": 0,
        "FAILED": 1,
        "WRONG": 2,
        "FOUND": 3,
        "LOCKED": 4,
        "UNREACHABLE": 5,
        "DISAGREE": 6,
        "READ_ONLY": 7,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
    assert expected == {code.name: code.value for code in ExitCode}
