"""Errors of the migration files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors.base import AsyncmigError

if TYPE_CHECKING:
    from collections.abc import Sequence


class SourceError(AsyncmigError):
    """The migration files are wrong. No database was touched."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """There is no such folder or package."""


class NoMigrationsError(SourceError):
    """The folder has no migration in it, which never is what a deploy wants."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"no migrations in {location}",
            hint="write the first one with `asyncmig new NAME`, or name another --source",
            file=location,
        )


class AmbiguousFormatError(SourceError):
    """The files mean one thing to one tool and another to another, and nothing says whose they are.

    Attributes:
        formats: The formats that they could be of.
    """

    def __init__(self, location: str, formats: Sequence[str]) -> None:
        first, other = formats[:2]
        super().__init__(
            f"{location} means one thing by the rules of {first} and another by those of {other}",
            hint=f"say whose it is: --format {first} or --format {other}",
            file=location,
        )
        self.formats = tuple(formats)


class InvalidMigrationError(SourceError):
    """A file cannot be read as a migration."""


class DuplicateVersionError(SourceError):
    """Two files claim one version, or two repeatables one name.

    Attributes:
        paths: The files.
    """

    def __init__(self, version: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"version {version} is claimed by {len(paths)} files: {', '.join(paths)}",
            hint="give all but one of them a version of its own; the halves of a pair end in "
            ".up.sql and .down.sql",
            version=version,
            file=paths[-1],
        )
        self.paths = tuple(paths)
