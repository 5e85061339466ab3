"""The migration files as another tool knows them: by their names, or by their bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from asyncmig.sources.location import Location, locate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable

    from asyncmig.migration import Migration
    from asyncmig.sources import Source

_HEAD_BYTES = 4096
_ENDING = re.compile(r"(\.up)?\.(sql|py)\Z")
_ONE_PER_FOLDER = frozenset({"up", "migration"})
"""What the file is called where each migration has a folder of its own: diesel, Prisma."""


class Reads(Enum):
    """What has to be read of the files to know them again."""

    NAMES = "names"
    HEAD = "head"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """A migration, and the file that applies it.

    Attributes:
        migration: The migration.
        content: The bytes of the file, or the first of them, or none: as far as was asked for.
        listed_as: What a list beside the files calls it; empty where there is none.
    """

    migration: Migration
    content: bytes = field(default=b"", repr=False)
    listed_as: str = ""

    @property
    def file_name(self) -> str:
        """The name of the file, with its ending."""
        return self.migration.path.replace("\\", "/").rpartition("/")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """What tools that go by names may call it: the file, or its folder, without an ending.

        What a list beside the files says comes behind that.
        """
        folder, _, file_name = self.migration.path.replace("\\", "/").rpartition("/")
        stem = _ENDING.sub("", file_name)
        name = folder.rpartition("/")[2] if stem in _ONE_PER_FOLDER else stem
        return (name, self.listed_as) if self.listed_as else (name,)

    @property
    def line_end_forms(self) -> tuple[bytes, ...]:
        """The bytes as they are, with LF and with CRLF: git may have changed them."""
        unix = self.content.replace(b"\r\n", b"\n")
        return (self.content, unix, unix.replace(b"\n", b"\r\n"))


Listed = Callable[[Location], Mapping[str, str]]
"""What a tool's own list of the files calls each of them, by its path."""


def read_files(
    source: Source, migrations: Iterable[Migration], reads: Reads, listed: Listed | None = None
) -> tuple[MigrationFile, ...]:
    """Return the files of migrations. Blocks on the disk.

    Args:
        source: Where they are.
        migrations: What was read of them.
        reads: What has to be known of their bytes.
        listed: What a list beside them says, where there may be one.

    Raises:
        SourceError: That list cannot be read.
    """
    if reads is Reads.NAMES:
        return tuple(map(MigrationFile, migrations))
    location = locate(source)
    prefix = location.path_of("")
    names: Mapping[str, str] = listed(location) if listed else {}
    return tuple(
        MigrationFile(
            migration,
            _read(location.root, migration.path.removeprefix(prefix), reads),
            names.get(migration.path, ""),
        )
        for migration in migrations
    )


def _read(root: Traversable, path: str, reads: Reads) -> bytes:
    for part in path.split("/"):
        root = root.joinpath(part)
    with root.open("rb") as file:
        return file.read(_HEAD_BYTES if reads is Reads.HEAD else -1)
