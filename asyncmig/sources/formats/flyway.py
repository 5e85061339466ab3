"""The files of Flyway: versioned, undo, repeatable and baseline migrations.

Rules: flyway/flyway, ``ResourceNameParser``, ``MigrationVersion``, ``SqlMigrationResolver`` and
``FileSystemScanner``. What a file says beside its SQL is in :mod:`.flyway_script`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.flyway_script import ScriptConfig, filled_in, read_config
from asyncmig.sources.formats.native import holds_ours
from asyncmig.sources.formats.parts import part
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.migration import Script
    from asyncmig.sources.entry import Entry
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(
    r"(?:(?P<prefix>[VUB])(?P<version>[0-9]+(?:[._][0-9]+)*)(?:__(?P<name>.*))?"
    r"|R__(?P<repeatable>.*))\.(?i:sql)"
)
_OTHER_LANGUAGE = re.compile(
    r"(?:[VUB][0-9]+(?:[._][0-9]+)*|R)__.*"
    r"\.(?P<ending>java|kt|groovy|scala|class|ps1|bat|cmd|sh|bash|py)"
)
_CALLBACK = re.compile(
    r"(?:(?:before|after)(?:Each)?Migrate|(?:before|after)EachMigrateStatement|afterMigrateApplied"
    r"|beforeRepeatables|afterVersioned|(?:beforeC|c)reateSchema|(?:before|after)Connect)"
    r"(?:__.*)?\.(?i:sql)"
)
_MARKER = "`executeInTransaction=false` in the .conf beside it"
_IN_RUST = re.compile(r"[VU][0-9]+__\w+\.rs")


class _Prefix(StrEnum):
    """What the first letter of a name says."""

    VERSIONED = "V"
    UNDO = "U"
    BASELINE = "B"
    REPEATABLE = "R"


@dataclass(frozen=True, slots=True)
class _FlywayFile(File):
    """A file, and what Flyway knows of it beside its name.

    Attributes:
        prefix: What kind of migration it is.
        config: What the ``.conf`` beside it says.
    """

    prefix: _Prefix = _Prefix.VERSIONED
    config: ScriptConfig = field(default_factory=ScriptConfig)


class Flyway:
    """``V1.2__name.sql``, ``U…``, ``B…`` and ``R__name.sql``, in the folder and below it."""

    tool = "flyway"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a versioned file or a baseline, where nothing is of another tool.

        Files of ours are nothing to Flyway, and those in Rust are refinery's: to pass them over
        would be to skip a migration.
        """
        if holds_ours(tree):
            return False
        names = [name for folder in tree.everything() for name in folder.names]
        return any(map(_makes_sure, names)) and not any(map(_IN_RUST.fullmatch, names))

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the files in SQL, and refuse what Flyway runs in another way.

        An undo that has no versioned migration is never run. As to baselines, see
        :func:`_without_baselines`.
        """
        files: list[_FlywayFile] = []
        for folder in tree.everything():
            for entry in folder.files:
                try:
                    found = _file(folder, entry)
                except SourceError as error:
                    yield error
                else:
                    files += [found] if found is not None and found.config.should_execute else []
        files = _without_baselines(files)
        versions = {file.name.version for file in files if file.prefix is _Prefix.VERSIONED}
        for file in files:
            if file.prefix is not _Prefix.UNDO or file.name.version in versions:
                yield file

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Fill in the placeholders; a file is one direction."""
        assert isinstance(file, _FlywayFile)  # noqa: S101 - it is one of those above
        config = file.config
        if config.fills_in:
            text = filled_in(text, file.entry.name, context.placeholders)
        without = config.in_transaction is False
        direction = file.name.direction or Direction.UP
        return {direction: part(text, context.dialect, marked=without, marker=_MARKER)}


def _makes_sure(file_name: str) -> bool:
    """Tell whether a name is one that only Flyway and refinery give: ``V1.sql`` is a plain one."""
    match = _NAME.fullmatch(file_name)
    return match is not None and match["prefix"] in {"V", "B"} and match["name"] is not None


def _file(folder: Tree, entry: Entry) -> _FlywayFile | None:
    """Return a file that Flyway takes for a migration, ``None`` for every other.

    Raises:
        SourceError: Flyway runs it, and nobody does here.
    """
    place = Place(folder.path_of(entry))
    if other := _OTHER_LANGUAGE.fullmatch(entry.name):
        raise place.wrong(f"a migration in {other['ending']}, which cannot be run", hint=_LANGUAGE)
    if _CALLBACK.fullmatch(entry.name):
        raise place.wrong("a callback, which asyncmig does not run", hint=_ELSEWHERE)
    match = _NAME.fullmatch(entry.name)
    if match is None:
        return None
    config = read_config(folder, entry)
    return _FlywayFile(
        name=_name(match),
        path=place.path,
        entry=entry,
        encoding=config.encoding,
        prefix=_Prefix(match["prefix"] or _Prefix.REPEATABLE),
        config=config,
    )


_LANGUAGE = (
    "let Flyway apply it and then adopt, or write what it does into a file of the same version "
    "in SQL"
)
_ELSEWHERE = (
    "what it does for the connection belongs into --setup, what it does to the schema into "
    "a repeatable migration"
)


def _name(match: re.Match[str]) -> FileName:
    """Return the name as ours are: ``V1_10`` is version 1.10, an undo the other half of a pair."""
    if match["prefix"] is None:
        return FileName(None, match["repeatable"])
    direction = Direction.DOWN if match["prefix"] == _Prefix.UNDO else Direction.UP
    return FileName(Version(match["version"].replace("_", ".")), match["name"] or "", direction)


def _without_baselines(files: Sequence[_FlywayFile]) -> list[_FlywayFile]:
    """Leave out the baselines, but for one that stands for files that are gone.

    Flyway begins with the newest baseline where it finds no history, and has no use for any
    where it finds one. A folder has to mean the same for every database here; so the way through
    the versioned files is taken, as long as they are there. The newest baseline that none of them
    comes before, or is equal to, is the first migration then.
    """
    versions = [
        file.name.version
        for file in files
        if file.prefix is _Prefix.VERSIONED and file.name.version is not None
    ]
    first = min(versions, default=None)
    usable = [
        file.name.version
        for file in files
        if file.prefix is _Prefix.BASELINE
        and file.name.version is not None
        and (first is None or file.name.version < first)
    ]
    newest = max(usable, default=None)
    return [
        file for file in files if file.prefix is not _Prefix.BASELINE or file.name.version == newest
    ]
