"""The options of a migration: what a marker in SQL and an attribute in Python can say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.errors import InvalidMigrationError
    from asyncmig.sources.place import Text


@dataclass(frozen=True, slots=True)
class Options:
    """What the author asked for.

    Attributes:
        transaction: ``False`` for ``transaction:false``: each statement commits by itself.
        foreign_keys: ``False`` for ``foreign_keys:off``: SQLite does not enforce them meanwhile.
    """

    transaction: bool = True
    foreign_keys: bool = True


@dataclass(frozen=True, slots=True)
class Word:
    """One word behind a marker.

    Attributes:
        text: The word as written.
        offset: Where in the file it starts, in characters.
    """

    text: str
    offset: int


_VALUES = {
    "transaction": {"true": True, "false": False},
    "foreign_keys": {"on": True, "off": False},
}


def read_options(words: Iterable[Word], text: Text) -> Options:
    """Read the ``key:value`` words of a marker.

    Raises:
        InvalidMigrationError: A word is no option, has another value, or says a thing twice.
    """
    found: dict[str, bool] = {}
    for word in words:
        key, value = _read_option(word, text)
        if key in found:
            raise text.wrong_at(word.offset, f"{key} is said twice", hint="leave one of them out")
        found[key] = value
    return Options(**found)


def closest(word: str, choices: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the choice that a misspelt word was meant to be, empty when none is near."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(choices), n=1, cutoff=cutoff)), "")


def _read_option(word: Word, text: Text) -> tuple[str, bool]:
    """Return the name and the value that one word stands for."""
    written, colon, value = word.text.partition(":")
    key = written.replace("-", "_")
    if not colon or key not in _VALUES:
        raise _no_option(word, text)
    values = _VALUES[key]
    if value not in values:
        said = f"not {value!r}" if value else "and no value follows the colon"
        choice = " or ".join(f"{key}:{allowed}" for allowed in values)
        raise text.wrong_at(
            word.offset, f"{key} is {' or '.join(values)}, {said}", hint=f"write {choice}"
        )
    return key, values[value]


def _no_option(word: Word, text: Text) -> InvalidMigrationError:
    """Return the error for a word that is no option at all."""
    written, *rest = re.split("[:=]", word.text, maxsplit=1)
    folded = written.casefold().replace("-", "_")
    key = folded if folded in _VALUES else closest(folded, _VALUES)
    if not key:
        known = ", ".join(f"{name}:{'|'.join(values)}" for name, values in _VALUES.items())
        return text.wrong_at(
            word.offset, f"{word.text!r} is no option of a marker", hint=f"there are {known}"
        )
    value = rest[0].casefold() if rest else ""
    spelled = f"{key}:{value if value in _VALUES[key] else ' or '.join(_VALUES[key])}"
    return text.wrong_at(
        word.offset, f"{word.text!r} is no option of a marker", hint=f"did you mean {spelled}?"
    )
