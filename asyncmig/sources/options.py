"""The options of a migration: what a marker in SQL and an attribute in Python can say."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asyncmig.durations import WITHOUT_LIMIT, seconds_in
from asyncmig.locks import Hazard, hazards_in
from asyncmig.migration import Batching, Limits, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
        batch: Rows: the statement runs in batches, of that size at first.
        target: As in :class:`asyncmig.migration.Batching`, like those that follow; in seconds.
        pause: In seconds.
        replica_lag: In seconds.
    """

    transaction: bool = True
    foreign_keys: bool = True
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    budget: float | None = None
    retries: int | None = None
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()
    batch: int | None = None
    target: float | None = None
    pause: float | None = None
    replica_lag: float | None = None

    @property
    def batching(self) -> Batching | None:
        """How it runs in batches, ``None`` when it does not.

        Raises:
            ValueError: A value is out of its bounds.
        """
        if self.batch is None:
            return None
        batching = Batching(size=self.batch, pause=self.pause, replica_lag=self.replica_lag)
        return batching if self.target is None else replace(batching, target=self.target)

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


def _rows(written: str) -> int | None:
    return int(written) if re.fullmatch("[0-9]{1,9}", written) else None


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
    "batch": _Reader(_rows, "a number of rows", "N", ("1000",)),
    "target": _Reader(seconds_in, "a duration (500ms, 2s)", "TIME", ("500ms",)),
    "pause": _Reader(seconds_in, "a duration (0s, 100ms)", "TIME", ("100ms",)),
    "replica_lag": _Reader(seconds_in, "a duration (10s, 1m)", "TIME", ("10s",)),
}

_OF_BATCHES = {"target", "pause", "replica_lag"}

_NEAR = 0.76  # "idle_timeout" (0.75) is no slip for "lock_timeout"


def read_options(words: Iterable[Word], text: Text) -> Options:
    """Read the ``key:value`` words of a marker.

    Raises:
        InvalidMigrationError: A word is no option, has another value, or says a thing twice.
    """
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    for word in words:
        key, value = _read_option(word, text)
        if key in found:
            raise text.wrong_at(word.offset, f"{key} is said twice", hint="leave one of them out")
        found[key], places[key] = value, word.offset
    options = Options(**found)
    _check_batches(options, places, text)
    return options


def _check_batches(options: Options, places: Mapping[str, int], text: Text) -> None:
    """Refuse what makes no sense in batches, or only there."""
    if options.batch is None:
        for key in _OF_BATCHES & places.keys():
            raise text.wrong_at(places[key], f"{key} is about batches", hint="write batch:1000 too")
        return
    if not options.transaction:
        sentence = "each batch has a transaction of its own, which transaction:false takes away"
        hint = "leave transaction:false out"
        raise text.wrong_at(places["transaction"], sentence, hint=hint)
    if not options.foreign_keys:
        sentence = "foreign keys stay on in batches: between two of them the application writes"
        raise text.wrong_at(places["foreign_keys"], sentence, hint="leave it out, or batch")
    try:
        _ = options.batching
    except ValueError as error:
        hint = "write batch:1000, and leave the rest to asyncmig"
        raise text.wrong_at(places["batch"], str(error), hint=hint) from None


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
