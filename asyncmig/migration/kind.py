"""What kinds of migrations there are, which way they go, and when."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """The way a migration is run."""

    UP = "up"
    DOWN = "down"


class Phase(StrEnum):
    """When a migration may be applied, seen from the deployment of the code that goes with it.

    ``pre``, the default, before the new code starts: the old code works with it. ``post`` only when
    the new code is everywhere: it drops or renames what the old code uses.
    """

    PRE = "pre"
    POST = "post"


class Kind(StrEnum):
    """What a migration, or a row of the history, stands for."""

    VERSIONED = "versioned"
    REPEATABLE = "repeatable"
    BASELINE = "baseline"
