"""``asyncmig adopt``: take over a database that another tool has migrated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.errors import UsageError
from asyncmig.cli.options import add_database_options
from asyncmig.cli.output.document import Facts, row_of_entry, row_of_error, written
from asyncmig.cli.output.errors import describe
from asyncmig.cli.output.exit_codes import exit_code_of
from asyncmig.cli.output.table import moment, table
from asyncmig.cli.secrets import redacted
from asyncmig.errors import ForeignHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.foreign import AdoptReport, ForeignMigration

Row = dict[str, Any]


def add_options(parser: Parser) -> None:
    """Add whose history it is, and what is true of it that nobody else can know."""
    parser.add_argument(
        "--from",
        dest="tool",
        metavar="TOOL",
        default="auto",
        help="auto (default: the one whose history is there), alembic, dbmate, flyway, goose …",
    )
    parser.add_argument(
        "--from-table", metavar="TABLE", help="its history table, where that has another name"
    )
    parser.add_argument(
        "--column", metavar="COLUMN", help="of a home-made table: the versions or names in it"
    )
    parser.add_argument(
        "--map",
        metavar="NAME=VERSION",
        action="append",
        default=[],
        help="what is called NAME there has the file of VERSION here; may be repeated",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="some of what was applied has lost its file for good",
    )
    parser.add_argument("--dry-run", action="store_true", help="show it and stop")
    add_database_options(parser)


async def work(invocation: Invocation) -> Outcome:
    """Take it over, or say why not; the three lists are shown in both cases."""
    options = invocation.options
    try:
        report = await invocation.migrator().adopt(
            tool=options.tool,
            table=options.from_table,
            column=options.column,
            mapped=dict(_pair(word) for word in options.map),
            allow_missing=options.allow_missing,
            dry_run=options.dry_run,
        )
    except ForeignHistoryError as error:
        if error.adoption is None:
            raise
        return _refused(invocation, error, error.adoption)
    return Outcome(_facts(report), "" if options.quiet else _text(report))


def _pair(word: str) -> tuple[str, str]:
    name, sign, version = word.rpartition("=")
    if not (sign and name and version):
        raise UsageError(f"--map {word}: not of the form NAME=VERSION")
    return name, version


def _refused(invocation: Invocation, error: ForeignHistoryError, report: AdoptReport) -> Outcome:
    """Return what was found, with the reason why nothing of it is taken over."""
    console = invocation.console
    if invocation.options.json:
        console.err.write(redacted(f"error: {error.message}"))
    else:
        told = describe(error, invocation.journal, console.err)
        console.err.write("\n".join((*_lists(report), told)))
    facts = _facts(report, error=row_of_error(error), description=error.message)
    return Outcome(facts, "", exit_code_of(error))


def _facts(report: AdoptReport, **more: object) -> Facts:
    return Facts(
        database=report.database,
        migrations=tuple(map(row_of_entry, report.entries)),
        more={
            "description": report.description,
            "changed": bool(report.entries),
            "tool": report.tool,
            "table": report.table,
            "matched": _rows(report.matched),
            "without_file": _rows(report.without_file),
            "out_of_order": _rows(report.out_of_order),
            "differing": _rows(report.changed),
            "verified": report.verified,
            "adopted": report.adopted,
            **more,
        },
    )


def _rows(found: Sequence[ForeignMigration]) -> list[Row]:
    return [
        {
            "version": one.version,
            "name": one.name,
            "key": one.key or None,
            "file": one.file,
            "applied_at": written(one.applied_at),
        }
        for one in found
    ]


def _text(report: AdoptReport) -> str:
    return "\n".join([*_lists(report), f"{report.database}: {report.description}"])


def _lists(report: AdoptReport) -> Iterator[str]:
    """Yield the lists that have something in them, each with a line that says what it is."""
    if report.tool is None:
        return
    proof = f", {report.verified} proven by checksum" if report.verified else ""
    for title, found in (
        (f"applied by {report.tool}, with a file here{proof}", report.matched),
        (f"applied by {report.tool}, without a file here", report.without_file),
        (
            "not applied, and older than the newest that is: `up` will stop there",
            report.out_of_order,
        ),
        ("not the file that was applied, by its checksum", report.changed),
    ):
        if found:
            yield f"{title}:"
            yield from (f"  {line}" for line in _table(found))
            yield ""


def _table(found: Sequence[ForeignMigration]) -> list[str]:
    rows = [(one.version or "", one.name, _other(one), moment(one.applied_at)) for one in found]
    return table(("VERSION", "NAME", "THERE", "APPLIED (UTC)"), rows)


def _other(one: ForeignMigration) -> str:
    """Return what the other tool calls it, where that is not the version."""
    return "" if one.key in {one.version, one.name} else one.key


COMMAND = Command(
    description=(
        "Take over a database that another tool has migrated: write what it has applied into the "
        "history, all at once, and run nothing. Its own table is read and never written. "
        "Checksums are compared where the tool kept some."
    ),
    examples=(
        ("asyncmig adopt --dry-run", "only look"),
        ("asyncmig adopt", "from the tool whose history is there"),
        ("asyncmig adopt --from goose --from-table app.goose_versions", "its table has a name"),
        (
            "asyncmig adopt --from-table migrations --column name --map Init=001",
            "from a home-made table",
        ),
    ),
    add_options=add_options,
    work=work,
)
