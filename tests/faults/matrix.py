"""The fault matrix as values: what was tried, what came of it, and the table that says so. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DECISIVE = re.compile(r"COMMIT\b|VACUUM\b|.*\bCONCURRENTLY\b", re.IGNORECASE | re.DOTALL)
"""Around these a fault decides between "not applied" and "applied"."""

_SHOWN = 60  # characters of what was said


class Fault(Enum):
    """What happens to the runner, or to its database, at one point of its run."""

    CUT_BEFORE = "connection cut before"
    CUT_AFTER = "connection cut after"
    CUT_WITHIN = "connection cut within"
    KILL = "runner killed"
    KILL_AFTER = "runner killed after"
    KILL_WITHIN = "runner killed within"
    TERMINATE = "backend terminated"
    TERMINATE_WITHIN = "backend terminated within"
    CANCEL = "task cancelled"
    CANCEL_WITHIN = "task cancelled within"
    RIVAL = "another runner"
    DISK_FULL = "disk full"
    IO_ERROR = "I/O error"
    BUSY = "database busy"


class Verdict(Enum):
    """How the database came to be right again."""

    RECOVERED = "recovered"
    """The next runner did what was left, by itself."""

    ASKED = "asked"
    """The next runner stopped with the documented question, and an answer made it right."""


class LostOrDoubledError(AssertionError):
    """A trial did not end as it must. The message names its point, what was said and the fault."""


def refuse_unless(condition: bool, message: str) -> None:  # noqa: FBT001 - like assert
    """Raise unless something holds.

    Raises:
        LostOrDoubledError: With that message.
    """
    if not condition:
        raise LostOrDoubledError(message)


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault at one point.

    Attributes:
        point: The position in the recording of the whole scenario, from 1.
        said: What the runner said there: a message to the server, or a statement.
        fault: What happened there.
        verdict: What came of it.
    """

    point: int
    said: str
    fault: Fault
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a matrix came to.

    Attributes:
        trials: Those that ended as they must.
        failures: A sentence for each that did not; empty when nothing was lost or doubled.
    """

    trials: tuple[Trial, ...]
    failures: tuple[str, ...]


def short(said: str) -> str:
    """Return the beginning of what was said, on one line."""
    line = " ".join(said.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def chosen(said: Sequence[str], every: int) -> tuple[int, ...]:
    """Choose the points to try: each nth, and always those around which a fault decides.

    Args:
        said: What the runner said at each point.
        every: 1 for every point.

    Returns:
        Positions in ``said``, from 0. The same recording gives the same choice.
    """
    decisive = {position for position, words in enumerate(said) if _DECISIVE.match(words)}
    around = {position + step for position in decisive for step in (-1, 0, 1)}
    return tuple(sorted({*range(0, len(said), every), *around} & set(range(len(said)))))


def shared_out(points: Sequence[int], faults: Sequence[Fault]) -> tuple[tuple[int, Fault], ...]:
    """Give each point one of the faults in turn, for a run that is bounded in time.

    The turn is that of the point itself, so that more points do not change who gets what.
    """
    return tuple((point, faults[point % len(faults)]) for point in points)


def table(trials: Iterable[Trial]) -> str:
    """Return a table with a line for each fault, and below it what was asked about."""
    tried = tuple(trials)
    counts = Counter((trial.fault, trial.verdict) for trial in tried)
    lines = [_row("fault", "points", *(verdict.value for verdict in Verdict))]
    for fault in Fault:
        found = [counts[fault, verdict] for verdict in Verdict]
        if any(found):
            lines.append(_row(fault.value, sum(found), *found))
    total = [sum(counts[fault, verdict] for fault in Fault) for verdict in Verdict]
    lines.append(_row("all", len(tried), *total))
    return "\n".join([*lines, *_questions(tried)])


def _row(fault: str, *cells: object) -> str:
    return f"{fault:<27}" + "".join(f"{cell!s:>11}" for cell in cells)


def _questions(trials: Sequence[Trial]) -> list[str]:
    asked: dict[str, set[int]] = {}
    for trial in trials:
        if trial.verdict is Verdict.ASKED:
            asked.setdefault(short(trial.said), set()).add(trial.point)
    return [f"asked at {_listed(points)}: {said}" for said, points in asked.items()]


def _listed(points: set[int]) -> str:
    return ", ".join(map(str, sorted(points)))
