"""The two languages that the lexer reads."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """Name the database whose lexical rules apply."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"
