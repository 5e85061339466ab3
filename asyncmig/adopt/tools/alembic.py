"""alembic: the newest revisions, and nothing of those before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.files import Reads
from asyncmig.adopt.tool import ForeignHistory, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    return ForeignHistory(heads=tuple(sorted(row["version_num"] or "" for row in rows)))


ALEMBIC = Tool(
    name="alembic",
    table="alembic_version",
    columns=("version_num",),
    is_exact=True,
    interpret=_interpret,
    reads=Reads.HEAD,
)
