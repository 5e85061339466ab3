"""``asyncmig lint``: look for what hurts on a live database, in the files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.new import folder_of
from asyncmig.cli.dialects import add_dialect_option, require_dialect
from asyncmig.cli.errors import UsageError
from asyncmig.cli.git import names_changed_since
from asyncmig.cli.linting import LintSettings, choice, read_lint_settings
from asyncmig.cli.options import add_source_option
from asyncmig.cli.output.annotations import WRITERS, Format
from asyncmig.cli.output.document import Facts
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.cli.output.findings import findings_text, row_of_finding, summary
from asyncmig.cli.own_folder import require_own_folder
from asyncmig.lint.linter import lint_source
from asyncmig.sources.names import FileName, parse_name

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.lint.linter import LintReport


def add_options(parser: Parser) -> None:
    """Add what to look at, what for, and how to say it."""
    parser.add_argument(
        "only", metavar="VERSION", nargs="*", help="a version, R__name or file (default: all)"
    )
    parser.add_argument(
        "--against",
        metavar="GITREF",
        help="only what is new or changed since this branch left that one",
    )
    parser.add_argument(
        "--enable", metavar="RULE", action="append", help="apply a rule that is off by default"
    )
    parser.add_argument("--disable", metavar="RULE", action="append", help="leave a rule out")
    parser.add_argument(
        "--fail-on",
        dest="lint_fail_on",  # what `up` calls so is a setting of its own
        metavar="SEVERITY",
        help="exit with 3 from it on: notice, warning (default), error, or never",
    )
    parser.add_argument(
        "--output", metavar="NAME", help="text (default), github, gitlab or sarif: for a CI system"
    )
    parser.add_argument("--no-squawk", action="store_true", help="leave squawk's rules out")
    add_dialect_option(parser)
    add_source_option(parser)


def work(invocation: Invocation) -> Outcome:
    """Look, and say what was found."""
    settings, options = invocation.settings, invocation.options
    written = choice(Format, options.output or Format.TEXT.value, "--output")
    if options.json and options.output:
        raise UsageError("--json and --output are two answers to one question", hint="give one")
    wanted = read_lint_settings(settings.project, options, _only(invocation))
    report = lint_source(
        settings.source,
        require_dialect(settings),
        wanted.selection,
        history_table=settings.table,
        reading=settings.reading,
    )
    if written is Format.TEXT:
        text = lint_text(invocation, report)
    else:
        text = WRITERS[written](report.findings)
        for note in report.notes:
            invocation.console.err.write(f"note: {note}")
    return Outcome(Facts(more=facts_of_lint(report)), text, exit_code_of_lint(wanted, report))


def facts_of_lint(report: LintReport) -> dict[str, object]:
    """Return what the document says of it."""
    return {
        "findings": [row_of_finding(finding) for finding in report.findings],
        "notes": list(report.notes),
    }


def lint_text(invocation: Invocation, report: LintReport) -> str:
    """Return what people read of it."""
    lines = findings_text(report.findings, invocation.console.out)
    return "\n".join(lines if invocation.options.quiet else [*lines, *summary(report)])


def exit_code_of_lint(wanted: LintSettings, report: LintReport) -> ExitCode:
    """Return 3 when something was found that matters enough."""
    return ExitCode.FOUND if wanted.failures(report) else ExitCode.DONE


def _only(invocation: Invocation) -> tuple[str, ...] | None:
    """Return the migrations to report on, ``None`` for all."""
    options = invocation.options
    if options.against is None:
        return tuple(options.only) or None
    if options.only:
        raise UsageError("VERSION and --against both say which migrations", hint="give one")
    require_own_folder(invocation.settings, "--against goes by the names of asyncmig's format")
    folder = folder_of(invocation.settings.source)
    changed = names_changed_since(folder, options.against)
    return tuple(sorted(name for name in changed if isinstance(parse_name(name), FileName)))


COMMAND = Command(
    description=(
        "Look for what goes wrong on a live database, in the files alone: locks that are held too "
        "long, indexes that end up invalid, rows that are lost in a rebuild. For PostgreSQL, "
        "squawk's rules are applied too if it is installed (pip install 'asyncmig[lint]'). A "
        "comment allows what is meant: -- asyncmig:allow RULE because …. Exits with 3 if it finds "
        "something."
    ),
    examples=(
        ("asyncmig lint", "before a commit"),
        ("asyncmig lint --against origin/main", "in CI: what this branch adds"),
        ("asyncmig lint --output github", "as annotations of a pull request"),
        ("asyncmig lint 0042 --enable irreversible", "one migration, with one rule more"),
    ),
    add_options=add_options,
    work=work,
)
