"""What a statement does concurrently, as far as its spelling tells."""

from __future__ import annotations

import pytest

from asyncmig.engines.postgres.concurrently import (
    Creation,
    Detachment,
    Rebuilding,
    Removal,
    Scope,
    Work,
    is_concurrent,
    work_of,
)
from asyncmig.sql import Dialect, Statement, split


def statement(text: str) -> Statement:
    """Return the only statement of a script."""
    (found,) = split(text, Dialect.POSTGRESQL)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", Creation("i", "t")),
        ("create unique index concurrently i on only s.t(a);", Creation("i", "s . t")),
        (
            'CREATE INDEX /* x */ CONCURRENTLY -- y\n IF NOT EXISTS "I" ON "S"."T" USING gin (a)',
            Creation('"I"', '"S" . "T"'),
        ),
        ("CREATE INDEX CONCURRENTLY ON t (a)", Creation(None, "t")),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i RESTRICT;", Removal("s . i")),
        ("REINDEX INDEX CONCURRENTLY i", Rebuilding(Scope.INDEX, "i")),
        ("REINDEX (VERBOSE, CONCURRENTLY) TABLE s.t;", Rebuilding(Scope.TABLE, "s . t")),
        ("reindex (tablespace x) schema concurrently s", Rebuilding(Scope.SCHEMA, "s")),
        ("REINDEX DATABASE CONCURRENTLY", Rebuilding(Scope.DATABASE, "")),
        (
            "ALTER TABLE s.t DETACH PARTITION /* old */ p CONCURRENTLY;",
            Detachment("s . t", "p"),
        ),
    ],
)
def test_what_is_done_concurrently_is_recognised(text: str, expected: Work) -> None:
    """Comments and options do not matter."""
    assert expected == work_of(statement(text))
    assert is_concurrent(statement(text))


@pytest.mark.parametrize(
    "text",
    [
        "CREATE INDEX i ON t (a)",
        "REINDEX TABLE t",
        "REINDEX (CONCURRENTLY false) TABLE t",
        "VACUUM FULL t",
        "ALTER TABLE t DETACH PARTITION p",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)'",
        "CREATE INDEX concurrently_i ON t (a)",
    ],
)
def test_what_is_not_done_concurrently_is_none(text: str) -> None:
    """The word alone is not enough; what runs in a transaction leaves nothing behind."""
    assert work_of(statement(text)) is None
    assert not is_concurrent(statement(text))


def test_a_partition_is_detached_in_the_end() -> None:
    """Only this goes on where a detaching was cut off."""
    expected = "ALTER TABLE s . t DETACH PARTITION p FINALIZE"

    assert expected == Detachment("s . t", "p").finish
