"""Where to go on with a script that stopped in the middle. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import IncompleteMigrationError
from asyncmig.history import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.engines.statements import Unit
    from asyncmig.plan import Step
    from asyncmig.sql import Statement

_ALONE = frozenset({"ATTACH", "DETACH", "PRAGMA", "VACUUM"})
_STATE = frozenset({"ATTACH", "DETACH", "PRAGMA"})
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})


def runs_alone(unit: Unit) -> bool:
    """Tell whether a unit is a statement that is refused, or ignored, inside a transaction."""
    return unit.autocommit or (len(unit.statements) == 1 and unit.statements[0].words[0] in _ALONE)


def keeps_state(statement: Statement) -> bool:
    """Tell whether a statement changes the session, so that it has to be repeated for the rest."""
    return statement.words[:1] != () and statement.words[0] in _STATE


def units_left(units: Sequence[Unit], step: Step) -> int:
    """Return how many units are still to be run.

    Raises:
        IncompleteMigrationError: What is finished is no longer what the file says, or cannot be
            gone on from.
    """
    progress = step.resumes.progress if step.resumes else None
    progress = progress or Progress()
    done = units[: len(progress.done)]
    if tuple(unit.checksum for unit in done) != progress.done:
        raise _incomplete(step, "the part of the file that has run already was changed")
    left = units[len(done) :]
    if progress.started is not None and [u.checksum for u in left[:1]] != [progress.started]:
        raise _incomplete(step, "the statement that it stopped in was changed")
    if left and any(_is_temporary(s) for unit in done for s in unit.statements):
        raise _incomplete(step, "the part that has run made something temporary, which is gone")
    return len(left)


def refuse_progress(step: Step) -> None:
    """Refuse to run from its start what has run in part, when the file was another kind of script.

    Raises:
        IncompleteMigrationError: Some of it has run already.
    """
    progress = step.resumes.progress if step.resumes else None
    if progress is not None and (progress.done or progress.started):
        raise _incomplete(step, "it ran statement by statement, and the file no longer does")


def _is_temporary(statement: Statement) -> bool:
    return statement.words[:1] == ("CREATE",) and bool(_TEMPORARY & set(statement.words[1:2]))


def _incomplete(step: Step, detail: str) -> IncompleteMigrationError:
    return IncompleteMigrationError([step.key], detail=detail)
