"""A change of the history: what to append, and what is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.history.state import RowState

if TYPE_CHECKING:
    from datetime import datetime

    from asyncmig.history.entry import Failure, Progress
    from asyncmig.migration import Direction, Kind, Version


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to append to the history; the database adds the rest.

    Attributes:
        kind: Versioned, repeatable or baseline.
        direction: Up for an application, down for a reversal.
        version: ``None`` for a repeatable migration.
        name: What the file is called.
        checksum: Of the up part; empty for a baseline.
        state: The state to end in.
        origin: ``run``, ``baseline``, ``repair`` or the tool it is adopted from.
        down_sql: The SQL that reverts it, for images that will not have the file.
        down_transaction: Whether ``down_sql`` runs inside a transaction.
        progress: For migrations without a transaction.
        failure: For rows in state ``failed``.
        finished_at: For what another tool has done; ``None`` for now, by the server's clock.
    """

    kind: Kind
    direction: Direction
    version: Version | None
    name: str
    checksum: str
    state: RowState
    origin: str = "run"
    down_sql: str | None = field(default=None, repr=False)
    down_transaction: bool = True
    progress: Progress | None = None
    failure: Failure | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the history: a row to append, and at most one that is over.

    Attributes:
        row: The row to append.
        retires: The id of the active row that is no longer so, if there is one.
        retired_as: The state that row gets.
    """

    row: NewRow
    retires: int | None = None
    retired_as: RowState = RowState.SUPERSEDED
