"""Scripts that come piece by piece: cut where they would be cut as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.sql import Dialect, split
from asyncmig.sql.passages import Passage, passages
from asyncmig.sql.plain import end_of_plain_run
from tests.sql.scripts import FRAGMENTS, broken_scripts, statement_lists

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = [
    "INSERT INTO t VALUES (1, 'it''s; so');",
    "\n  insert\tinto \"a;b\" SELECT f((1), 'x'), -1 / 2;",
    "INSERT INTO t VALUES (1, to_date('2020', lower('YYYY'))), (2, NULL);",
    "Insert Into t DEFAULT VALUES;",
]
dialects = st.sampled_from(Dialect)


def seeds(dialect: Dialect) -> st.SearchStrategy[str]:
    """Make scripts in which much is plain, some is sound, and some is neither."""
    plain = st.lists(st.sampled_from(PLAIN), max_size=9).map("".join)
    sound = statement_lists(dialect).map("".join)
    odd = st.lists(st.sampled_from(["INSERT INTO t VALUES (", *FRAGMENTS]), max_size=4)
    return st.lists(plain | sound | odd.map("".join), max_size=6).map("".join)


def cut(script: str, length: int) -> Iterator[str]:
    """Yield a script in pieces."""
    return (script[start : start + length] for start in range(0, len(script), length))


@given(st.data(), dialects, st.integers(1, 40), st.integers(1, 300))
def test_a_script_in_pieces_has_the_statements_of_the_whole(
    data: st.DataObject, dialect: Dialect, piece: int, length: int
) -> None:
    """Wherever it is cut, and however short the passages: each holds whole statements."""
    script = data.draw(seeds(dialect) | broken_scripts())
    found = list(passages(cut(script, piece), dialect, length))

    assert script == "".join(passage.text for passage in found)
    assert [(statement.text, statement.words) for statement in split(script, dialect)] == [
        (statement.text, statement.words)
        for passage in found
        for statement in split(passage.text, dialect)
    ]


@given(st.data(), dialects)
@example(None, Dialect.POSTGRESQL)
def test_a_plain_run_is_made_of_inserts_that_end(
    data: st.DataObject | None, dialect: Dialect
) -> None:
    """The lexer, statement by statement, sees several INSERTs there and ends the last one too."""
    script = data.draw(seeds(dialect) | broken_scripts()) if data else "".join(PLAIN)
    for start in [statement.offset for statement in split(script, dialect)]:
        end = end_of_plain_run(script, start, len(script), dialect)
        whole = [s for s in split(script, dialect, start) if s.end <= end]

        assert end == (whole[-1].end if whole else start)
        assert all(s.words[0] == "INSERT" and s.text.endswith(";") for s in whole)
        assert len(whole) != 1


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_statements_that_seed_files_are_made_of_are_plain(dialect: Dialect) -> None:
    """Else the laws above would hold for runs that nobody ever sees."""
    script = "".join(PLAIN)

    assert len(script) == end_of_plain_run(script, 0, len(script), dialect)


@pytest.mark.parametrize(
    "odd",
    [
        "INSERT INTO t VALUES (1; 2);",
        "INSERT INTO t VALUES ((1), (2);",
        "INSERT INTO t VALUES (E'\\'; SELECT 1;');",
        "INSERT INTO t VALUES ($$;$$);",
        "INSERT INTO t VALUES (1) -- ;\n;",
        "INSERT INTO t VALUES (1) /* ; */;",
        "INSERTED INTO t;",
        "COMMIT;",
    ],
)
def test_whatever_else_is_left_to_the_lexer(odd: str) -> None:
    """A run ends in front of it."""
    script = PLAIN[0] * 2 + odd + PLAIN[0] * 2

    assert len(PLAIN[0] * 2) == end_of_plain_run(script, 0, len(script), Dialect.POSTGRESQL)


def test_nothing_behind_the_end_is_looked_at() -> None:
    """The run stops at the last statement that ends in front of it."""
    script = PLAIN[0] * 4

    assert len(PLAIN[0] * 2) == end_of_plain_run(script, 0, len(PLAIN[0]) * 3 - 1, Dialect.SQLITE)


def test_a_long_run_makes_passages_of_its_own() -> None:
    """What is plain stays apart from what is not; a short run is not worth it."""
    table, run = "CREATE TABLE t (n integer);", "INSERT INTO t VALUES (1);" * 40
    script = f"{table}{run}{table}{PLAIN[0] * 2}{table}"

    assert [
        Passage(table, is_plain=False),
        Passage(run, is_plain=True),
        Passage(f"{table}{PLAIN[0] * 2}{table}", is_plain=False),
    ] == list(passages([script], Dialect.SQLITE, 64 * 80))


def test_no_statement_is_too_long() -> None:
    """One that is longer than a passage makes a longer one."""
    long = f"INSERT INTO t VALUES ('{'x' * 1000}');"

    assert [Passage(long, is_plain=False)] * 2 == list(
        passages(cut(long * 2, 7), Dialect.POSTGRESQL, 50)
    )
