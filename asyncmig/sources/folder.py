"""From a folder to its migrations: list the names, put them together, read the files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncmig.breathing import breathing
from asyncmig.checksum import checksum
from asyncmig.errors import NoMigrationsError, SourceError
from asyncmig.migration import Direction, LongScript, Migration, PythonScript
from asyncmig.sources.bundle import Bundle, File, bundle
from asyncmig.sources.contents import Contents
from asyncmig.sources.decode import decode
from asyncmig.sources.formats.base import Context
from asyncmig.sources.formats.native import Native
from asyncmig.sources.formats.recognition import recognise
from asyncmig.sources.location import locate, unreadable
from asyncmig.sources.names import Language
from asyncmig.sources.place import Text
from asyncmig.sources.python_file import read_python
from asyncmig.sources.reading import BY_ITSELF
from asyncmig.sources.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.migration import Script
    from asyncmig.sources.formats.base import FileFormat
    from asyncmig.sources.location import Source
    from asyncmig.sources.reading import Reading
    from asyncmig.sql import Dialect


def load(source: Source, dialect: Dialect, reading: Reading = BY_ITSELF) -> tuple[Migration, ...]:
    """Read the migrations of a folder or a package, completely, without running any.

    This blocks on the disk and on the parser; call it in a worker thread.

    Args:
        source: A path, a ``Traversable`` or ``"package:shop.migrations"``; see
            :func:`asyncmig.sources.location.locate`.
        dialect: Whose strings and comments the SQL files are written with.
        reading: What is known of the files beforehand.

    Returns:
        The versioned migrations by version, then the repeatable ones by name.

    Raises:
        SourceNotFoundError: There is no such folder.
        NoMigrationsError: There is no migration in it.
        InvalidMigrationError: A file cannot be read as a migration.
        DuplicateVersionError: Two files claim one version.
        SourceError: A file cannot be read at all, or the folder in two ways.
        SettingsError: There is no such format.
    """
    contents = read_folder(source, dialect, reading)
    if contents.problems:
        raise contents.problems[0]
    return contents.migrations


def find_problems(
    source: Source, dialect: Dialect, reading: Reading = BY_ITSELF
) -> tuple[SourceError, ...]:
    """Return everything that is wrong with the files, at most one error for each.

    The first of them, in the order of the file names, is the one that :func:`load` raises.
    """
    try:
        return read_folder(source, dialect, reading).problems
    except SourceError as error:
        return (error,)


def read_folder(source: Source, dialect: Dialect, reading: Reading = BY_ITSELF) -> Contents:
    """Read a folder as :func:`load` does, and return what is wrong beside what is right.

    Raises:
        SourceNotFoundError: There is no such folder.
        NoMigrationsError: There is no migration in it.
        SourceError: It cannot be listed, or can be read in two ways.
        SettingsError: There is no such format.
    """
    tree = Tree(locate(source))
    context = Context(dialect, reading.placeholders)
    attempt = partial(_attempt, tree, context)
    return attempt(recognise(tree, reading, attempt))


def _attempt(tree: Tree, context: Context, by: FileFormat) -> Contents:
    """Read a folder by the rules of one format.

    Raises:
        NoMigrationsError: There is no migration in it.
    """
    problems: list[SourceError] = []
    files: list[File] = []
    for found in by.files(tree):
        if isinstance(found, File):
            files.append(found)
        else:
            problems.append(found)
    if not files and not problems:
        raise NoMigrationsError(tree.location.label)
    migrations: list[Migration] = []
    for group in breathing(bundle(files)):
        if isinstance(group, SourceError):
            problems.append(group)
        elif scripts := _read_scripts(group, by, context, problems):
            migrations.append(_migration(group.up, scripts))
    problems.sort(key=lambda error: error.file or "")
    return Contents(by.tool, tuple(migrations), tuple(problems))


def _read_scripts(
    found: Bundle, by: FileFormat, context: Context, problems: list[SourceError]
) -> Mapping[Direction, Script]:
    """Read the one or two files of a migration; nothing at all when one of them is wrong."""
    scripts: dict[Direction, Script] = {}
    errors: list[SourceError] = []
    for file in found.files:
        try:
            scripts.update(_read_file(file, by, context))
        except SourceError as error:
            errors.append(error)
    problems += errors
    return {} if errors else scripts


def _read_file(file: File, by: FileFormat, context: Context) -> Mapping[Direction, Script]:
    """Read one file; a long one of ours on disk without keeping all of it."""
    try:
        if isinstance(by, Native) and (scripts := _read_long(file, context)):
            return scripts
        content = file.entry.read_bytes()
    except OSError as error:
        raise unreadable(file.path, error) from error
    text = Text(decode(content, file.place, file.encoding), file.place)
    if file.name.language is Language.PYTHON:
        return read_python(text)
    return by.read(text, file, context)


def _read_long(file: File, context: Context) -> Mapping[Direction, Script] | None:
    """Read a file that is not to be kept; ``None`` for every other.

    Raises:
        OSError: It cannot be read.
    """
    path = None if file.entry.is_short else file.entry.path
    if path is None:
        return None
    from asyncmig.sources.long_file import read_long

    return read_long(path, file.place, file.name, context.dialect)


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
