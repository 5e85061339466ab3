"""refinery: a row per version, with a SipHash of name, version and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.siphash import siphash13
from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, moment, number
from asyncmig.adopt.verification import each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import Rows

_END = b"\xff"
"""What Rust's ``Hash`` writes behind a string."""

_WIDTHS = (4, 8)
"""Bytes of a version: eight with the feature ``int8-versions``."""


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    ordered = sorted(rows, key=lambda row: number(row["version"]))
    return ForeignHistory(
        tuple(
            Applied(
                str(row["version"]),
                version=row["version"],
                name=row["name"] or "",
                at=moment(row["applied_on"]),
                checksum=row["checksum"],
            )
            for row in ordered
        )
    )


def checksums(name: str, version: int, text: bytes) -> set[str]:
    """Return the checksums that refinery may have made of a migration."""
    return {
        str(
            siphash13(
                name.encode() + _END + version.to_bytes(width, "little", signed=True) + text + _END
            )
        )
        for width in _WIDTHS
        if version < 1 << (width * 8 - 1)
    }


def _is_same(applied: Applied, file: MigrationFile) -> bool:
    version = number(applied.version)
    forms = dict.fromkeys(file.line_end_forms)
    return any(applied.checksum in checksums(applied.name, version, form) for form in forms)


REFINERY = Tool(
    name="refinery",
    table="refinery_schema_history",
    columns=("version", "name", "applied_on", "checksum"),
    interpret=_interpret,
    changed=each(_is_same),
    reads=Reads.CONTENT,
)
