"""Decide what of another tool's history is to be written into ours, or why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.adopt.matching import version_of
from asyncmig.errors import ForeignHistoryError, HistoryNotEmptyError, IncompleteMigrationError
from asyncmig.history import NewRow, RowState, identity_of
from asyncmig.migration import Direction, Kind, SqlScript
from asyncmig.request import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from asyncmig.adopt.matching import Match, Matching
    from asyncmig.adopt.tool import Applied
    from asyncmig.history import History, Identity
    from asyncmig.migration import Version

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a history is taken over.

    Attributes:
        tool: Whose it is.
        table: Its table, for messages.
        policy: What to do with files that are not what was applied.
        allow_missing: Whether what was applied may have lost its file for good.
    """

    tool: str
    table: str
    policy: Policy = field(default_factory=Policy)
    allow_missing: bool = False

    @property
    def origin(self) -> str:
        """What our history says of a row that was taken over."""
        return origin_of(self.tool)

    def refusal(self, sentence: str, hint: str, keys: Sequence[str] = ()) -> ForeignHistoryError:
        """Return the error that says why nothing is taken over."""
        return ForeignHistoryError(
            sentence, hint=hint, tool=self.tool, table=self.table, versions=keys
        )


def origin_of(tool: str) -> str:
    """Return what our history says of a row that was taken over from a tool."""
    return f"adopted from {tool}"


def decide(matching: Matching, history: History, terms: Terms) -> tuple[NewRow, ...]:
    """Return the rows to append to our history; none when all of it is known here already.

    Args:
        matching: What the other tool says, beside the files.
        history: What we say.
        terms: On what terms.

    Raises:
        ForeignHistoryError: A migration was begun and not finished, the tool runs right now, or
            files are gone or not what was applied.
        HistoryNotEmptyError: Our history has rows that have nothing to do with that tool's.
        IncompleteMigrationError: One of ours is unfinished.
    """
    if (trouble := matching.trouble) is not None:
        raise terms.refusal(trouble.sentence, trouble.hint, trouble.keys)
    rows = tuple(_unknown(_rows(matching, terms), history))
    if not rows and history.entries:
        return ()
    _refuse_other_beginning(history, terms)
    _refuse_missing(matching, history, terms)
    _refuse_changed(matching, history, terms)
    return rows


def _rows(matching: Matching, terms: Terms) -> Iterator[NewRow]:
    """Yield everything that is worth a row, versions first."""
    if matching.baseline is not None:
        yield _baseline(matching.baseline, terms)
    if terms.allow_missing:
        yield from _bare_rows(matching.missing, RowState.SUPERSEDED, terms)
    versioned = (m for m in matching.matched if m.file.migration.version is not None)
    yield from (_row(match, terms) for match in versioned)
    yield from _bare_rows(matching.ahead, RowState.APPLIED, terms)
    # A repeatable whose text is another by now is pending: to run it again is what it is for.
    repeatables = (m for m in matching.matched if m.file.migration.version is None)
    yield from (_row(match, terms) for match in repeatables if match not in matching.changed)


def _row(match: Match, terms: Terms) -> NewRow:
    migration = match.file.migration
    down = migration.down if isinstance(migration.down, SqlScript) else None
    return NewRow(
        kind=migration.kind,
        direction=Direction.UP,
        version=migration.version,
        name=migration.name,
        checksum=migration.checksum,
        state=RowState.APPLIED,
        origin=terms.origin,
        down_sql=None if down is None else down.text,
        down_transaction=down is None or down.transaction,
        finished_at=match.applied.at,
    )


def _bare_rows(found: Sequence[Applied], state: RowState, terms: Terms) -> Iterator[NewRow]:
    """Yield rows for what has no file here. Nobody has seen its text, so it has no checksum."""
    for applied in found:
        version = version_of(applied)
        if version is not None:
            yield _bare_row(version, applied.name or applied.key, state, terms, applied.at)


def _bare_row(
    version: Version, name: str, state: RowState, terms: Terms, at: datetime | None
) -> NewRow:
    return NewRow(
        kind=Kind.VERSIONED,
        direction=Direction.UP,
        version=version,
        name=name,
        checksum="",
        state=state,
        origin=terms.origin,
        finished_at=at,
    )


def _baseline(version: Version, terms: Terms) -> NewRow:
    return NewRow(
        kind=Kind.BASELINE,
        direction=Direction.UP,
        version=version,
        name="baseline",
        checksum="",
        state=RowState.APPLIED,
        origin=terms.origin,
    )


def _unknown(rows: Iterator[NewRow], history: History) -> Iterator[NewRow]:
    """Keep the rows of which our history does not know better.

    What was reverted here is still applied according to the other tool, whose table is never
    written: it must not come back.
    """
    known, baseline = _known(history), history.baseline()
    for row in rows:
        if row.kind is Kind.BASELINE:
            if not history.entries:
                yield row
        elif identity_of(row.version, row.name) not in known and not (
            row.version is not None and baseline is not None and row.version <= baseline
        ):
            yield row


def _known(history: History) -> set[Identity]:
    rows = (entry for entry in history if entry.kind is not Kind.BASELINE)
    return {entry.identity for entry in rows if entry.state is not RowState.FAILED}


def _refuse_other_beginning(history: History, terms: Terms) -> None:
    """Go on with an earlier adoption, and with nothing else.

    Versions such as 1, 2, 3 would match those of any other service in the same database.
    """
    unfinished = [entry.key for entry in history if entry.state is RowState.APPLYING]
    if unfinished:
        raise IncompleteMigrationError(unfinished)
    if history.entries and all(entry.origin != terms.origin for entry in history):
        raise HistoryNotEmptyError(
            f"asyncmig has a history of this database already, and nothing in it was adopted from "
            f"{terms.tool}",
            hint="look at `asyncmig status`; what is in the database without being in the history "
            "is written down with `asyncmig repair --mark VERSION`",
        )


def _refuse_missing(matching: Matching, history: History, terms: Terms) -> None:
    known = _known(history)
    missing = [one.key for one in matching.missing if version_of(one) not in known]
    if missing and not terms.allow_missing:
        raise terms.refusal(
            f"{terms.tool} has applied {_listed(missing)}, but the files are gone",
            "restore them, name their versions with --map NAME=VERSION, or, if they were removed "
            "for good, adopt with --allow-missing",
            missing,
        )


def _refuse_changed(matching: Matching, history: History, terms: Terms) -> None:
    known = _known(history)
    changed = [
        match
        for match in matching.changed
        if match.file.migration.version not in {None, *known}
        and terms.policy.refuses(match.file.migration)
    ]
    if changed:
        keys = [match.file.migration.key for match in changed]
        raise terms.refusal(
            f"{_listed(keys)}: no longer what {terms.tool} has applied, by its checksum",
            f"restore {changed[0].file.migration.path}; if the change is harmless, adopt with "
            "--changed warn",
            keys,
        )


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if keys[_SHOWN:] else ""
    return f"{', '.join(keys[:_SHOWN])}{more}"
