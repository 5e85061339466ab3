"""Atlas: a row per version, with how many statements of it ran, and a running checksum."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, Trouble, moment, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Pair, Rows
    from asyncmig.foreign import ForeignRow, ForeignTable


_LOCK = 2686470616
"""FNV-1 of ``atlas_migrate_execute``."""

_OF_ATLAS = ".atlas_cloud_identifier"
_BASELINE, _RESOLVED = 1, 4
_IGNORED = b"atlas:sum ignore"


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(
        (row for row in rows if row["version"] != _OF_ATLAS), key=lambda row: row["version"] or ""
    )
    partial = [row for row in ordered if _is_partial(row)]
    baselines = [row["version"] for row in ordered if number(row["type"]) & _BASELINE]
    applied = tuple(_applied(row) for row in ordered if not number(row["type"]) & _BASELINE)
    return ForeignHistory(
        applied,
        baseline=baselines[-1] if baselines else None,
        trouble=_stopped(partial[0]) if partial else None,
    )


def _is_partial(row: ForeignRow) -> bool:
    """Tell whether statements are missing, and nobody has said that this is settled."""
    settled = number(row["type"]) & (_BASELINE | _RESOLVED)
    return not settled and number(row["applied"]) < number(row["total"])


def _applied(row: ForeignRow) -> Applied:
    version, name = row["version"] or "", row["description"] or ""
    return Applied(
        version,
        version=version,
        names=(f"{version}_{name}" if name else version,),
        name=name,
        at=moment(row["executed_at"]),
        checksum=(row["hash"] or "").removeprefix("h1:"),
    )


def _stopped(row: ForeignRow) -> Trouble:
    version = row["version"] or ""
    return Trouble(
        f"Atlas has run {row['applied']} of {row['total']} statements of {version}",
        "let `atlas migrate apply` finish it, or settle it with `atlas migrate set`, and adopt "
        "then",
        (version,),
    )


def _changed(pairs: Sequence[Pair], files: Sequence[MigrationFile]) -> Iterator[Applied]:
    """Yield the first file that is not what was applied: the checksums after it go on from there.

    A file that came in between later is in none of the checksums that were kept.
    """
    of_all = sums(files)
    of_applied = sums([file for _, file in pairs])
    for applied, file in sorted(pairs, key=lambda pair: pair[1].file_name):
        known = {found.get(file.file_name) for found in (of_all, of_applied)}
        if applied.checksum and known != {None} and applied.checksum not in known:
            yield applied
            return


def sums(files: Sequence[MigrationFile]) -> dict[str, str]:
    """Return the checksum that ``atlas.sum`` has of each file."""
    running = hashlib.sha256()
    found: dict[str, str] = {}
    for file in sorted(files, key=lambda file: file.file_name):
        running.update(file.file_name.encode())
        if _IGNORED not in file.content:
            running.update(file.content)
            found[file.file_name] = b64encode(running.digest()).decode()
    return found


def _locks(_table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK,)


ATLAS = Tool(
    name="atlas",
    table="atlas_schema_revisions",
    columns=("version", "description", "type", "applied", "total", "executed_at", "hash"),
    other_tables=("atlas_schema_revisions.atlas_schema_revisions",),
    interpret=_interpret,
    locks=_locks,
    changed=_changed,
    reads=Reads.CONTENT,
)
