"""Lay what another tool says beside the files. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from asyncmig.adopt.revisions import with_revisions
from asyncmig.adopt.tool import Applied
from asyncmig.errors import TargetError, UnknownVersionError
from asyncmig.history import newest
from asyncmig.migration import Phase, Version, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Changed, ForeignHistory, Trouble


@dataclass(frozen=True, slots=True)
class Match:
    """A migration that another tool has applied, and its file.

    Attributes:
        applied: What the tool says.
        file: The file.
    """

    applied: Applied
    file: MigrationFile


@dataclass(frozen=True, slots=True)
class Matching:
    """What another tool says, beside the files.

    Attributes:
        matched: Applied, with a file, in the order of the files.
        missing: Applied, without a file, though there are newer ones (or nobody knows its place).
        ahead: Applied, and newer than every file.
        late: Files that are not applied, and older than what is.
        changed: Those of the matched whose file is not what was applied.
        baseline: The version up to which the tool was told that the database is migrated.
        verified: How many files were compared with a checksum of the tool.
        trouble: What stops us; ``None`` when all is well.
    """

    matched: tuple[Match, ...] = ()
    missing: tuple[Applied, ...] = ()
    ahead: tuple[Applied, ...] = ()
    late: tuple[MigrationFile, ...] = ()
    changed: tuple[Match, ...] = ()
    baseline: Version | None = None
    verified: int = 0
    trouble: Trouble | None = None


def match(
    history: ForeignHistory,
    files: Sequence[MigrationFile],
    changed: Changed | None,
    mapped: Mapping[str, str],
) -> Matching:
    """Lay what another tool says beside the files.

    Args:
        history: What it says.
        files: The files, in order.
        changed: Tells which files are not what was applied, if the tool can tell.
        mapped: Versions of files by what the tool calls them, as a person says.

    Raises:
        TargetError: The person names a version or a migration that there is not.
    """
    places = _Places.of(files, mapped)
    _refuse_unknown(mapped, history, places)
    history = _spelled_out(with_revisions(history, files, mapped), files)
    found = [(applied, places.file_of(applied)) for applied in history.applied]
    pairs = _each_file_once((a, file) for a, file in found if file is not None)
    without = [applied for applied, file in found if file is None]
    head = newest(file.migration.version for file in files)
    ahead = [applied for applied in without if _is_newer(applied, head)]
    baseline = Version.parse(history.baseline or "")
    other = frozenset(changed(pairs, files) if changed else ())
    order = {key_of_file(file): place for place, file in enumerate(files)}
    pairs.sort(key=lambda pair: order[key_of_file(pair[1])])
    matches = tuple(Match(*pair) for pair in pairs)
    return Matching(
        matched=matches,
        missing=tuple(applied for applied in without if not _is_newer(applied, head)),
        ahead=tuple(ahead),
        late=tuple(_late(files, matches, ahead, baseline)),
        changed=tuple(m for m in matches if m.applied in other),
        baseline=baseline,
        verified=sum(1 for a, _ in pairs if a.checksum) if changed else 0,
        trouble=history.trouble,
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """The files, by everything that another tool may call them."""

    mapped: Mapping[str, str]
    versions: Mapping[Version, MigrationFile]
    names: Mapping[str, MigrationFile]
    repeatables: Mapping[str, MigrationFile]
    bare: Mapping[str, MigrationFile] = field(default_factory=dict[str, "MigrationFile"])

    @classmethod
    def of(cls, files: Sequence[MigrationFile], mapped: Mapping[str, str]) -> _Places:
        versioned = [file for file in files if file.migration.version is not None]
        often = Counter(file.migration.name for file in versioned)
        return cls(
            mapped=mapped,
            versions={file.migration.version: file for file in versioned if file.migration.version},
            names={name: file for file in versioned for name in file.names},
            repeatables={_joined(f): f for f in files if f.migration.version is None},
            bare={f.migration.name: f for f in versioned if often[f.migration.name] == 1},
        )

    def file_of(self, applied: Applied) -> MigrationFile | None:
        """Return the file of a migration: as a person says, by name, and then by version."""
        if applied.key in self.mapped:
            return self.versions[Version(self.mapped[applied.key])]
        if applied.repeatable:
            return next((f for n in applied.names if (f := self.repeatables.get(n))), None)
        for known in (self.names, self.bare):
            for name in applied.names:
                if (file := known.get(name)) is not None:
                    return file
        version = Version.parse(applied.version or "")
        return None if version is None else self.versions.get(version)


def _joined(file: MigrationFile) -> str:
    """Return the name of a repeatable as it is written; Flyway keeps it with blanks."""
    return file.migration.name.replace(" ", "_")


def _refuse_unknown(mapped: Mapping[str, str], history: ForeignHistory, places: _Places) -> None:
    """Refuse a ``--map`` that says nothing: what it was meant for would go unmatched."""
    keys = {one.key for one in history.applied}
    for key, text in mapped.items():
        version = Version.parse(text)
        if version is None or version not in places.versions:
            known = [version.text for version in sorted(places.versions)]
            raise UnknownVersionError(text, known, hint=f"{key} was to be mapped to it")
        if key not in keys and not history.heads:
            raise TargetError(
                f"{key} is mapped to {text}, but is not in the history that is to be adopted",
                hint=f"it has {', '.join(sorted(keys)[:8]) or 'nothing'}",
                version=text,
            )


def _spelled_out(history: ForeignHistory, files: Sequence[MigrationFile]) -> ForeignHistory:
    """Return a history that has one number as one that has a row for each file."""
    through = Version.parse(history.through or "")
    if through is None:
        return history
    versions = (file.migration.version for file in files)
    reached = [version for version in versions if version is not None and version <= through]
    if through not in reached:
        reached.append(through)
    applied = tuple(Applied(version.text, version=version.text) for version in reached)
    return replace(history, applied=applied, through=None)


def _each_file_once(
    pairs: Iterable[tuple[Applied, MigrationFile]],
) -> list[tuple[Applied, MigrationFile]]:
    """Keep the last of those that are about one file: a file may hold several change sets."""
    return list({key_of_file(file): (applied, file) for applied, file in pairs}.values())


def key_of_file(file: MigrationFile) -> str:
    """Return the version of a file, or ``R__name``."""
    return key_of(file.migration.version, file.migration.name)


def version_of(applied: Applied) -> Version | None:
    """Return the place of a migration in the order, as far as that is known."""
    return Version.parse(applied.version or applied.order or "")


def _is_newer(applied: Applied, head: Version | None) -> bool:
    version = version_of(applied)
    return version is not None and (head is None or version > head)


def _late(
    files: Sequence[MigrationFile],
    matches: Sequence[Match],
    ahead: Sequence[Applied],
    baseline: Version | None,
) -> Iterable[MigrationFile]:
    """Yield the files that would be out of order: ``up`` stops at them, or asks no more."""
    applied = {match.file.migration.version for match in matches}
    head = newest((*applied, *map(version_of, ahead), baseline))
    for file in files:
        version = file.migration.version
        if version is None or version in applied or file.migration.phase is Phase.POST:
            continue
        covered = baseline is not None and version <= baseline
        if head is not None and version < head and not covered:
            yield file
