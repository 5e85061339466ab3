"""``asyncmig new``: write an empty migration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.dialects import add_dialect_option, require_dialect
from asyncmig.cli.options import add_source_option
from asyncmig.cli.output.document import Facts
from asyncmig.cli.own_folder import require_own_folder
from asyncmig.errors import SettingsError, SourceError
from asyncmig.sources.location import locate
from asyncmig.sources.names import FileName, Language, parse_name
from asyncmig.sources.scaffold import file_name, next_version, python_template, sql_template

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.migration import Version


def add_options(parser: Parser) -> None:
    """Add the name, and what kind of file it is."""
    parser.add_argument("name", metavar="NAME", nargs="+", help="what it does, in a few words")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--python", action="store_true", help="written in Python, not in SQL")
    kind.add_argument(
        "--repeatable", action="store_true", help="applied again whenever it changes: R__name.sql"
    )
    parser.add_argument(
        "--sequential",
        action="store_true",
        help="count on from the newest version (default: a UTC timestamp)",
    )
    add_dialect_option(parser)
    add_source_option(parser)


def work(invocation: Invocation) -> Outcome:
    """Write the file; the folder too, if there is none."""
    options = invocation.options
    folder = folder_of(invocation.settings.source)
    if folder.is_dir():
        require_own_folder(invocation.settings, "`asyncmig new` writes files of asyncmig's format")
    version: Version | None = None
    if not options.repeatable:
        version = next_version(
            versions_in(folder), sequential=options.sequential, now=datetime.now(UTC)
        )
    written_in = Language.PYTHON if options.python else Language.SQL
    file = folder / file_name(version, " ".join(options.name), written_in=written_in)
    if options.python:
        text = python_template(require_dialect(invocation.settings))
    else:
        text = sql_template(repeatable=options.repeatable)
    _write(file, text)
    return Outcome(Facts(more={"paths": [str(file)]}), str(file))


def folder_of(source: str) -> Path:
    """Return the folder on disk that a source names; it need not be there yet.

    Raises:
        SettingsError: It is in an archive.
    """
    root = locate(source).root
    if isinstance(root, Path):
        return root
    raise SettingsError(f"{source} is not a folder on disk, so nothing can be written there")


def versions_in(folder: Path) -> list[Version]:
    """Return the versions that the files in a folder claim."""
    names = [parse_name(file.name) for file in folder.iterdir()] if folder.is_dir() else []
    found = [name.version for name in names if isinstance(name, FileName)]
    return [version for version in found if version is not None]


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        what = "is there already" if isinstance(error, FileExistsError) else error.strerror
        raise SourceError(f"{file} cannot be written: {what}", file=str(file)) from error


COMMAND = Command(
    description=(
        "Write an empty migration into the folder of migrations and print its path. The folder "
        "is made if there is none."
    ),
    examples=(
        ("asyncmig new create_users", "migrations/20260822090000_create_users.sql"),
        ("asyncmig new add index to users --sequential", "migrations/0002_add_index_to_users.sql"),
        ("asyncmig new backfill_totals --python", "an async up() and down()"),
        ("asyncmig new totals --repeatable", "migrations/R__totals.sql, for a view or a function"),
        ('$EDITOR "$(asyncmig new create_users)"', "write and edit"),
    ),
    add_options=add_options,
    work=work,
)
