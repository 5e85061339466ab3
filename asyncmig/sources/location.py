"""Where migrations are: a folder on disk, a folder of a package, a folder in a zip."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from asyncmig.errors import SourceError, SourceNotFoundError

if TYPE_CHECKING:
    # Nothing of it is needed to run: 3.11 has it here and in importlib.abc, from where 3.14
    # removes it, and importing it costs more than listing a folder.
    from importlib.resources.abc import Traversable

Source: TypeAlias = "str | os.PathLike[str] | Traversable"
"""What can hold migrations; see :func:`locate`."""

LONG = 1 << 20
"""Bytes of a SQL file, or characters of a script, from which on it is not kept in memory."""

_PACKAGE = "package:"


@dataclass(frozen=True, slots=True)
class Location:
    """A place that may hold migrations.

    Attributes:
        label: The place, as the user spelled it.
        root: What can be listed and read.
    """

    label: str
    root: Traversable

    def path_of(self, file_name: str) -> str:
        """Return what messages call a file in it."""
        return f"{self.label.rstrip('/')}/{file_name}"

    def files(self) -> list[Traversable]:
        """List what is in the folder and no folder itself, sorted by name.

        A broken link is none, so it is listed, and cannot be read.

        Raises:
            SourceNotFoundError: There is no such folder, or it is a file.
            SourceError: It cannot be read.
        """
        try:
            if self.root.is_dir():
                folders = self._folders()
                found = (entry for entry in self.root.iterdir() if entry.name not in folders)
                return sorted(found, key=lambda entry: entry.name)
            is_file = self.root.is_file()
        except OSError as error:
            raise unreadable(self.label, error) from error
        raise self._not_a_folder() if is_file else self._not_found()

    def folders(self) -> list[Location]:
        """List the folders in the folder, sorted by name, without those that begin with a dot.

        Raises:
            SourceError: It cannot be read.
        """
        try:
            names = sorted(name for name in self._folders() if not name.startswith("."))
        except OSError as error:
            raise unreadable(self.label, error) from error
        return [Location(self.path_of(name), self.root.joinpath(name)) for name in names]

    def _folders(self) -> set[str]:
        """Return the names of the folders in it.

        On disk the listing itself tells, which is far quicker than to ask for each entry.
        """
        if not isinstance(self.root, Path):
            return {entry.name for entry in self.root.iterdir() if entry.is_dir()}
        with os.scandir(self.root) as entries:
            return {entry.name for entry in entries if _is_folder(entry)}

    def _not_a_folder(self) -> SourceNotFoundError:
        """Return the error for a file in the place of a folder."""
        folder = self.label.rpartition("/")[0] or "."
        return SourceNotFoundError(
            f"{self.label} is a file, and migrations are read from a folder",
            hint=f"give the folder that it is in: {folder}",
            file=self.label,
        )

    def _not_found(self) -> SourceNotFoundError:
        """Return the error for nothing at all, and say where it would have been."""
        place = self.root.absolute() if isinstance(self.root, Path) else self.root.name
        return SourceNotFoundError(
            f"there is no folder {self.label}",
            hint=f"looked for {place}; name another one with --source, or begin with "
            "`asyncmig init`",
            file=self.label,
        )


def locate(source: Source) -> Location:
    """Find the place that a source names, without looking into it.

    Args:
        source: A path, absolute or relative to the working directory; a ``Traversable``, such as
            ``importlib.resources.files("shop.migrations")``; or ``"package:shop.migrations"``,
            the folder ``migrations`` of the package ``shop``. The last form imports nothing: the
            top-level package is looked up on ``sys.path``, and the other names are folders in it,
            packages themselves or not. (A folder really called ``package:…`` is ``./package:…``.)

    Raises:
        SourceNotFoundError: There is no such package, or the source is an empty string.
        TypeError: ``source`` is of another type.
    """
    if isinstance(source, str) and source.startswith(_PACKAGE):
        return Location(source, _folder_of_package(source.removeprefix(_PACKAGE)))
    if source == "":
        # Path("") is the working directory, which nobody means by an empty setting.
        raise SourceNotFoundError("the source is empty", hint="name a folder with --source")
    if isinstance(source, str | os.PathLike):
        return Location(Path(source).as_posix(), Path(source))
    if not hasattr(source, "iterdir"):
        message = f"a source is a path or a Traversable, not {type(source).__name__}"
        raise TypeError(message)
    # Some have a path for their text (zipfile.Path), some only a repr (MultiplexedPath).
    has_text = type(source).__str__ is not object.__str__
    return Location(str(source) if has_text else source.name, source)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, for one
        return False


def unreadable(path: str, error: OSError) -> SourceError:
    """Return the error for a file or folder that the operating system does not give."""
    return SourceError(f"{path} cannot be read: {error.strerror or error}", file=path)


def _folder_of_package(dotted: str) -> Traversable:
    """Return the folder that a dotted name means.

    Nothing is imported: an application that migrates from its own ``__init__`` would wait for its
    own import lock in our thread, and the command line would start the application.
    """
    package, *folders = dotted.split(".")
    if not all((package, *folders)) or "/" in dotted:
        raise SourceNotFoundError(
            f"{dotted!r} is not the name of a package",
            hint=f"write it as an import does: {_PACKAGE}shop.migrations",
            file=_PACKAGE + dotted,
        )
    folder = _top_level_folder(package, asked_for=_PACKAGE + dotted)
    for name in folders:
        folder = folder.joinpath(name)
    return folder


def _top_level_folder(package: str, *, asked_for: str) -> Traversable:
    """Return the folder of a top-level package, without importing it."""
    from importlib.resources import files
    from importlib.util import find_spec, module_from_spec

    try:
        spec = find_spec(package)
    except ValueError:  # __main__, and modules that were put together by hand, have no spec
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        what = f"there is no package {package}" if spec is None else f"{package} is not a package"
        path = ", ".join(entry or "." for entry in sys.path)
        raise SourceNotFoundError(
            what, hint=f"it is looked for on sys.path: {path}", file=asked_for
        )
    try:
        return files(module_from_spec(spec))
    except NotADirectoryError as error:  # until 3.12, for a namespace package inside a zip
        raise SourceNotFoundError(
            f"package {package} cannot be listed", hint="give it an __init__.py", file=asked_for
        ) from error
