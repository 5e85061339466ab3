"""From a project to files: the loop over its revisions."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.runtime.migration import MigrationContext

from asyncmig.errors import InvalidMigrationError, SettingsError
from asyncmig.from_alembic.renderer import Renderer
from asyncmig.from_alembic.rendering import Irreversible, Rendered, Revision, Unrendered
from asyncmig.from_alembic.text import text_of
from asyncmig.migration import Direction, Version
from asyncmig.sources.names import FileName, parse_name
from asyncmig.sources.place import Place, Text
from asyncmig.sources.scaffold import file_name
from asyncmig.sources.sql_file import read_sql

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from alembic.script import Script

    from asyncmig.from_alembic.project import Project
    from asyncmig.sql import Dialect

_WIDTH = 4
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """A file to write.

    Attributes:
        name: Its name.
        text: What is in it.
        revision: What it is from.
        unfinished: What a person has to write in it, direction by direction.
    """

    name: str
    text: str
    revision: str
    unfinished: tuple[tuple[Direction, Unrendered], ...] = ()


def convert(project: Project, dialect: Dialect) -> tuple[ConvertedFile, ...]:
    """Render every revision of a project, in an order in which they can be applied one by one.

    Args:
        project: The project.
        dialect: What to write.

    Raises:
        SourceError: The revisions cannot be read.
        SettingsError: There are none.
    """
    scripts = project.revisions()
    if not scripts:
        raise SettingsError(f"there are no revisions in {project.scripts.dir}")
    width = max(_WIDTH, len(str(len(scripts))))
    files: list[ConvertedFile] = []
    with (
        _silent(),
        project.environment() as environment,
        closing(Renderer(dialect, environment, project.options)) as renderer,
    ):
        for number, script in enumerate(scripts, start=1):
            version = Version(str(number).zfill(width))
            rendered = _rendered(renderer, script, project.parents_of(script))
            files.append(_file(version, rendered, dialect))
    return tuple(files)


@contextmanager
def _silent() -> Generator[None]:
    """Keep alembic from logging two lines for each direction, as ``env.py`` mostly has it do."""
    logger = logging.getLogger(MigrationContext.__module__)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _rendered(renderer: Renderer, script: Script, parents: tuple[str, ...]) -> Revision:
    functions = script.module
    return Revision(
        id=script.revision,
        parents=parents,
        message=script.doc or "",
        path=_shown(script.path),
        source=Path(script.path).read_text(encoding="utf-8"),
        up=renderer.up(script.revision, functions.upgrade, script.path),
        down=renderer.down(functions.downgrade, script.path),
    )


def _shown(path: str) -> str:
    """Return a path as it is seen from here, if it is below."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return path


def _file(version: Version, revision: Revision, dialect: Dialect) -> ConvertedFile:
    name = file_name(version, _words(revision))
    text = text_of(revision, dialect)
    if problem := _misread(name, text, revision, dialect):
        gone = Unrendered(problem, None, getattr(revision.up, "statements", ()))
        revision = replace(revision, up=gone, down=Irreversible(problem))
        text = text_of(revision, dialect)
    directions = {Direction.UP: revision.up, Direction.DOWN: revision.down}
    unfinished = ((d, one) for d, one in directions.items() if isinstance(one, Unrendered))
    return ConvertedFile(name, text, revision.id, tuple(unfinished))


def _words(revision: Revision) -> str:
    """Return what the file is called, which has to have a letter in it."""
    words = revision.message[:_LONGEST_NAME]
    return words if any(letter.isalnum() for letter in words) else f"revision {revision.id}"


def _misread(name: str, text: str, revision: Revision, dialect: Dialect) -> str:
    """Say why a file does not read as what it was written from; mostly it does."""
    parsed = parse_name(name)
    assert isinstance(parsed, FileName)  # noqa: S101 - it was made by the same rules
    try:
        parts = read_sql(Text(text, Place(name)), parsed, dialect)
    except InvalidMigrationError as error:
        return error.message
    expected: Sequence[Direction] = [
        Direction.UP,
        *([] if isinstance(revision.down, Irreversible) else [Direction.DOWN]),
    ]
    meant = {Direction.UP: revision.up, Direction.DOWN: revision.down}
    for direction in expected:
        part, one = parts.get(direction), meant[direction]
        if part is None:
            return f"a statement of it reads like the beginning of the way {direction}"
        if isinstance(one, Rendered) and part.transaction is not one.transaction:
            return "a statement of it reads like a marker"
    return "" if len(parts) == len(expected) else "a statement of it reads like a marker"
