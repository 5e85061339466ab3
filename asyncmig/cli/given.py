"""A setting as somebody gave it, and what it can be read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from asyncmig.cli.secrets import redacted
from asyncmig.durations import seconds_in
from asyncmig.errors import SettingsError
from asyncmig.sizes import bytes_in

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as somebody gave it.

    Attributes:
        value: A string, or what TOML made of it.
        origin: Who gave it: the flag, the variable, or the key and its file.
    """

    value: object = field(repr=False)
    origin: str

    def wrong(self, what: str) -> SettingsError:
        """Return the error for a value that cannot be."""
        return SettingsError(f"{self.origin}: {redacted(str(self.value))!r} is not {what}")


def as_text(given: Given) -> str:
    """Return the value as a string that says something.

    Raises:
        SettingsError: It is of another type, or empty.
    """
    if not isinstance(given.value, str):
        raise given.wrong("a string")
    if not given.value.strip():
        raise SettingsError(f"{given.origin} is empty")
    return given.value


def as_seconds(given: Given) -> float:
    """Return a duration in seconds: ``30``, ``30s``, ``500ms``, ``2m``.

    Raises:
        SettingsError: It is none.
    """
    written = given.value
    if isinstance(written, int | float) and not isinstance(written, bool) and written >= 0:
        return float(written)
    seconds = seconds_in(written) if isinstance(written, str) else None
    if seconds is None:
        raise given.wrong("a duration (30, 30s, 500ms, 2m)")
    return seconds


def as_whole_number(given: Given) -> int:
    """Return a number of 0 or more.

    Raises:
        SettingsError: It is none.
    """
    written = given.value
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return written
    if isinstance(written, str) and written.isascii() and written.isdigit():
        return int(written)
    raise given.wrong("a whole number of at least 0")


def as_pairs(given: Given) -> Mapping[str, str]:
    """Return values by name: a table of TOML, or ``name=value`` with commas between.

    Raises:
        SettingsError: It is neither.
    """
    written = given.value
    if isinstance(written, dict):
        return {
            str(name): str(value) for name, value in cast("dict[object, object]", written).items()
        }
    pairs = [pair.partition("=") for pair in as_text(given).split(",")]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise given.wrong("NAME=VALUE, with commas between several")
    return {name.strip(): value.strip() for name, _, value in pairs}


def as_switch(given: Given) -> bool:
    """Return whether the value says yes: ``true``, ``on``, ``yes`` or ``1``.

    Raises:
        SettingsError: It says neither yes nor no.
    """
    words = {"true": True, "on": True, "yes": True, "1": True}
    words |= {"false": False, "off": False, "no": False, "0": False}
    found = words.get(str(given.value).strip().lower())
    if found is None:
        raise given.wrong("true or false")
    return found


def as_size(given: Given) -> int:
    """Return a number of bytes: ``4096``, ``512kB``, ``10MB``.

    Raises:
        SettingsError: It is none.
    """
    written = given.value
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return written
    found = bytes_in(written) if isinstance(written, str) else None
    if found is None:
        raise given.wrong("a size (4096, 512kB, 10MB)")
    return found


def as_hazards(given: Given) -> tuple[str, ...]:
    """Return what a migration must not do: words with commas in between, or a list of words.

    Raises:
        SettingsError: There is no such thing.
    """
    from asyncmig.locks import Hazard, hazards_in

    words = given.value
    if isinstance(words, str):
        words = words.split(",") if words != "nothing" else []
    if not isinstance(words, list):
        raise given.wrong("a list of words")
    listed = [str(word).strip() for word in cast("list[object]", words)]
    found = hazards_in(listed) if listed else frozenset[Hazard]()
    if found is None:
        raise given.wrong(f"one or several of {', '.join(Hazard)}, or nothing")
    return tuple(sorted(found))
