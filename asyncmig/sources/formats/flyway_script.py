"""What Flyway does with a script before it is SQL: a ``.conf`` beside it, and placeholders.

Rules: flyway/flyway, ``SqlScriptMetadata``, ``PlaceholderReplacingReader`` and ``ParsingContext``.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sources.decode import decode
from asyncmig.sources.location import unreadable
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.sources.entry import Entry
    from asyncmig.sources.tree import Tree

_PLACEHOLDER = re.compile(r"\$\{(?P<name>.*?)\}", re.DOTALL)
_DEFAULT = "flyway:"
_BOOLEANS = {"true": True, "false": False}
_KEYS = ("executeInTransaction", "encoding", "placeholderReplacement", "shouldExecute")


@dataclass(frozen=True, slots=True)
class ScriptConfig:
    """What the ``.conf`` of a script says.

    Attributes:
        in_transaction: Whether it runs in a transaction; ``None`` to find out.
        encoding: What its text is encoded in, as Python calls it.
        fills_in: Whether placeholders are filled in.
        should_execute: Whether it is run at all.
    """

    in_transaction: bool | None = None
    encoding: str = "utf-8"
    fills_in: bool = True
    should_execute: bool = True


def read_config(folder: Tree, script: Entry) -> ScriptConfig:
    """Read the ``.conf`` beside a script, if there is one.

    Raises:
        SourceError: It cannot be read, or says what cannot be followed.
    """
    name = f"{script.name}.conf"
    if name not in folder.names:
        return ScriptConfig()
    entry = next(entry for entry in folder.files if entry.name == name)
    place = Place(folder.path_of(entry))
    try:
        content = entry.read_bytes()
    except OSError as error:
        raise unreadable(place.path, error) from error
    said = dict(_settings(Text(decode(content, place), place)))
    return ScriptConfig(
        in_transaction=_boolean(said, "executeInTransaction", place),
        encoding=_encoding(said.get("encoding", "utf-8"), place),
        fills_in=_boolean(said, "placeholderReplacement", place) is not False,
        should_execute=_boolean(said, "shouldExecute", place) is not False,
    )


def filled_in(text: Text, file_name: str, placeholders: Mapping[str, str]) -> Text:
    """Return a script with what its placeholders stand for; upper and lower case are the same.

    Of those that Flyway fills in by itself, ``flyway:filename`` and ``flyway:table`` are known
    from the files alone.

    Raises:
        SourceError: There is no value for one.
    """
    values = {f"{_DEFAULT}filename": file_name, f"{_DEFAULT}table": "flyway_schema_history"}
    values |= {name.lower(): value for name, value in placeholders.items()}

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match["name"].lower())
        if value is None:
            raise text.wrong_at(
                match.start(),
                f"there is no value for the placeholder {match[0]}",
                hint=_hint(match["name"]),
            )
        return value

    return Text(_PLACEHOLDER.sub(value_of, text.script), text.place)


def _hint(name: str) -> str:
    """Say how to give a placeholder its value, or how to have none."""
    setting = f'set "{name}" in [tool.asyncmig.placeholders]'
    if name.lower().startswith(_DEFAULT):
        return f"Flyway asks the database for it, and files are read without one: {setting}"
    return (
        f"{setting}; if it is meant as it stands, write placeholderReplacement=false into a .conf "
        "beside the file, or say --format refinery if it is a file of refinery"
    )


def _settings(text: Text) -> Iterator[tuple[str, str]]:
    """Go through the settings of a ``.conf``.

    Raises:
        SourceError: Flyway knows no such setting.
    """
    for number, line in enumerate(text.script.splitlines(), start=1):
        key, equals, value = (word.strip() for word in line.partition("="))
        if not line.strip() or key.startswith("#"):
            continue
        if not equals or key not in _KEYS:
            raise text.place.wrong(
                f"Flyway has no setting `{line.strip()}` for a script",
                hint=f"it knows {', '.join(_KEYS)}",
                line=number,
            )
        yield key, value


def _boolean(said: Mapping[str, str], key: str, place: Place) -> bool | None:
    """Return what a setting is, ``None`` when nothing is said."""
    value = said.get(key)
    if value is None or value.lower() in _BOOLEANS:
        return None if value is None else _BOOLEANS[value.lower()]
    raise place.wrong(f"{key} is {value!r}", hint="asyncmig knows true and false here")


def _encoding(name: str, place: Place) -> str:
    """Return what Python calls an encoding."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise place.wrong(f"there is no encoding {name!r}") from None
