"""``asyncmig trace``: what the pending migrations lock, rewrite and scan, and roll back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asyncmig.cli.command import Command, Logging, Outcome
from asyncmig.cli.options import add_database_options, add_phase_option, add_target_options
from asyncmig.cli.output.document import Facts
from asyncmig.cli.output.exit_codes import ExitCode
from asyncmig.cli.output.locks import locks_table
from asyncmig.sizes import size

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.cli.settings import Settings
    from asyncmig.locks import Violation
    from asyncmig.report import MigrationTrace, TraceReport


def add_options(parser: Parser) -> None:
    """Add how far to go, and where."""
    add_target_options(
        parser, to="the last version to trace", steps="how many to trace at most (default: all)"
    )
    add_phase_option(parser)
    parser.add_argument(
        "--scratch",
        metavar="URL",
        help="trace on this database instead: a copy, at the same version",
    )
    parser.add_argument(
        "--python",
        action="store_true",
        help="run Python migrations, too: what they do elsewhere is not rolled back",
    )
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Trace what is pending."""
    options = invocation.options
    there = replace(invocation, settings=_elsewhere(invocation.settings, options.scratch))
    report = await there.migrator().trace(
        to=options.to, steps=options.steps, phase=options.phase, python=options.python
    )
    facts = Facts(
        database=report.database,
        current=None if report.current is None else str(report.current),
        more={
            "traced": [_row(trace) for trace in report.traced],
            "untraced": [
                {"version": u.version, "name": u.name, "file": u.file, "reason": u.reason}
                for u in report.untraced
            ],
        },
    )
    code = ExitCode.FOUND if report.violations else ExitCode.DONE
    return Outcome(facts, _text(report), code)


def _elsewhere(settings: Settings, scratch: str | None) -> Settings:
    """Return the settings for the database that was named for the trace, if one was."""
    if scratch is None:
        return settings
    return replace(settings, database=scratch, database_from="--scratch", direct_url=None)


def _row(trace: MigrationTrace) -> dict[str, Any]:
    return {
        "version": trace.version,
        "name": trace.name,
        "file": trace.file,
        "batch": trace.batch,
        "locks": trace.locks.as_row(),
        "violations": [
            {"hazard": violation.hazard.value, "relation": violation.relation.relation}
            for violation in trace.violations
        ],
    }


def _text(report: TraceReport) -> str:
    lines: list[str] = []
    for trace in report.traced:
        part = "" if trace.batch is None else f": one batch of {trace.batch:,} rows"
        lines.append(f"{_title(trace.version, trace.name)}{part}")
        lines += [f"    {line}" for line in locks_table(trace.locks)]
        lines += [f"    refused: {_sentence(violation)}" for violation in trace.violations]
    lines += [f"{_title(u.version, u.name)}: left out, {u.reason}" for u in report.untraced]
    refused = len(report.violations)
    end = f"; fail_on would refuse {refused} of what they do" if refused else ""
    what = f"{len(report.traced)} traced and rolled back" if report.traced else "nothing to trace"
    return "\n".join([*lines, f"{what}: {report.database}{end}"])


def _title(version: str, name: str) -> str:
    return version if version.startswith("R__") else f"{version} {name}"


def _sentence(violation: Violation) -> str:
    relation = violation.relation
    return f"{violation.hazard.value} of {relation.relation} ({size(relation.bytes)})"


COMMAND = Command(
    description=(
        "Run the pending migrations in one transaction, show what each of them locks, rewrites "
        "and scans, and roll everything back (PostgreSQL). The locks are real, and held until the "
        "end of the trace: on a busy database use --scratch. What runs outside a transaction is "
        "left out, and so is Python unless --python says otherwise. Of what runs in batches only "
        "the next one is run. A sequence that was advanced stays so. Exits with 3 if --fail-on "
        "would refuse anything."
    ),
    examples=(
        ("asyncmig trace --scratch postgresql:///shop_copy", "on a copy of the database"),
        ("asyncmig trace --fail-on rewrite,scan --fail-over 10MB", "would a policy refuse it?"),
        ("asyncmig trace --steps 1 --json", "the next one only, for a program"),
    ),
    add_options=add_options,
    work=work,
    logs=Logging.START,
)
