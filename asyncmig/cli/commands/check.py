"""``asyncmig check``: look for mistakes in the files, without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.lint import exit_code_of_lint, facts_of_lint, lint_text
from asyncmig.cli.commands.new import folder_of
from asyncmig.cli.dialects import add_dialect_option, require_dialect
from asyncmig.cli.errors import LateVersionError, PostponedDependencyError
from asyncmig.cli.git import names_at
from asyncmig.cli.linting import read_lint_settings
from asyncmig.cli.options import add_source_option
from asyncmig.cli.output.contents import facts_of_contents, understood
from asyncmig.cli.output.document import Facts, rows_of_errors
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.cli.own_folder import require_own_folder
from asyncmig.engines.statements import prepare
from asyncmig.errors import DuplicateVersionError, SourceError, SourceNotFoundError
from asyncmig.lint.linter import lint_source
from asyncmig.lint.rules.phases import BUILDS_ON_POSTPONED
from asyncmig.lint.selection import Selection
from asyncmig.migration import Phase, SqlScript
from asyncmig.sources import find_problems
from asyncmig.sources.contents import Contents
from asyncmig.sources.folder import read_folder
from asyncmig.sources.names import FileName, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.cli.settings import Settings
    from asyncmig.migration import Migration, Version
    from asyncmig.sql import Dialect


def add_options(parser: Parser) -> None:
    """Add what the files are compared with, and where they are."""
    parser.add_argument(
        "--against",
        metavar="GITREF",
        help="find versions that would be out of order after a merge into that branch",
    )
    parser.add_argument(
        "--lint", action="store_true", help="lint them too, with the settings of `asyncmig lint`"
    )
    add_dialect_option(parser)
    add_source_option(parser)


def work(invocation: Invocation) -> Outcome:
    """Look for mistakes."""
    settings, reference = invocation.settings, invocation.options.against
    contents = read_contents(settings, require_dialect(settings))
    found = find_mistakes(contents, settings, require_dialect(settings))
    if reference is not None:
        require_own_folder(settings, "--against goes by the names of asyncmig's format")
        found += tuple(find_late(folder_of(settings.source), reference))
    facts = Facts(more={"errors": rows_of_errors(found), **facts_of_contents(contents)})
    lines = [] if invocation.options.quiet else understood(contents)
    if found:
        outcome = Outcome(facts, "\n".join([*lines, *_lines(found)]), ExitCode.FOUND)
    elif invocation.options.quiet:
        outcome = Outcome(facts)
    else:
        outcome = Outcome(facts, "\n".join([*lines, f"{settings.source}: no mistakes"]))
    return _with_lint(invocation, outcome) if invocation.options.lint else outcome


def _with_lint(invocation: Invocation, outcome: Outcome) -> Outcome:
    """Lint the files too, if they can be read."""
    settings = invocation.settings
    if find_problems(settings.source, dialect := require_dialect(settings), settings.reading):
        return outcome
    wanted = read_lint_settings(settings.project, invocation.options)
    selection = replace(wanted.selection, disable=wanted.selection.disable | _SAID_BY_CHECK)
    report = lint_source(
        settings.source,
        dialect,
        selection,
        history_table=settings.table,
        reading=settings.reading,
    )
    return Outcome(
        Facts(more={**outcome.facts.more, **facts_of_lint(report)}),
        "\n".join(filter(None, (outcome.text, lint_text(invocation, report)))),
        max(outcome.exit_code, exit_code_of_lint(wanted, report)),
    )


_SAID_BY_CHECK = frozenset(
    {"cannot-run-in-transaction", "transaction-control", "not-sql", BUILDS_ON_POSTPONED}
)
"""Rules that find what is an error of the file to ``check`` itself."""


def read_contents(settings: Settings, dialect: Dialect) -> Contents:
    """Read the folder; what is wrong with it as a whole is a mistake, too.

    Raises:
        SourceNotFoundError: There is no such folder: a wrong setting, not a mistake in a file.
    """
    try:
        return read_folder(settings.source, dialect, settings.reading)
    except SourceNotFoundError:
        raise
    except SourceError as error:
        return Contents(settings.reading.format, (), (error,))


def find_mistakes(
    contents: Contents, settings: Settings, dialect: Dialect
) -> tuple[SourceError, ...]:
    """Return what is wrong with the files: first how they are made up, then the SQL in them."""
    if contents.problems:
        return contents.problems
    mistakes = tuple(_mistakes_in_sql(contents.migrations, dialect))
    if all(migration.phase is Phase.PRE for migration in contents.migrations):
        return mistakes
    return (*mistakes, *_built_on_postponed(settings, dialect))


def _built_on_postponed(settings: Settings, dialect: Dialect) -> Iterator[SourceError]:
    """Yield what the linter finds about the phases; a comment in the file can allow it."""
    selection = Selection.of_one(BUILDS_ON_POSTPONED)
    report = lint_source(settings.source, dialect, selection, reading=settings.reading)
    yield from map(PostponedDependencyError, report.findings)


def _mistakes_in_sql(migrations: Iterable[Migration], dialect: Dialect) -> Iterator[SourceError]:
    for migration in migrations:
        for script in (migration.up, migration.down):
            if isinstance(script, SqlScript):
                try:
                    prepare(script, dialect, migration.key)
                except SourceError as error:
                    yield error


def find_late(folder: Path, reference: str) -> Iterator[SourceError]:
    """Go through the files that would get in the way of those of another branch.

    Raises:
        SettingsError: Git does not know the branch, or the folder is not in a repository.
    """
    theirs = _versions(names_at(folder, reference))
    ours = _versions(file.name for file in folder.iterdir())
    newest = max(theirs, default=None)
    for version, names in ours.items():
        path = folder / names[0]
        if version in theirs and theirs[version] != names:
            other = [f"{reference}:{name}" for name in theirs[version]]
            yield DuplicateVersionError(str(version), [*other, str(path)])
        elif version not in theirs and newest is not None and version < newest:
            yield LateVersionError(version, newest, reference, str(path))


def _versions(names: Iterable[str]) -> Mapping[Version, list[str]]:
    """Return the versioned files among the names, by version."""
    found: dict[Version, list[str]] = {}
    for name in sorted(names):
        parsed = parse_name(name)
        if isinstance(parsed, FileName) and parsed.version is not None:
            found.setdefault(parsed.version, []).append(name)
    return found


def _lines(found: Iterable[SourceError]) -> list[str]:
    lines: list[str] = []
    for error in found:
        lines.append(error.message)
        if error.hint:
            lines.append(f"  hint: {error.hint}")
    return lines


COMMAND = Command(
    description=(
        "Look for mistakes in the files alone: names, markers, versions that are there twice, "
        "SQL that cannot run as it stands, and files that build on one that waits for the new "
        "code. No database is asked. Exits with 3 if it finds something."
    ),
    examples=(
        ("asyncmig check", "before a commit"),
        ("asyncmig check --against origin/main", "in CI: would a merge put versions out of order?"),
        ("asyncmig check --lint", "both checks of the files at once"),
        ("asyncmig check --dialect postgresql", "where no database is configured"),
    ),
    add_options=add_options,
    work=work,
)
