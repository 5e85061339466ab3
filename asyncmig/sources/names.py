"""What the name of a file says: its version, its name, its direction and its language.

Pure: a name goes in, a value comes out, and no file is looked at.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from asyncmig.migration import Direction, Version, key_of


class Language(StrEnum):
    """What a file is written in, spelled as the file name ends."""

    SQL = "sql"
    PYTHON = "py"


@dataclass(frozen=True, slots=True)
class FileName:
    """The name of a migration file, taken apart.

    Attributes:
        version: The digits in front; ``None`` for a repeatable migration.
        name: What stands between the version and the endings.
        direction: Which half of a pair it is; ``None`` for a file that stands alone.
        language: What it is written in.
    """

    version: Version | None
    name: str
    direction: Direction | None = None
    language: Language = Language.SQL

    @property
    def key(self) -> str:
        """The migration it belongs to: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    @property
    def is_repeatable(self) -> bool:
        """Whether it is applied again whenever it changes."""
        return self.version is None


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A file that means to be a migration, under a name that cannot be one.

    Attributes:
        sentence: What is wrong with the name.
        suggestion: The name that was probably meant; empty without a guess.
    """

    sentence: str
    suggestion: str = ""

    @property
    def hint(self) -> str:
        """What to call it."""
        return f"did you mean {self.suggestion}? {_FORM}" if self.suggestion else _FORM


_FORM = (
    "A migration is called VERSION_name.sql, VERSION_name.up.sql with VERSION_name.down.sql, "
    "VERSION_name.py or R__name.sql, where VERSION is one number; "
    "a file that is no migration begins with an underscore"
)

_ENDINGS = frozenset(Language)

# Digits, an underscore, then anything: real names hold spaces, dashes, dots ("1.7.0_schema",
# "name..sql") and letters of every alphabet, and all of them have been applied somewhere.
_NAME = re.compile(
    r"(?:(?P<version>[0-9]+)_|R__)(?P<name>.+?)"
    r"(?:\.(?P<direction>up|down)\.*)?\.(?P<language>sql|py)",
    re.DOTALL,
)

# "001_a.DOWN.sql", "001_a.down .sql": taken as names they would run a down as an up. A mere dot
# too many ("001_a.up..sql") is understood, as golang-migrate understands it.
_ALMOST_A_DIRECTION = re.compile(
    r"(?P<stem>.+?)\.(?P<direction>up|down)[. ]*", re.IGNORECASE | re.DOTALL
)

_REST = r"(?P<rest>[^-_. 0-9].*)"
_HABITS = tuple(
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in (
        # 20260102T030405_add, 20260102-030405-add
        (rf"([0-9]{{8}})[-T]([0-9]{{4,6}})[-_. ]+{_REST}", r"\1\2_\g<rest>"),
        # 2026-01-02-add, 2026_01_02_add does not come here: it is a name already
        (rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})[-_. ]+{_REST}", r"\1\2\3_\g<rest>"),
        # 3-add, 3 add, 3.add, 3add, and V3__add of Flyway and refinery
        (rf"[vV]?([0-9]+)[-_. ]*{_REST}", r"\1_\g<rest>"),
        # 0001, V1
        (r"[vV]?([0-9]+)[-_. ]*", r"\1_NAME"),
        # U3__add, the undo of Flyway
        (rf"[uU]([0-9]+)__{_REST}", r"\1_\g<rest>.down"),
        # R_view, r__view, R-view
        (r"[rR][-_. ]+(?P<rest>[^-_. ].*)", r"R__\g<rest>"),
    )
)


def parse_name(file_name: str) -> FileName | Misnamed | None:
    """Take the name of a file apart.

    Args:
        file_name: The last component of a path.

    Returns:
        ``None`` for what is no migration and does not look like one: a name that begins with
        ``_`` or ``.``, or that has another ending.
    """
    stem, dot, ending = file_name.rpartition(".")
    if file_name.startswith(("_", ".")) or not dot or ending.lower() not in _ENDINGS:
        return None
    if not stem.isprintable() and _has_controls(stem):
        return Misnamed("the name has characters that cannot be written down")
    found = _take_apart(file_name)
    if found is None:
        return Misnamed("this is not the name of a migration", _guess(stem, ending.lower()))
    return _contradiction(found) or found


def is_half(file_name: str) -> bool:
    """Tell whether a file is one half of a pair, by how its name ends."""
    return file_name.endswith((".up.sql", ".down.sql"))


def _has_controls(stem: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in stem)


def _take_apart(file_name: str) -> FileName | None:
    """Return the parts of a name that has the right form."""
    match = _NAME.fullmatch(file_name)
    if match is None or _ALMOST_A_DIRECTION.fullmatch(match["name"]):
        return None
    return FileName(
        version=Version(match["version"]) if match["version"] else None,
        name=match["name"],
        direction=Direction(match["direction"]) if match["direction"] else None,
        language=Language(match["language"]),
    )


def _contradiction(found: FileName) -> Misnamed | None:
    """Say which parts of a well-formed name do not go together."""
    if found.language is Language.PYTHON and found.direction:
        return Misnamed(
            "a Python migration holds both directions in one file",
            "" if found.is_repeatable else f"{found.version}_{found.name}.py",
        )
    if found.is_repeatable and found.language is Language.PYTHON:
        return Misnamed("a repeatable migration is written in SQL")
    if found.is_repeatable and found.direction is Direction.DOWN:
        return Misnamed("a repeatable migration has no way down")
    if found.is_repeatable and found.direction is Direction.UP:
        return Misnamed("a repeatable migration needs no direction", f"R__{found.name}.sql")
    return None


def _guess(stem: str, ending: str) -> str:
    """Return the name that was probably meant, empty when nothing comes to mind."""
    almost = _ALMOST_A_DIRECTION.fullmatch(stem)
    stem, direction = (almost["stem"], f".{almost['direction'].lower()}") if almost else (stem, "")
    for candidate in (stem, *_by_habit(stem)):
        found = _take_apart(name := f"{candidate}{direction}.{ending}")
        if found and not _contradiction(found):
            return name
    return ""


def _by_habit(stem: str) -> list[str]:
    """Return what the habits of other tools turn into here."""
    matches = ((pattern.fullmatch(stem), replacement) for pattern, replacement in _HABITS)
    return [match.expand(replacement) for match, replacement in matches if match]
