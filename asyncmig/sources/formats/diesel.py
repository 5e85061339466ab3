"""The folders of diesel: one for each migration, with ``up.sql`` and ``down.sql`` in it.

Rules: diesel-rs/diesel, ``diesel_migrations/migrations_internals`` and ``file_based_migrations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Direction
from asyncmig.sources.bundle import File
from asyncmig.sources.decode import decode
from asyncmig.sources.formats.numbering import in_order, version_sorted_as_text
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.location import unreadable
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Script, Version
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_UP = "up.sql"
_MARKER = "`run_in_transaction = false` in its metadata.toml"
_HALVES = {_UP: Direction.UP, "down.sql": Direction.DOWN}


class Diesel:
    """``VERSION_name/up.sql`` and ``VERSION_name/down.sql``; dashes in a version are nothing."""

    tool = "diesel"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a folder with an ``up.sql``."""
        return _UP in tree.names_below

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the halves of each folder. An empty folder is none, as for diesel."""
        found: list[File] = []
        for folder in tree.folders:
            if not (folder.files or folder.folders):
                continue
            try:
                found += _halves(folder)
            except SourceError as error:
                yield error
        found.sort(key=lambda file: _digits(file.path.split("/")[-2]))
        yield from in_order(found, self.tool)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file."""
        return whole(text, file, context, marker=_MARKER)


def diesel_version(name: str) -> Version:
    """Return the version of a migration by what its folder, or the history of diesel, calls it.

    Raises:
        ValueError: It is no number.
    """
    return version_sorted_as_text(_digits(name))


def _digits(name: str) -> str:
    """Return what diesel takes for the version, and sorts by as text."""
    return name.partition("_")[0].replace("-", "")


def _halves(folder: Tree) -> list[File]:
    """Return the files of one migration.

    Raises:
        SourceError: Something is wrong with it.
    """
    place = Place(folder.location.label)
    if _UP not in folder.names:
        raise place.wrong(f"there is no {_UP} in it", hint="write one, or take the folder away")
    try:
        version = diesel_version(folder.name)
    except ValueError:
        raise place.wrong(
            "its name does not begin with a number", hint="here a version is a number: rename it"
        ) from None
    name = folder.name.partition("_")[2] or folder.name
    without = not _runs_in_transaction(folder)
    return [
        File(FileName(version, name, _HALVES[entry.name]), folder.path_of(entry), entry, without)
        for entry in folder.files
        if entry.name in _HALVES
    ]


def _runs_in_transaction(folder: Tree) -> bool:
    """Read what may stand beside the halves.

    The documentation has it that a migration runs in a transaction unless the file says otherwise.
    (The code takes a file without the word for a no.)

    Raises:
        SourceError: It cannot be read.
    """
    entry = folder.find("metadata.toml")
    if entry is None:
        return True
    place = Place(folder.path_of(entry))
    import tomllib  # every folder is shown to this format, and hardly one is its own

    try:
        metadata = tomllib.loads(decode(entry.read_bytes(), place))
    except OSError as error:
        raise unreadable(place.path, error) from error
    except tomllib.TOMLDecodeError as error:
        raise place.wrong(f"this is not TOML: {error}") from None
    runs = metadata.get("run_in_transaction", True)
    if not isinstance(runs, bool):
        raise place.wrong("run_in_transaction is true or false")
    return runs
