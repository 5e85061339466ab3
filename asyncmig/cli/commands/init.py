"""``asyncmig init``: set up a project."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.cli.command import Command, Outcome
from asyncmig.cli.output.document import Facts
from asyncmig.cli.pyproject import FILE_NAME, SECTION, add_section
from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from asyncmig.cli.command import Invocation
    from asyncmig.cli.parser import Parser
    from asyncmig.cli.pyproject import Project

_DATABASE = "sqlite:///app.db"
_COMMENT = "--database, ASYNCMIG_DATABASE and DATABASE_URL win over what is written here."
_LEFT_OUT = (
    "warning: the password was left out, because the file is not secret: set PGPASSWORD, use "
    "~/.pgpass, or give the whole URL in DATABASE_URL"
)
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^\s:/@]*):\S*@|(?<=[?&])password=[^&]*&?")


def add_options(parser: Parser) -> None:
    """Add what to write."""
    parser.add_argument(
        "--database", metavar="URL", help=f"the database to write down (default: {_DATABASE})"
    )
    parser.add_argument(
        "--source", metavar="DIR", help="the folder of the migrations (default: migrations)"
    )


def work(invocation: Invocation) -> Outcome:
    """Write the section and make the folder. Called twice, it changes nothing."""
    options, project = invocation.options, invocation.settings.project
    if project.section is not None:
        return _already(invocation, project)
    file = project.file or project.root / FILE_NAME
    url, warning = without_password(options.database or _DATABASE)
    source = options.source or "migrations"
    folder = project.root / source
    add_section(file, {"database": url, "source": source}, _COMMENT)
    _make(folder)
    lines = [f"added {SECTION} to {_shown(file)}", f"migrations go to {_shown(folder)}", *warning]
    lines.append("next: asyncmig new create_users, then asyncmig up")
    return Outcome(Facts(more={"paths": [str(file), str(folder)]}), "\n".join(lines))


def without_password(url: str) -> tuple[str, list[str]]:
    """Return the URL without its password, and what to say about that: it would end up in git."""
    kept = _PASSWORD.sub(lambda found: f"{found['user']}@" if found["user"] else "", url)
    if kept == url:
        return url, []
    return kept.rstrip("?&"), [_LEFT_OUT]


def _already(invocation: Invocation, project: Project) -> Outcome:
    """Make the folder if need be; refuse to write over what is there."""
    if invocation.options.database or invocation.options.source:
        raise SettingsError(
            f"{project.file} has a section {SECTION} already",
            hint="change it there",
            file=str(project.file),
        )
    source = invocation.settings.source
    if not source.startswith("package:"):
        _make(Path(source))
    text = f"{_shown(Path(str(project.file)))} has a section {SECTION} already; nothing to do"
    return Outcome(Facts(more={"paths": []}), text)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}") from error


def _shown(path: Path) -> str:
    return os.path.relpath(path)


COMMAND = Command(
    description=(
        f"Set up this project: append {SECTION} to the nearest pyproject.toml (made if there is "
        "none) and make the folder of the migrations. A password is never written down."
    ),
    examples=(
        ("asyncmig init", "begin with SQLite"),
        ("asyncmig init --database postgresql://app@localhost/shop", "begin with PostgreSQL"),
        ("asyncmig init --source src/shop/migrations", "a folder of the package"),
    ),
    add_options=add_options,
    work=work,
)
