"""``asyncmig import``: write the migrations of another tool as SQL files of ours."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.commands.new import folder_of
from asyncmig.cli.dialects import add_dialect_option, require_dialect
from asyncmig.cli.options import add_source_option
from asyncmig.cli.output.document import Facts
from asyncmig.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.from_alembic.conversion import ConvertedFile

_NOT_INSTALLED = "alembic is not installed here"


def add_options(parser: Parser) -> None:
    """Add the tool, where its project is, and where to write."""
    parser.add_argument("tool", metavar="TOOL", choices=("alembic",), help="alembic")
    parser.add_argument(
        "--config",
        metavar="PATH",
        default="alembic.ini",
        help="alembic.ini, pyproject.toml or the folder with versions (default: alembic.ini)",
    )
    parser.add_argument(
        "--name", metavar="SECTION", default="alembic", help="the section of the file (alembic)"
    )
    parser.add_argument(
        "--no-env", action="store_true", help="do not run env.py for its naming convention"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    add_dialect_option(parser)
    add_source_option(parser)


def work(invocation: Invocation) -> Outcome:
    """Write a file for each revision, into a folder that has none."""
    options = invocation.options
    folder = folder_of(invocation.settings.source)
    _refuse_files(folder)
    dialect = require_dialect(invocation.settings)
    try:
        from asyncmig.from_alembic.conversion import convert
        from asyncmig.from_alembic.project import open_project
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in {"alembic", "sqlalchemy"}:
            raise
        raise SettingsError(_NOT_INSTALLED, hint="pip install 'asyncmig[alembic]'") from error
    with redirect_stdout(sys.stderr):  # env.py and the revisions may print
        project = open_project(
            Path(options.config), section=options.name, with_env=not options.no_env
        )
        files = convert(project, dialect)
    if not options.dry_run:
        _write(folder, files)
    text = "" if options.quiet else "\n".join(_lines(folder, files, is_dry=options.dry_run))
    return Outcome(Facts(more=_more(folder, files)), text)


def _refuse_files(folder: Path) -> None:
    """Refuse a folder in which something would be overwritten, or come to stand beside others.

    Raises:
        SettingsError: There are files in it.
    """
    there = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    if there := [name for name in there if not name.startswith(".")]:
        raise SettingsError(
            f"{folder} is not empty: {there[0]}{' and more' if there[1:] else ''}",
            hint="name a folder that is, or is not there yet: --source DIR",
        )


def _write(folder: Path, files: Sequence[ConvertedFile]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            with (folder / file.name).open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(file.text)
    except OSError as error:
        raise SourceError(
            f"{error.filename} cannot be written: {error.strerror}", file=str(error.filename)
        ) from error


def _lines(folder: Path, files: Sequence[ConvertedFile], *, is_dry: bool) -> list[str]:
    lines = [str(folder / file.name) for file in files]
    unfinished = [file for file in files if file.unfinished]
    lines.append("")
    what = "would be written" if is_dry else "written"
    if not unfinished:
        return [*lines, f"{len(files)} {what}, for as many revisions"]
    lines.append(
        f"{len(files)} {what}; {len(unfinished)} to finish by hand, which fail until then:"
    )
    for file in unfinished:
        for direction, part in file.unfinished:
            lines.append(f"  {file.name} ({direction}): {part.reason}")
    return lines


def _more(folder: Path, files: Sequence[ConvertedFile]) -> dict[str, Any]:
    return {
        "paths": [str(folder / file.name) for file in files],
        "unfinished": [
            {
                "path": str(folder / file.name),
                "revision": file.revision,
                "direction": direction.value,
                "reason": part.reason,
            }
            for file in files
            for direction, part in file.unfinished
        ],
    }


COMMAND = Command(
    description=(
        "Write each revision of an alembic project as a SQL file, up and down, in an order in "
        "which they can be applied one by one. No database is needed. What only a database can "
        "tell is left to be finished by hand, in a file that fails until it is. Afterwards "
        "`asyncmig adopt` takes over what alembic has applied."
    ),
    examples=(
        ("asyncmig import alembic --dialect postgresql", "from alembic.ini into migrations"),
        (
            "asyncmig import alembic --config db/alembic.ini --source db/sql",
            "from and to elsewhere",
        ),
        ("asyncmig import alembic --dry-run", "what would be left to finish?"),
    ),
    add_options=add_options,
    work=work,
)
