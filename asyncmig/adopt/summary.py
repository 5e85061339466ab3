"""Say what is taken over from another tool. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.matching import version_of
from asyncmig.foreign import AdoptReport, ForeignMigration
from asyncmig.history import identity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.adopt.decision import Terms
    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.matching import Match, Matching
    from asyncmig.adopt.tool import Applied
    from asyncmig.history import History, HistoryEntry, NewRow


def nothing_found(database: str) -> AdoptReport:
    """Return the report of a database that no other tool has migrated."""
    sentence = "there is no history of another tool here, so there is nothing to adopt"
    return AdoptReport(database, None, None, sentence)


def summary(
    database: str,
    matching: Matching,
    terms: Terms,
    history: History,
    *,
    rows: Sequence[NewRow | HistoryEntry],
    entries: tuple[HistoryEntry, ...] = (),
) -> AdoptReport:
    """Return the report of an adoption, or of one that would be.

    Args:
        database: The database's address.
        matching: What the other tool says, beside the files.
        terms: On what terms.
        history: Our history before.
        rows: What is to be written, or was.
        entries: What was written.
    """
    without = sorted((*matching.missing, *matching.ahead), key=_place)
    return AdoptReport(
        database=database,
        tool=terms.tool,
        table=terms.table,
        description=_description(terms, history, len(rows), is_done=bool(entries)),
        matched=tuple(map(_of_match, matching.matched)),
        without_file=tuple(map(_of_applied, without)),
        out_of_order=tuple(
            _of_file(file) for file in matching.late if not _is_known(file, history)
        ),
        changed=tuple(map(_of_match, matching.changed)),
        verified=matching.verified,
        adopted=len(rows),
        entries=entries,
    )


def _description(terms: Terms, history: History, count: int, *, is_done: bool) -> str:
    whose = f"{terms.tool} ({terms.table})"
    if not count and history.entries:
        return f"all that {whose} has applied is in the history already"
    if not count:
        return f"{whose} has applied nothing that could be adopted"
    what = f"{count} migration{'' if count == 1 else 's'}"
    return f"{what} {'' if is_done else 'can be '}adopted from {whose}"


def _is_known(file: MigrationFile, history: History) -> bool:
    """Tell whether our history has applied since what the other tool has not."""
    migration = file.migration
    return identity_of(migration.version, migration.name) in history.active()


def _place(applied: Applied) -> tuple[bool, tuple[int, ...], str]:
    version = version_of(applied)
    return (version is None, () if version is None else version.numbers, applied.key)


def _of_match(match: Match) -> ForeignMigration:
    file = match.file.migration
    return ForeignMigration(match.applied.key, file.key, file.name, file.path, match.applied.at)


def _of_applied(applied: Applied) -> ForeignMigration:
    version = version_of(applied)
    text = None if version is None else version.text
    return ForeignMigration(applied.key, text, applied.name or applied.key, None, applied.at)


def _of_file(file: MigrationFile) -> ForeignMigration:
    migration = file.migration
    return ForeignMigration("", migration.key, migration.name, migration.path)
