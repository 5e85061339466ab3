"""Tables for people: columns that line up, nothing else."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from asyncmig.cli.output.console import Paint
from asyncmig.history import Problem, State
from asyncmig.migration import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asyncmig.cli.output.console import Stream
    from asyncmig.history import HistoryEntry, MigrationStatus
    from asyncmig.plan import Step

_COLOURS = {
    State.APPLIED: Paint.GREEN,
    State.PENDING: Paint.YELLOW,
    State.FAILED: Paint.RED,
    State.APPLYING: Paint.YELLOW,
    State.MISSING: Paint.RED,
}
_ADVICE = {
    Problem.CHANGED: "the file was edited after it had been applied: restore it, or "
    "`asyncmig repair --accept VERSION` if the change is harmless",
    Problem.OUT_OF_ORDER: "pending below a version that is applied: give the file a newer version, "
    "or allow it with --out-of-order apply",
    Problem.MISSING: "applied, but the file is gone: restore it, or "
    "`asyncmig repair --forget VERSION`",
    Problem.INCOMPLETE: "begun and not finished: `asyncmig up` goes on with it, or says what to "
    "decide",
    Problem.INVALID_INDEX: "an index was built concurrently and is not valid: drop it and build it "
    "again",
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table. A column that is empty in every row is left out."""
    used = [i for i in range(len(header)) if any(row[i] for row in rows)]
    lines = [[row[i] for i in used] for row in (header, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(used))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def status_table(statuses: Sequence[MigrationStatus], stream: Stream) -> list[str]:
    """Return where each migration stands, in colours if the stream has them."""
    if not statuses:
        return []
    head, *lines = table(
        ("VERSION", "NAME", "STATE", "APPLIED (UTC)", "TIME", "PROGRESS", "PROBLEMS"),
        [_status_row(status) for status in statuses],
    )
    painted = [
        stream.paint(line, Paint.RED)
        if status.problems
        else _paint_state(line, status.state, stream)
        for line, status in zip(lines, statuses, strict=True)
    ]
    return [stream.paint(head, Paint.BOLD), *painted]


def advice(statuses: Sequence[MigrationStatus]) -> list[str]:
    """Return what to do about the problems, a line for each kind."""
    kinds = {problem for status in statuses for problem in status.problems}
    return [f"{spelled(kind)}: {_ADVICE[kind]}" for kind in Problem if kind in kinds]


def postponed(statuses: Sequence[MigrationStatus]) -> list[str]:
    """Return a line for what waits until the new code is everywhere; none when nothing does."""
    if not statuses:
        return []
    shown = ", ".join(f"{status.key} {status.name}" for status in statuses)
    verb = "waits" if len(statuses) == 1 else "wait"
    return [f"{shown} {verb} for `asyncmig up --phase post`, when the new code is everywhere"]


def history_table(entries: Sequence[HistoryEntry]) -> list[str]:
    """Return the rows of the history."""
    return table(
        ("ID", "WHEN (UTC)", "WHAT", "VERSION", "NAME", "STATE", "TIME", "BY"),
        [
            (
                str(entry.id),
                moment(entry.finished_at or entry.started_at),
                entry.direction.value if entry.origin == "run" else entry.origin,
                _version(entry.kind, entry.key),
                entry.name,
                entry.state.value,
                duration(entry.duration_ms),
                "@".join(filter(None, (entry.user, entry.host))),
            )
            for entry in entries
        ],
    )


def steps_table(steps: Sequence[Step]) -> list[str]:
    """Return what would run, in order."""
    return table(
        ("", "VERSION", "NAME", "FILE", ""),
        [
            (
                step.direction.value,
                _version(step.kind, step.key),
                step.name,
                step.script.path,
                _manner(step),
            )
            for step in steps
        ],
    )


def _manner(step: Step) -> str:
    """Return how a step runs, empty for one transaction."""
    if step.script.batching is not None:
        return "in batches"
    return "" if step.script.transaction else "without a transaction"


def duration(milliseconds: int | None) -> str:
    """Return a duration for people: ``12 ms``, ``1.2 s``, ``2 min 05 s``."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds} ms"
    if milliseconds < 60_000:  # noqa: PLR2004 - a minute
        return f"{milliseconds / 1000:.1f} s"
    return counted(milliseconds // 1000)


def counted(seconds: int) -> str:
    """Return whole seconds as a counter shows them: ``12 s``, ``2 min 05 s``, nothing for 0."""
    minutes, rest = divmod(seconds, 60)
    if minutes:
        return f"{minutes} min {rest:02} s"
    return f"{rest} s" if rest else ""


def amount(batches: int, rows: int | None) -> str:
    """Return what batches have done: ``57,000 rows``, or ``57 batches`` without a count."""
    number, what = (batches, "batch") if rows is None else (rows, "row")
    plural = "" if number == 1 else "es" if rows is None else "s"
    return f"{number:,} {what}{plural}"


def moment(time: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def spelled(word: str) -> str:
    """Return a word of a document as people write it."""
    return word.replace("_", " ")


def _status_row(status: MigrationStatus) -> tuple[str, ...]:
    entry = status.entry if status.state is not State.PENDING else None
    return (
        _version(status.kind, status.key),
        status.name,
        "postponed" if status.is_postponed else status.state.value,
        moment(entry.finished_at) if entry else "",
        duration(entry.duration_ms) if entry else "",
        _progress(status),
        ", ".join(spelled(problem) for problem in status.problems),
    )


def _progress(status: MigrationStatus) -> str:
    """Return how far batches got that are not finished."""
    progress = status.entry.progress if status.entry else None
    if status.state is not State.APPLYING or progress is None or progress.batches is None:
        return ""
    return amount(progress.batches.count, progress.batches.rows)


def _version(kind: Kind, key: str) -> str:
    """Return the version; the name of a repeatable one has a column of its own."""
    return "R__" if kind is Kind.REPEATABLE else key


def _paint_state(line: str, state: State, stream: Stream) -> str:
    colour = _COLOURS.get(state)
    return line if colour is None else stream.paint(line, colour)
