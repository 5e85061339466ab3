"""The error tree, and what every error carries."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import TYPE_CHECKING

import pytest

from asyncmig import errors
from asyncmig.errors import (
    AmbiguousFormatError,
    AsyncmigError,
    ChangedMigrationError,
    DirectConnectionRequiredError,
    DuplicateVersionError,
    ForeignHistoryError,
    HistoryElsewhereError,
    HistoryError,
    IncompleteMigrationError,
    LockPolicyError,
    LockTimeoutError,
    MigrationFailedError,
    MissingMigrationError,
    NoHistoryError,
    NoMigrationsError,
    OutOfOrderError,
    PendingMigrationsError,
    ReadOnlyDatabaseError,
    SingleTransactionError,
    SourceNotFoundError,
    TransactionLostError,
    UnknownVersionError,
)
from asyncmig.locks import LockReport
from asyncmig.migration import Direction
from tests.values import row, versioned

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AsyncmigError)
]
SENTENCE: dict[type[AsyncmigError], Callable[[], AsyncmigError]] = {
    DirectConnectionRequiredError: lambda: DirectConnectionRequiredError(version="3", file="f"),
    NoMigrationsError: lambda: NoMigrationsError("migrations"),
    AmbiguousFormatError: lambda: AmbiguousFormatError("migrations", ["flyway", "refinery"]),
    DuplicateVersionError: lambda: DuplicateVersionError("3", ["a", "b"]),
    ChangedMigrationError: lambda: ChangedMigrationError(["3"], file="f"),
    MissingMigrationError: lambda: MissingMigrationError(["3"]),
    OutOfOrderError: lambda: OutOfOrderError(["3"], newest="4", file="f"),
    IncompleteMigrationError: lambda: IncompleteMigrationError(["3"]),
    PendingMigrationsError: lambda: PendingMigrationsError(["3"]),
    NoHistoryError: lambda: NoHistoryError(["public.users"]),
    HistoryElsewhereError: lambda: HistoryElsewhereError(expected="a.h", found=["b.h"]),
    ForeignHistoryError: lambda: ForeignHistoryError(
        "it stopped", tool="goose", table="public.goose_db_version", hint="mend it"
    ),
    UnknownVersionError: lambda: UnknownVersionError("3", ["1"]),
    SingleTransactionError: lambda: SingleTransactionError("3", "f", "it is large"),
    LockTimeoutError: lambda: LockTimeoutError(waited=1.0),
    MigrationFailedError: lambda: MigrationFailedError(
        "it failed", version="3", direction=Direction.UP, file="f", hint="mend it"
    ),
    LockPolicyError: lambda: LockPolicyError(
        "it failed",
        version="3",
        direction=Direction.UP,
        file="f",
        hint="mend it",
        report=LockReport((), 0),
        violations=(),
    ),
    TransactionLostError: lambda: TransactionLostError(
        "it failed", version="3", direction=Direction.UP, file="f", hint="mend it"
    ),
}


def raised(error: type[AsyncmigError]) -> AsyncmigError:
    """Return an error of that class, with what its author would give it."""
    return SENTENCE[error]() if error in SENTENCE else error("it failed", hint="try again")


def pickled(error: AsyncmigError) -> AsyncmigError:
    """Return what another process gets of an error."""
    again: AsyncmigError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return again


def drawing(error: type[AsyncmigError] = AsyncmigError, indent: str = "") -> list[str]:
    """Return the tree of classes as the docstring draws it."""
    lines = [error.__name__]
    text = inspect.getdoc(errors) or ""
    children = [one for one in CLASSES if one.__bases__[0] is error]
    children.sort(key=lambda one: text.find(f"── {one.__name__}"))  # the order is free
    for child in children:
        last = child is children[-1]
        first, *rest = drawing(child, indent)
        lines.append(("└── " if last else "├── ") + first)
        lines += [("    " if last else "│   ") + line for line in rest]
    return lines


def drawn() -> list[tuple[str, str]]:
    """Return each line of the drawing in the docstring: the branch, and what stands beside it."""
    text = inspect.getdoc(errors) or ""
    block = text.partition(".. code-block:: text\n\n")[2].partition("\n\nEvery error")[0]
    lines = [line.removeprefix("    ") for line in block.splitlines()]
    pairs = [re.split(r"\s{2,}(?=\S)(?![│├└])", line.rstrip(), maxsplit=1) for line in lines]
    return [(_branch(line), line) for line, _ in zip(lines, pairs, strict=True)]


def _branch(line: str) -> str:
    return re.match(r"[│├└─ ]*\w+", line).group()  # type: ignore[union-attr]


def test_the_tree_is_drawn_as_it_is() -> None:
    """A class that is added, moved or removed must be so in the docstring as well."""
    assert drawing() == [branch for branch, _ in drawn()]


def test_a_builtin_base_is_drawn_beside_its_class() -> None:
    """So that `except TimeoutError` finds what one expects, and the docstring says so."""
    expected = {
        one.__name__: [base.__name__ for base in one.__bases__[1:]]
        for one in CLASSES
        if len(one.__bases__) > 1
    }
    found = {
        re.search(r"\w+", line).group(): re.findall(r"also (\w+)", line)  # type: ignore[union-attr]
        for _, line in drawn()
        if "also" in line
    }
    assert expected == found


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_of_the_tree_and_documented(error: type[Exception]) -> None:
    """One except clause catches them all; each says when it is raised."""
    assert issubclass(error, AsyncmigError)
    assert error.__name__.endswith("Error")
    assert "__doc__" in vars(error)
    assert error.__doc__


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_is_one_sentence_with_the_remedy_as_a_note(error: type[AsyncmigError]) -> None:
    """Whatever its builtin base makes of the arguments."""
    found = raised(error)
    assert found.message == str(found)
    assert found.hint
    assert [found.hint] == found.__notes__
    assert "\n" not in found.message


@pytest.mark.parametrize("error", CLASSES)
@pytest.mark.parametrize("again", [copy.copy, pickled])
def test_an_error_survives_a_copy_and_a_pickle(
    error: type[AsyncmigError], again: Callable[[AsyncmigError], AsyncmigError]
) -> None:
    """Process pools and task queues hand errors from one process to another."""
    told = raised(error)
    if isinstance(told, MigrationFailedError):
        told.after([row(1, versioned(1))])
    told.add_note("and what a caller has added")

    found = again(told)

    assert (type(told), told.args, str(told)) == (type(found), found.args, str(found))
    assert vars(told) == vars(found)
    assert [told.hint, "and what a caller has added"] == found.__notes__


def test_an_error_without_a_remedy_has_no_note() -> None:
    """An empty line under a traceback helps nobody."""
    assert not hasattr(AsyncmigError("it failed"), "__notes__")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, ""),
        ({"line": 3}, ""),
        ({"file": "a.sql"}, "a.sql"),
        ({"file": "a.sql", "line": 3}, "a.sql:3"),
        ({"file": "a.sql", "line": 3, "column": 7}, "a.sql:3:7"),
    ],
)
def test_the_location_is_what_an_editor_opens(place: dict[str, object], expected: str) -> None:
    """As far as it is known."""
    error = AsyncmigError("it failed", **place)  # type: ignore[arg-type]
    assert expected == error.location


def test_data_is_in_attributes() -> None:
    """A program never has to read the sentence."""
    failed = MigrationFailedError(
        "it failed",
        version="3",
        direction=Direction.DOWN,
        file="3.sql",
        line=1,
        column=2,
        sqlstate="42P01",
        statement="DROP",
        excerpt="1 | DROP",
    )
    assert ("3", "down", "3.sql:1:2", "42P01", "DROP", "1 | DROP", ()) == (
        failed.version,
        failed.direction,
        failed.location,
        failed.sqlstate,
        failed.statement,
        failed.excerpt,
        failed.applied,
    )
    failed.after([row(1, versioned(1))])
    assert (row(1, versioned(1)),) == failed.applied
    assert ("a", "b") == DuplicateVersionError("3", ["a", "b"]).paths
    assert ("3", ("3", "4")) == (
        HistoryError("x", versions=["3", "4"]).version,
        HistoryError("x", versions=["3", "4"]).versions,
    )
    assert (None, ()) == (HistoryError("x").version, HistoryError("x").versions)
    assert ("3", ("3",)) == (
        ReadOnlyDatabaseError("x", pending=["3"]).version,
        ReadOnlyDatabaseError("x", pending=["3"]).pending,
    )
    waited = LockTimeoutError(waited=1.25, holder="asyncmig/1 (pid 7)")
    assert (1.25, "asyncmig/1 (pid 7)") == (waited.waited, waited.holder)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            DirectConnectionRequiredError(version=None, file=None),
            "this run runs outside a transaction, which is not safe through a connection pooler",
        ),
        (NoMigrationsError("db/migrations"), "no migrations in db/migrations"),
        (DuplicateVersionError("3", ["a", "b"]), "version 3 is claimed by 2 files: a, b"),
        (ChangedMigrationError(["3"], file="f"), "migration 3 is no longer what was applied"),
        (
            MissingMigrationError(["3", "4"]),
            "migrations 3, 4 are applied, but the file is gone",
        ),
        (
            PendingMigrationsError(list("123456789A")),
            "migrations 1, 2, 3, 4, 5, 6, 7, 8 and 2 more are pending",
        ),
        (PendingMigrationsError(list("12345678")), "migrations 1, 2, 3, 4, 5, 6, 7, 8 are pending"),
        (
            IncompleteMigrationError(["3"], detail="it was killed"),
            "migration 3 is begun but not finished: it was killed",
        ),
        (
            HistoryElsewhereError(expected="public.h", found=["a.h", "b.h"]),
            "no history in public.h, but there is one in a.h, b.h",
        ),
        (UnknownVersionError("9", ["1", "2"]), "there is no version 9 (known: 1, 2)"),
        (
            UnknownVersionError("x", list("123456789")),
            "there is no version x (known: … 2, 3, 4, 5, 6, 7, 8, 9)",
        ),
        (UnknownVersionError("9", []), "there is no version 9"),
        (LockTimeoutError(waited=1.25), "another runner held the lock for more than 1.2 s"),
        (
            LockTimeoutError(waited=2, holder="pid 7"),
            "another runner held the lock for more than 2.0 s; held by pid 7",
        ),
        (SourceNotFoundError("there is no folder x"), "there is no folder x"),
    ],
)
def test_sentences_name_what_is_concerned(error: AsyncmigError, sentence: str) -> None:
    """Also when there is one of it, or a crowd."""
    assert sentence == str(error)
