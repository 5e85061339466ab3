"""How the files of a source are read, where that is not left to what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO = "auto"
"""Let the folder say whose files it holds."""

MAYBE_OURS = frozenset({AUTO, "asyncmig", "dbmate"})
"""With these the files may be of our own format."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read.

    Attributes:
        format: The tool whose rules they follow, such as ``goose``, or ``auto``.
        placeholders: What the placeholders of those tools that have some stand for, by name.
    """

    format: str = AUTO
    placeholders: Mapping[str, str] = field(default_factory=dict[str, str])


BY_ITSELF = Reading()
"""Nothing is said beforehand."""
