"""Applies the rules to a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asyncmig.lint import squawk
from asyncmig.lint.second_opinion import second_opinions
from asyncmig.lint.selection import SQUAWK, Selection
from asyncmig.lint.squawk_rules import SAID_ALREADY, STYLE
from asyncmig.lint.subject import subjects_of
from asyncmig.lint.verdict import Charge, judge
from asyncmig.migration import LongScript
from asyncmig.sources import load
from asyncmig.sources.location import locate
from asyncmig.sources.reading import BY_ITSELF, Reading
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from asyncmig.lint.finding import Finding, Severity
    from asyncmig.lint.rule import Rule
    from asyncmig.lint.subject import Subject
    from asyncmig.migration import Migration
    from asyncmig.sources import Source
    from asyncmig.sources.location import Location


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found.

    Attributes:
        findings: By migration, line and column.
        migrations: How many were looked at.
        notes: What could not be looked at, and why; one sentence each.
    """

    findings: tuple[Finding, ...]
    migrations: int
    notes: tuple[str, ...] = ()

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of that severity and above."""
        return tuple(one for one in self.findings if one.severity.rank >= severity.rank)


async def lint_migrations(
    source: Source,
    *,
    dialect: Dialect | str,
    selection: Selection | None = None,
    history_table: str = "asyncmig_history",
    reading: Reading = BY_ITSELF,
) -> LintReport:
    """Look for what goes wrong on a live database, in the files alone, off the event loop.

    Args:
        source: Where the migrations are, as for :func:`asyncmig.migrate`.
        dialect: ``postgresql`` or ``sqlite``.
        selection: Which rules and which migrations; by default all that are on, and all of them.
        history_table: The name of asyncmig's own table.
        reading: How the files are read; by default they tell.

    Raises:
        SourceError: The files cannot be read as migrations.
        SettingsError: A rule in the selection does not exist, or squawk does not do its work.
        UnknownVersionError: A migration in the selection does not exist.
        ValueError: There is no such dialect.
    """
    from anyio import to_thread

    known = Dialect(dialect)
    chosen = selection or Selection()
    # Abandoned when cancelled: it only reads, and squawk is given up after a minute.
    return await to_thread.run_sync(
        lambda: lint_source(source, known, chosen, history_table=history_table, reading=reading),
        abandon_on_cancel=True,
    )


def lint_source(
    source: Source,
    dialect: Dialect,
    selection: Selection,
    *,
    history_table: str = "asyncmig_history",
    reading: Reading = BY_ITSELF,
) -> LintReport:
    """Do what :func:`lint_migrations` does, in this thread, which it blocks.

    Raises:
        SourceError: The files cannot be read as migrations.
        SettingsError: A rule in the selection does not exist, or squawk does not do its work.
        UnknownVersionError: A migration in the selection does not exist.
    """
    rules = selection.rules(dialect)
    migrations = tuple(map(_in_memory, load(source, dialect, reading)))
    subjects = _subjects(migrations, dialect, selection, history_table)
    charges = [charge for subject in subjects for charge in _our_charges(subject, rules)]
    applied = frozenset(filter(selection.applies, (rule.name for rule in rules)))
    notes: tuple[str, ...] = ()
    asks_squawk = selection.squawk and dialect is Dialect.POSTGRESQL
    if asks_squawk and (program := squawk.find_squawk()):
        charges += _charges_of_squawk(program, subjects, selection, charges)
        applied |= {SQUAWK}
    elif asks_squawk:
        notes = (squawk.MISSING,)
    findings = _judged(subjects, charges, applied, selection, locate(source))
    return LintReport(tuple(findings), len(subjects), notes)


def _subjects(
    migrations: Sequence[Migration], dialect: Dialect, selection: Selection, history_table: str
) -> list[Subject]:
    """Return the migrations to report on."""
    chosen = {migration.key for migration in selection.migrations(migrations)}
    now = datetime.now(UTC)
    everything = subjects_of(migrations, dialect, history_table=history_table, now=now)
    return [subject for subject in everything if subject.migration.key in chosen]


def _in_memory(migration: Migration) -> Migration:
    """Return a migration with its text: the rules look at a long one as at every other."""
    up = migration.up
    return replace(migration, up=up.in_memory()) if isinstance(up, LongScript) else migration


def _judged(
    subjects: Iterable[Subject],
    charges: Iterable[Charge],
    applied: frozenset[str],
    selection: Selection,
    location: Location,
) -> Iterator[Finding]:
    """Yield the findings, migration by migration, from the first line to the last."""
    by_migration: dict[str, list[Charge]] = {}
    for charge in charges:
        by_migration.setdefault(charge.migration.key, []).append(charge)
    for subject in subjects:
        found = judge(subject, by_migration.get(subject.migration.key, []), applied, location)
        wanted = (finding for finding in found if selection.applies(finding.rule))
        yield from sorted(wanted, key=lambda one: (one.file, one.line, one.column, one.rule))


def _our_charges(subject: Subject, rules: Iterable[Rule]) -> Iterator[Charge]:
    """Yield what our rules find in a migration."""
    for rule in rules:
        for flaw in rule.find(subject):
            yield Charge(
                migration=subject.migration,
                rule=rule.name,
                severity=rule.severity,
                message=flaw.message,
                hint=flaw.hint,
                script=flaw.script,
                offset=None if flaw.statement is None else flaw.statement.body,
                statement=None if flaw.statement is None else flaw.statement.body,
            )


def _charges_of_squawk(
    program: Path, subjects: Sequence[Subject], selection: Selection, ours: Sequence[Charge]
) -> Iterator[Charge]:
    """Yield what squawk finds on the ways up, but for what a rule of ours says already."""
    parts = [(subject.migration, subject.up) for subject in subjects if subject.up is not None]
    opinions = second_opinions(program, [part for _, part in parts])
    found = [
        Charge(
            migration=migration,
            rule=SQUAWK + one.rule,
            severity=one.severity,
            message=one.message,
            hint=one.hint,
            script=part.script,
            offset=one.offset,
            statement=None if one.sentence is None else one.sentence.statement.body,
        )
        for (migration, part), said in zip(parts, opinions, strict=True)
        for one in said
        if selection.asks_for(SQUAWK + one.rule, on_request=one.rule in STYLE)
    ]
    places = {(one.rule, one.script.path, one.statement) for one in (*ours, *found)}
    for one in found:
        better = SAID_ALREADY.get(one.rule.removeprefix(SQUAWK), frozenset())
        if not any((rule, one.script.path, one.statement) in places for rule in better):
            yield one
