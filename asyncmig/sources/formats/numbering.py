"""Versions for the folders of tools that know no numbers, but names, which they sort as text.

Here versions are compared as numbers, so it takes care that the order stays what it was.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncmig.sources.bundle import File

_STAMP = re.compile(r"(?:19|20)[0-9]{6,}")
_LENGTH = len("20260102030405")


def version_sorted_as_text(digits: str, behind: str = "") -> Version:
    """Return the version that digits stand for which their tool compares as text.

    Numbers of one length are in the same order as text and as numbers, and most folders have only
    those. Time stamps come in several: ``20240313`` is between ``20240306170000`` and
    ``20240314090000`` as text, and in front of both as a number (vaultwarden), and a sequence
    behind the seconds makes ``202512291102420000`` greater than any of the next year (crates.io).
    So a stamp is filled up to the second, and what follows is a number of its own, with a one in
    front: ``-0000`` comes behind the same second without it (crates.io has both). It is filled with
    nines where it is followed by something that is greater than a digit, an underscore above all.

    Args:
        digits: The digits.
        behind: What follows them, if the tool sorts by that too.

    Raises:
        ValueError: They are not all digits.
    """
    if not _STAMP.fullmatch(digits):
        return Version(digits)
    filling = "9" if behind[:1] > "9" else "0"
    seconds, sequence = digits[:_LENGTH].ljust(_LENGTH, filling), digits[_LENGTH:]
    return Version(f"{seconds}.1{sequence}" if sequence else seconds)


def in_order(files: Iterable[File], tool: str) -> Iterator[File | SourceError]:
    """Yield files, and an error for each that would not run when its tool runs it.

    Args:
        files: The files, in the order of the tool.
        tool: What messages call it.
    """
    highest: File | None = None
    for file in files:
        if highest and _version(file) < _version(highest):
            yield file.place.wrong(
                f"version {file.name.version} comes behind {highest.name.version} by the rules of "
                f"{tool} ({highest.path}), and in front of it as a number",
                hint="versions are compared as numbers here: rename one of the two",
            )
        else:
            highest = file
            yield file


def told_apart(files: Iterable[File | SourceError]) -> Iterator[File | SourceError]:
    """Yield files with a version for each name.

    Where a tool knows migrations by their whole names, two may share a number. The second gets
    ``.1`` behind it, the third ``.2``: they stay behind the first, and in front of the next.

    Args:
        files: The files, in the order of the tool.
    """
    sharing: dict[Version, list[str]] = {}
    for file in files:
        if isinstance(file, SourceError):
            yield file
            continue
        version, name = _version(file), file.name.name
        names = sharing.setdefault(version, [])
        if name not in names:
            names.append(name)
        place = names.index(name)
        own = Version(f"{version}.{place}") if place else version
        yield replace(file, name=replace(file.name, version=own))


def _version(file: File) -> Version:
    """Return the version of a file of a tool that has no repeatable ones."""
    version = file.name.version
    assert version is not None  # noqa: S101 - these formats give each file one
    return version
