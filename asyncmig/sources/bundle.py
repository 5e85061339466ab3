"""Which files make up one migration, and which get in each other's way.

Pure: it looks at names alone, so a folder can be checked for duplicates without reading a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.errors import DuplicateVersionError, SourceError
from asyncmig.migration import Direction
from asyncmig.sources.decode import UTF_8
from asyncmig.sources.names import FileName, Language
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncmig.migration import Version
    from asyncmig.sources.entry import Entry


@dataclass(frozen=True, slots=True)
class File:
    """A migration file that was listed and not yet read.

    Attributes:
        name: Its name, taken apart.
        path: What messages call it.
        entry: What can be read.
        without_transaction: Whether something beside the file says that it must not run in one.
        encoding: What its text is encoded in, where a tool lets its files say that.
    """

    name: FileName
    path: str
    entry: Entry
    without_transaction: bool = False
    encoding: str = UTF_8

    @property
    def place(self) -> Place:
        """Where its errors are."""
        return Place(self.path, self.name.key)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one migration.

    Attributes:
        up: The file that applies it, and that gives it its name.
        down: The other half of a pair.
    """

    up: File
    down: File | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """The one file, or both."""
        return (self.up,) if self.down is None else (self.up, self.down)


def bundle(files: Iterable[File]) -> Iterator[Bundle | SourceError]:
    """Put together the files of each migration: first the versioned ones, then the repeatable.

    The halves of a pair belong together by their version alone, as in golang-migrate: one half
    may have been renamed after it was shipped, and the history knows only the version.
    """
    groups: dict[Version | str, list[File]] = {}
    for file in files:
        groups.setdefault(_identity(file.name), []).append(file)
    for group in sorted(groups.values(), key=_place_in_order):
        yield _bundle_of(group)


def _identity(name: FileName) -> Version | str:
    """Return what two files of one migration have in common."""
    return name.name if name.version is None else name.version


def _place_in_order(group: list[File]) -> tuple[int, tuple[int, ...], str]:
    """Return what sorts versions by number, and repeatables behind them by name."""
    name = group[0].name
    return (1, (), name.name) if name.version is None else (0, name.version.numbers, "")


def _bundle_of(group: list[File]) -> Bundle | SourceError:
    """Make one migration of the files that claim one version."""
    ups = [file for file in group if file.name.direction is not Direction.DOWN]
    downs = [file for file in group if file.name.direction is Direction.DOWN]
    for claims in (ups, downs):
        if len(claims) > 1:
            return DuplicateVersionError(group[0].name.key, [file.path for file in claims])
    if not downs:
        return Bundle(ups[0])
    if not ups:
        return _without_up(downs[0])
    if ups[0].name.direction is None:
        return _beside_a_whole(downs[0], ups[0])
    return Bundle(ups[0], downs[0])


def _without_up(down: File) -> SourceError:
    """Return the error for a down that nothing goes up to."""
    missing = f"{down.name.version}_{down.name.name}.{Direction.UP}.{down.name.language}"
    return down.place.wrong(
        "the down half of a pair without its up",
        hint=f"write {missing} too; or say --format golang-migrate, which takes it for one that "
        "has nothing to apply",
    )


def _beside_a_whole(down: File, whole: File) -> SourceError:
    """Return the error for a down beside a file that is not half of a pair."""
    file_name = whole.entry.name
    hint = (
        f"write `async def down(connection):` into {file_name} instead"
        if whole.name.language is Language.PYTHON
        else f"rename {file_name} to {file_name.removesuffix('sql')}{Direction.UP}.sql"
    )
    return down.place.wrong(f"a down half, but {file_name} is no up half", hint=hint)
