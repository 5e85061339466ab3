"""The options of a migration: what a marker in SQL and an attribute in Python can say."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncmig.durations import WITHOUT_LIMIT, seconds_in
from asyncmig.locks import Hazard, hazards_in
from asyncmig.migration import Limits, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asyncmig.errors import InvalidMigrationError
    from asyncmig.sources.place import Text


@dataclass(frozen=True, slots=True)
class Options:
    """What the author asked for.

    Attributes:
        transaction: ``False`` for ``transaction:false``: each statement commits by itself.
        foreign_keys: ``False`` for ``foreign_keys:off``: SQLite does not enforce them meanwhile.
        lock_timeout: As in :class:`asyncmig.migration.Limits`, like those that follow.
        statement_timeout: In seconds; infinity for ``none``.
        budget: In seconds; infinity for ``none``.
        retries: A number.
        phase: When the way up may be applied.
        allow: What it may do to relations in use.
    """

    transaction: bool = True
    foreign_keys: bool = True
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    budget: float | None = None
    retries: int | None = None
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()

    @property
    def limits(self) -> Limits:
        """How long and how often it may try."""
        return Limits(self.lock_timeout, self.statement_timeout, self.budget, self.retries)


@dataclass(frozen=True, slots=True)
class Word:
    """One word behind a marker.

    Attributes:
        text: The word as written.
        offset: Where in the file it starts, in characters.
    """

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the value of an option is spelled.

    Attributes:
        read: Returns what a word stands for, ``None`` for nothing.
        what: What it is, behind "lock_timeout is".
        listed: What to write, in a list of all options.
        examples: What to write, in advice.
    """

    read: Callable[[str], object]
    what: str
    listed: str
    examples: tuple[str, ...]


def limit_in(written: str) -> float | None:
    """Return the seconds of a limit, infinity for none at all; ``None`` when it is no limit.

    0 is refused, because it would mean "no limit" to PostgreSQL.
    """
    return math.inf if written in WITHOUT_LIMIT else seconds_in(written) or None


def _choice(**values: object) -> _Reader:
    return _Reader(values.get, " or ".join(values), "|".join(values), tuple(values))


def _count(written: str) -> int | None:
    return int(written) if re.fullmatch("[0-9]{1,6}", written) else None


def _hazards(written: str) -> frozenset[Hazard] | None:
    return hazards_in(written.split(","))


_LIMIT = _Reader(limit_in, "a duration above 0 (500ms, 2s, 1m) or none", "TIME", ("2s", "none"))

_READERS = {
    "transaction": _choice(true=True, false=False),
    "foreign_keys": _choice(on=True, off=False),
    "lock_timeout": _LIMIT,
    "statement_timeout": _LIMIT,
    "budget": _LIMIT,
    "retries": _Reader(_count, "a whole number", "N", ("20", "0")),
    "phase": _choice(pre=Phase.PRE, post=Phase.POST),
    "allow": _Reader(
        _hazards, f"one or several of {', '.join(Hazard)}", "WHAT,…", ("rewrite", "rewrite,scan")
    ),
}

_NEAR = 0.76  # "idle_timeout" (0.75) is no slip for "lock_timeout"


def read_options(words: Iterable[Word], text: Text) -> Options:
    """Read the ``key:value`` words of a marker.

    Raises:
        InvalidMigrationError: A word is no option, has another value, or says a thing twice.
    """
    found: dict[str, Any] = {}
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


def _read_option(word: Word, text: Text) -> tuple[str, object]:
    """Return the name and the value that one word stands for."""
    written, colon, value = word.text.partition(":")
    key = written.replace("-", "_")
    reader = _READERS.get(key)
    if not colon or reader is None:
        raise _no_option(word, text)
    found = reader.read(value)
    if found is None:
        said = f"not {value!r}" if value else "and no value follows the colon"
        choice = " or ".join(f"{key}:{example}" for example in reader.examples)
        raise text.wrong_at(word.offset, f"{key} is {reader.what}, {said}", hint=f"write {choice}")
    return key, found


def _no_option(word: Word, text: Text) -> InvalidMigrationError:
    """Return the error for a word that is no option at all."""
    written, *rest = re.split("[:=]", word.text, maxsplit=1)
    folded = written.casefold().replace("-", "_")
    key = folded if folded in _READERS else closest(folded, _READERS, cutoff=_NEAR)
    if not key:
        known = ", ".join(f"{name}:{reader.listed}" for name, reader in _READERS.items())
        return text.wrong_at(
            word.offset, f"{word.text!r} is no option of a marker", hint=f"there are {known}"
        )
    reader, value = _READERS[key], rest[0].casefold() if rest else ""
    fits = reader.read(value) is not None
    spelled = f"{key}:{value if fits else ' or '.join(reader.examples)}"
    return text.wrong_at(
        word.offset, f"{word.text!r} is no option of a marker", hint=f"did you mean {spelled}?"
    )
