"""The statement of a batched migration: does it count its rows, and where does its size go."""

from __future__ import annotations

import pytest

from asyncmig.sql import Dialect, changes_rows, has_placeholder, with_batch_size
from tests.sql.statements import statement

POSTGRESQL, SQLITE = Dialect.POSTGRESQL, Dialect.SQLITE
BOTH = [POSTGRESQL, SQLITE]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    "text",
    [
        "UPDATE t SET n = 1",
        "-- why\ndelete FROM t",
        "INSERT INTO t SELECT 1",
        "WITH b AS (SELECT id FROM t LIMIT 9) UPDATE t SET n = 1",
        "WITH a AS (SELECT 1), b (id) AS (SELECT 2) DELETE FROM t",
        "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s) INSERT INTO t TABLE s",
        "WITH update AS (SELECT 1) DELETE FROM t",
        "WITH delete (id) AS (SELECT 1) DELETE FROM t",
    ],
)
def test_what_changes_rows_says_how_many(text: str, dialect: Dialect) -> None:
    """By itself, or behind WITH."""
    assert changes_rows(statement(text, dialect), dialect)


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    "text",
    [
        "SELECT backfill(:batch_size)",
        "WITH u AS (UPDATE t SET n = 1 RETURNING 1) SELECT count(*) FROM u",
        "WITH u AS (SELECT 1) VALUES (2)",
        "WITH u AS (SELECT 1)",
        "CALL backfill(9)",
        "EXPLAIN UPDATE t SET n = 1",
        "CREATE TABLE t AS SELECT 1",
    ],
)
def test_everything_else_does_not(text: str, dialect: Dialect) -> None:
    """What is changed inside WITH is not what the database counts."""
    assert not changes_rows(statement(text, dialect), dialect)


@pytest.mark.parametrize("dialect", BOTH)
def test_the_size_is_written_in_without_moving_anything(dialect: Dialect) -> None:
    """What the database points to behind it is where it says."""
    text = "DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT :batch_size) AND id <:batch_size;"

    found = with_batch_size(statement(text, dialect), dialect, 1000)

    size = " 1000      "
    assert f"DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT {size}) AND id <{size};" == found
    assert len(text) == len(found)
    assert len(text) == len(with_batch_size(statement(text, dialect), dialect, 1_000_000_000))


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("UPDATE t SET n = ':batch_size'", POSTGRESQL),
        ("UPDATE t SET n = $$:batch_size$$", POSTGRESQL),
        ("UPDATE t SET n = 1 -- :batch_size", POSTGRESQL),
        ("UPDATE t SET n = 1 /* :batch_size */", SQLITE),
        ('UPDATE t SET ":batch_size" = 1', SQLITE),
        ("UPDATE t SET [:batch_size] = 1", SQLITE),
        ("UPDATE t SET n = m::batch_size", POSTGRESQL),
        ("UPDATE t SET n = :batch_sizes", SQLITE),
        ("UPDATE t SET n = : batch_size", SQLITE),
        ("UPDATE t SET n = :BATCH_SIZE", SQLITE),
    ],
)
def test_what_only_looks_like_the_placeholder_is_left_alone(text: str, dialect: Dialect) -> None:
    """In a string, a name, a comment, behind another colon, or in another spelling."""
    assert not has_placeholder(statement(text, dialect), dialect)
    assert text == with_batch_size(statement(text, dialect), dialect, 9)
