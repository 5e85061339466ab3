"""Prove that the files are what another tool has applied, by the checksums that it kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Applied, Changed, Pair


def each(is_same: Callable[[Applied, MigrationFile], bool]) -> Changed:
    """Compare each file by itself, where the tool kept a checksum of it."""

    def changed(pairs: Sequence[Pair], _files: Sequence[MigrationFile]) -> Iterator[Applied]:
        for applied, file in pairs:
            if applied.checksum and not is_same(applied, file):
                yield applied

    return changed
