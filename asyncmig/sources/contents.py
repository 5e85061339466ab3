"""What was found in a folder of migrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.errors import SourceError
    from asyncmig.migration import Migration


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a folder.

    Attributes:
        format: The tool by whose rules it was read.
        migrations: The versioned migrations by version, then the repeatable ones by name; those
            that can be read.
        problems: What is wrong with the others, by file, at most one error for each.
    """

    format: str
    migrations: tuple[Migration, ...]
    problems: tuple[SourceError, ...] = ()
