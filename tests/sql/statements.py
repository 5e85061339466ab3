"""Single statements for tests."""

from __future__ import annotations

from asyncmig.sql import Dialect, Statement, split


def statement(text: str, dialect: Dialect) -> Statement:
    """Return the one statement that `text` is."""
    (only,) = split(text, dialect)
    return only
