"""What is seen of a long script before it runs is what is seen of a short one."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.checksum import checksum
from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.migration import SqlScript
from asyncmig.sources.survey import survey
from asyncmig.sql import Dialect, split
from tests.sql.scripts import broken_scripts, statement_lists

if TYPE_CHECKING:
    from asyncmig.engines.statements import Prepared
    from asyncmig.sources.survey import Survey

KEYS = "PRAGMA foreign_keys = "
NOTABLE = [
    *["BEGIN;", "COMMIT;", "END TRANSACTION;", "START TRANSACTION;", "BEGIN READ ONLY;"],
    *["SAVEPOINT a;", "RELEASE a;", "ROLLBACK TO a;", "ROLLBACK;", "VACUUM;", "REINDEX SCHEMA s;"],
    *[f"{KEYS}off;", f"{KEYS}on;", "PRAGMA journal_mode = wal;", "COPY t FROM STDIN;", "\n.help;"],
    *["CREATE INDEX CONCURRENTLY i ON t (n);", "SELECT 1;", "INSERT INTO t VALUES (1);" * 4],
    *["", ";", "-- COMMIT;\n", "/* BEGIN; */", "SELECT '", "\\d", "BEGIN", "COMMIT"],
]
dialects = st.sampled_from(Dialect)


def scripts(dialect: Dialect) -> st.SearchStrategy[str]:
    """Make scripts, sound ones and others, with what counts in a transaction."""
    notable = st.lists(st.sampled_from(NOTABLE), max_size=6).map("".join)
    sound = statement_lists(dialect).map("".join)
    pair = st.tuples(st.just("BEGIN;"), notable, st.just("COMMIT;")).map("".join)
    return notable | pair | sound | broken_scripts()


def prepared_of(script: str, dialect: Dialect) -> Prepared | None:
    """Return what a short script is made ready as; ``None`` when it must not run."""
    try:
        return prepare(SqlScript(script, "1_a.sql"), dialect, "1")
    except InvalidMigrationError:
        return None


def sent(seen: Survey, script: str, dialect: Dialect) -> list[str]:
    """Return the statements that are sent of a long script."""
    return [
        statement.text
        for statement in split(script, dialect)
        if not statement.is_empty and statement.body not in seen.left_out
    ]


@given(st.data(), dialects, st.integers(1, 40), st.integers(1, 200))
@example("BEGIN; SELECT 1; COMMIT; -- done", Dialect.POSTGRESQL, 1, 1)
@example(f"{KEYS}off; SELECT 1; {KEYS}on;", Dialect.SQLITE, 1, 1)
def test_what_runs_of_a_long_script_is_what_runs_of_a_short_one(
    made: st.DataObject | str, dialect: Dialect, piece: int, length: int
) -> None:
    """The same scripts are refused, the same pairs and pragmas left out."""
    script = made if isinstance(made, str) else made.draw(scripts(dialect))
    prepared = prepared_of(script, dialect)
    seen = survey((script[i : i + piece] for i in range(0, len(script), piece)), dialect, length)

    assert (seen is None) == (prepared is None or not script)
    if seen is not None and prepared is not None:
        assert seen.foreign_keys == prepared.foreign_keys
        assert sent(seen, script, dialect) == [
            statement.text for unit in prepared.units for statement in unit.statements
        ]


@given(
    st.lists(st.text(alphabet="a\n\ufeff;é", min_size=1, max_size=9), min_size=1),
    st.integers(1, 9),
)
def test_the_parts_have_the_checksums_of_the_beginnings(pieces: list[str], length: int) -> None:
    """Each is that of the script up to there, which is what no other text has."""
    script = "".join(pieces)
    seen = survey(pieces, Dialect.SQLITE, length)

    assert seen is not None
    ends = list(accumulate(part.length for part in seen.parts))
    assert ends[-1] == len(script)
    assert [checksum(script[:end]) for end in ends] == [part.checksum for part in seen.parts]


@pytest.mark.parametrize(
    ("script", "is_closed"),
    [
        ("SELECT 1;", True),
        ("SELECT 1; -- so\n", True),
        ("SELECT 1", False),
        ("SELECT 1; /* so", False),
        ("INSERT INTO t VALUES (1);" * 9, True),
    ],
)
def test_what_is_open_at_the_end_may_go_on(script: str, *, is_closed: bool) -> None:
    """A marker that follows it would be a part of it."""
    seen = survey([script], Dialect.SQLITE)

    assert seen
    assert is_closed == seen.is_closed
