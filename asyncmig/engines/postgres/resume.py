"""Where to go on with a script that stopped in the middle. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.engines.postgres.refusals import NOT_IN_TRANSACTION
from asyncmig.errors import IncompleteMigrationError
from asyncmig.history import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.statements import Unit
    from asyncmig.plan import Step
    from asyncmig.sql import Statement

_STATE = frozenset({"SET", "RESET", "LOAD"})
_SET_CONFIG = re.compile(r"SELECT\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(", re.IGNORECASE)
_MAKES_TEMPORARY = re.compile(r"CREATE (?:OR REPLACE )?(?:LOCAL |GLOBAL )?TEMP(?:ORARY)? ")
_REPEATABLE = frozenset({"VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "DISCARD"})
_MAY_COMMIT = frozenset({"CALL", "DO"})


def progress_of(step: Step) -> Progress:
    """Return how far an earlier run got."""
    resumed = None if step.resumes is None else step.resumes.progress
    return resumed or Progress()


def units_left(step: Step, units: Sequence[Unit]) -> Sequence[Unit]:
    """Return what is left to run. What is done must still stand at the start of the file.

    Raises:
        IncompleteMigrationError: The part of the file that was run has been changed, or has left
            something that was gone with its session.
    """
    before = progress_of(step)
    done, left = units[: len(before.done)], units[len(before.done) :]
    if tuple(unit.checksum for unit in done) != before.done:
        raise _incomplete(
            step, f"its first {len(before.done)} statements were run and have been changed since"
        )
    if before.started is not None and [unit.checksum for unit in left[:1]] != [before.started]:
        raise _incomplete(step, "the statement that it stopped in has been changed since")
    if left and any(_is_temporary(s) for unit in done for s in unit.statements):
        raise _incomplete(step, "the part that was run made something temporary, which is gone")
    return left


def refuse_progress(step: Step) -> None:
    """Refuse to run from its start what has run in part, when the file was of another kind.

    Raises:
        IncompleteMigrationError: Some of it has run already.
    """
    before = progress_of(step)
    if before.done or before.started:
        raise _incomplete(step, "it ran statement by statement, and the file no longer does")


def keeps_state(statement: Statement) -> bool:
    """Tell whether a statement set something for the session that the rest of the file needs."""
    if statement.words[1:2] == ("LOCAL",):
        return False
    return statement.words[0] in _STATE or _SET_CONFIG.match(statement.sql) is not None


def is_repeatable(statement: Statement) -> bool:
    """Tell whether a statement does no harm when it runs twice."""
    return statement.words[0] in _REPEATABLE


def may_commit(statement: Statement) -> bool:
    """Tell whether a statement may end transactions within, and so fail with a part of it done."""
    return statement.words[0] in _MAY_COMMIT


def wants_no_transaction(unit: Unit, sqlstate: str | None) -> bool:
    """Tell whether a unit was refused only because it ran inside of a transaction.

    Several statements are a ``BEGIN … COMMIT`` of the author's, whom the server has answered.
    ``SET TRANSACTION`` is refused with the same code when it comes too late.
    """
    (first, *others) = unit.statements
    return not others and first.words[0] != "SET" and sqlstate in NOT_IN_TRANSACTION


def in_doubt(step: Step, statement: Statement) -> IncompleteMigrationError:
    """Return the question for a statement that may or may not have been done."""
    return _incomplete(step, f"it stopped at `{' '.join(statement.sql.split())[:80]}`")


def _is_temporary(statement: Statement) -> bool:
    """Tell whether a statement makes a temporary table, view or sequence."""
    return _MAKES_TEMPORARY.match(" ".join(statement.words)) is not None


def _incomplete(step: Step, detail: str) -> IncompleteMigrationError:
    return IncompleteMigrationError([step.key], detail=detail)
