"""What a linter says: a finding, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, from the least on."""

    NOTICE = "notice"
    """Worth knowing; nothing is wrong."""
    WARNING = "warning"
    """It works on an empty database, and may hurt on a busy one."""
    ERROR = "error"
    """It cannot work, or it destroys what nobody meant to destroy."""

    @property
    def rank(self) -> int:
        """A number that grows with the severity."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule says about one place.

    Attributes:
        rule: The name of the rule; ``squawk/…`` for one of squawk's.
        severity: How much it matters.
        message: One sentence.
        hint: What to do about it; empty when the sentence says it.
        version: The migration, as its version or ``R__name``.
        file: Where it was read.
        line: 1-based.
        column: 1-based, in characters.
    """

    rule: str
    severity: Severity
    message: str
    hint: str
    version: str
    file: str
    line: int
    column: int

    @property
    def location(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"
