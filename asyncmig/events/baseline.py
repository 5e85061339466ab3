"""A history begins in the middle."""

from __future__ import annotations

from dataclasses import dataclass

from asyncmig.events.run import RunEvent


@dataclass(frozen=True, slots=True)
class BaselineRecorded(RunEvent):
    """The database had tables and no history, and the history begins where the caller had said.

    Attributes:
        version: Everything up to it is declared to be in the database.
    """

    version: str
