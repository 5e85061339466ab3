"""From a folder to its migrations: list the names, put them together, read the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.errors import NoMigrationsError, SourceError
from asyncmig.migration import Direction, LongScript, Migration, PythonScript, checksum
from asyncmig.sources.bundle import Bundle, File, bundle
from asyncmig.sources.decode import decode
from asyncmig.sources.location import locate, unreadable
from asyncmig.sources.long_file import read_long
from asyncmig.sources.names import Language, Misnamed, parse_name
from asyncmig.sources.place import Place, Text
from asyncmig.sources.python_file import read_python
from asyncmig.sources.sql_file import read_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.migration import Script
    from asyncmig.sources.location import Location, Source
    from asyncmig.sql import Dialect


def load(source: Source, dialect: Dialect) -> tuple[Migration, ...]:
    """Read the migrations of a folder or a package, completely, without running any.

    This blocks on the disk and on the parser; call it in a worker thread.

    Args:
        source: A path, a ``Traversable`` or ``"package:shop.migrations"``; see
            :func:`asyncmig.sources.location.locate`.
        dialect: Whose strings and comments the SQL files are written with.

    Returns:
        The versioned migrations by version, then the repeatable ones by name.

    Raises:
        SourceNotFoundError: There is no such folder.
        NoMigrationsError: There is no migration in it.
        InvalidMigrationError: A file cannot be read as a migration.
        DuplicateVersionError: Two files claim one version.
        SourceError: A file cannot be read at all.
    """
    migrations, problems = _read_all(source, dialect)
    if problems:
        raise problems[0]
    return migrations


def find_problems(source: Source, dialect: Dialect) -> tuple[SourceError, ...]:
    """Return everything that is wrong with the files, at most one error for each.

    The first of them, in the order of the file names, is the one that :func:`load` raises.
    """
    _, problems = _read_all(source, dialect)
    return problems


def _read_all(
    source: Source, dialect: Dialect
) -> tuple[tuple[Migration, ...], tuple[SourceError, ...]]:
    """Return the migrations that can be read, and what is wrong with the others."""
    problems: list[SourceError] = []
    try:
        files = _list_files(locate(source), problems)
    except SourceError as error:
        return (), (error,)
    migrations: list[Migration] = []
    for found in bundle(files):
        if isinstance(found, SourceError):
            problems.append(found)
        elif scripts := _read_scripts(found, dialect, problems):
            migrations.append(_migration(found.up, scripts))
    return tuple(migrations), tuple(sorted(problems, key=lambda error: error.file or ""))


def _list_files(location: Location, problems: list[SourceError]) -> list[File]:
    """Return the migration files of a folder, and note the names that cannot be."""
    files: list[File] = []
    for entry in location.files():
        name = parse_name(entry.name)
        path = location.path_of(entry.name)
        if name is None:
            continue
        if isinstance(name, Misnamed):
            problems.append(Place(path).wrong(name.sentence, hint=name.hint))
        else:
            files.append(File(name, path, entry))
    if not files and not problems:
        raise NoMigrationsError(location.label)
    return files


def _read_scripts(
    found: Bundle, dialect: Dialect, problems: list[SourceError]
) -> Mapping[Direction, Script]:
    """Read the one or two files of a migration; nothing at all when one of them is wrong."""
    scripts: dict[Direction, Script] = {}
    errors: list[SourceError] = []
    for file in found.files:
        try:
            scripts.update(_read_file(file, dialect))
        except SourceError as error:
            errors.append(error)
    problems += errors
    return {} if errors else scripts


def _read_file(file: File, dialect: Dialect) -> Mapping[Direction, Script]:
    """Read one file; a long one on disk without keeping all of it."""
    if isinstance(file.entry, Path):
        scripts = read_long(file.entry, file.place, file.name, dialect)
        if scripts is not None:
            return scripts
    try:
        content = file.entry.read_bytes()
    except OSError as error:
        raise unreadable(file.path, error) from error
    text = Text(decode(content, file.place), file.place)
    if file.name.language is Language.PYTHON:
        return read_python(text)
    return read_sql(text, file.name, dialect)


def _migration(file: File, scripts: Mapping[Direction, Script]) -> Migration:
    """Put a migration together."""
    up = scripts[Direction.UP]
    return Migration(
        version=file.name.version,
        name=file.name.name,
        checksum=_checksum(up),
        up=up,
        down=scripts.get(Direction.DOWN),
    )


def _checksum(up: Script) -> str:
    """Return the checksum of what applies a migration; a Python file counts as a whole."""
    if isinstance(up, LongScript):
        return up.checksum
    return checksum(up.source if isinstance(up, PythonScript) else up.text)
