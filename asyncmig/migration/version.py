"""What tells migrations apart, and puts them in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import total_ordering

_REPEATABLE_PREFIX = "R__"


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """The version of a migration: digits, kept as written, compared as a number.

    ``Version("007")`` and ``Version("7")`` are the same version, and ``"10"`` follows ``"9"``.
    Folders of other tools have versions of several numbers, such as ``1.2.10``, which follows
    ``1.2.9``; ``1`` and ``1.0`` are the same, as they are to Flyway.

    Attributes:
        text: The version as the file name or the history spells it.
        numbers: What it is compared by: without zeros at the end.

    Raises:
        ValueError: ``text`` is not made of the digits 0 to 9, with single dots between them.
    """

    text: str
    numbers: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is not a number: ``int()`` alone would accept ``"1_0"`` and ``" 1"``."""
        digits = self.text.split(".")
        if not all(part.isascii() and part.isdigit() for part in digits):
            message = f"a version is made of digits, not {self.text!r}"
            raise ValueError(message)
        numbers = [int(part) for part in digits]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        object.__setattr__(self, "numbers", tuple(numbers))

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Return the version that a text spells, ``None`` for what is none."""
        try:
            return cls(text)
        except ValueError:
            return None

    @property
    def number(self) -> int:
        """The first number, which is the only one in a folder of our own."""
        return self.numbers[0]

    @property
    def is_zero(self) -> bool:
        """Whether it stands for the time before every migration."""
        return self.numbers == (0,)

    def __str__(self) -> str:
        """Return the digits as they were written."""
        return self.text

    def __hash__(self) -> int:
        """Hash the numbers, because versions are compared as numbers."""
        return hash(self.numbers)

    def __eq__(self, other: object) -> bool:
        """Tell whether both are the same number."""
        return self.numbers == other.numbers if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        """Order by number."""
        return self.numbers < other.numbers


def key_of(version: Version | None, name: str) -> str:
    """Return the version as text, or ``R__name`` for what has none."""
    return f"{_REPEATABLE_PREFIX}{name}" if version is None else version.text
