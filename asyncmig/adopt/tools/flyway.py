"""Flyway: a row per event, with a checksum of the lines of the file."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, Trouble, is_true, moment, number
from asyncmig.adopt.verification import each
from asyncmig.migration import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows
    from asyncmig.foreign import ForeignRow, ForeignTable

_LOCK = 77431708279161
_INT32 = 2**32
_BOM = "\ufeff"


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    """Fold the events in their order."""
    ordered = sorted(rows, key=lambda row: number(row["installed_rank"]))
    failed = [row for row in ordered if not is_true(row["success"])]
    if failed:
        return ForeignHistory(trouble=_failed(failed[-1]))
    versions: dict[str, Applied] = {}
    repeatables: dict[str, Applied] = {}
    baseline: str | None = None
    for row in ordered:
        version, kind = row["version"], (row["type"] or "").upper()
        if kind == "SCHEMA":
            continue
        if version is None:
            repeatables[row["description"] or ""] = _repeatable(row)
        elif kind.startswith("UNDO") or kind == "DELETE":
            versions.pop(version, None)
        elif kind.endswith("BASELINE"):  # SQL_BASELINE is that of a B file
            baseline = version
        else:
            versions[version] = _versioned(row, version)
    return ForeignHistory(
        tuple(_in_order(versions)) + tuple(repeatables.values()), baseline=baseline
    )


def _in_order(versions: Mapping[str, Applied]) -> list[Applied]:
    def place(applied: Applied) -> tuple[int, ...]:
        version = Version.parse(applied.key)
        return () if version is None else version.numbers

    return sorted(versions.values(), key=place)


def _versioned(row: ForeignRow, version: str) -> Applied:
    return Applied(
        version,
        version=version,
        name=(row["description"] or "").replace(" ", "_"),
        at=moment(row["installed_on"]),
        checksum=row["checksum"] if (row["type"] or "").upper() == "SQL" else None,
    )


def _repeatable(row: ForeignRow) -> Applied:
    name = (row["description"] or "").replace(" ", "_")
    return Applied(
        f"R__{name}",
        names=(name,),
        name=name,
        at=moment(row["installed_on"]),
        checksum=row["checksum"],
        repeatable=True,
    )


def _failed(row: ForeignRow) -> Trouble:
    key = row["version"] or f"R__{row['description']}"
    return Trouble(
        f"Flyway failed in {key}, and its history says so",
        "put right what it left in the database, take the row away with `flyway repair`, and "
        "adopt then",
        (key,),
    )


def crc32_of_lines(content: bytes) -> int:
    """Return Flyway's checksum: of the lines without their ends, as a signed number."""
    lines = content.decode(errors="replace").removeprefix(_BOM)
    joined = lines.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "")
    unsigned = zlib.crc32(joined.encode())
    return unsigned - _INT32 if unsigned >= _INT32 // 2 else unsigned


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    return applied.checksum == str(crc32_of_lines(file.content))


def _locks(table: ForeignTable) -> tuple[int, ...]:
    return (_LOCK + _java_hash(f'"{table.schema}"."{table.name}"'),)


def _java_hash(text: str) -> int:
    """Return what ``String.hashCode()`` does."""
    found = 0
    for character in text:
        found = (found * 31 + ord(character)) % _INT32
    return found - _INT32 if found >= _INT32 // 2 else found


FLYWAY = Tool(
    name="flyway",
    table="flyway_schema_history",
    columns=(
        "installed_rank",
        "version",
        "description",
        "type",
        "checksum",
        "installed_on",
        "success",
    ),
    other_tables=("schema_version",),
    interpret=_interpret,
    locks=_locks,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
