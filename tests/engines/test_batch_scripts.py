"""What a SQL script that runs in batches may hold."""

from __future__ import annotations

import pytest

from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.migration import Batching, SqlScript
from asyncmig.sql import Dialect

UPDATE = "UPDATE t SET n = 1 WHERE id IN (SELECT id FROM t WHERE n = 0 LIMIT :batch_size)"
WHERE_IT_COUNTS = (
    "write the size where it counts, such as "
    "`WHERE id IN (SELECT id FROM … WHERE … LIMIT :batch_size)`"
)
BOTH = [Dialect.POSTGRESQL, Dialect.SQLITE]


def script(text: str) -> SqlScript:
    """Return a script that begins on the third line of its file."""
    return SqlScript(text, "2_some.sql", first_line=3, batching=Batching())


@pytest.mark.parametrize("dialect", BOTH)
def test_one_statement_with_a_size_is_taken_as_it_is(dialect: Dialect) -> None:
    """With or without its semicolon, comments and a transaction of its own around it."""
    for text in (UPDATE, f"-- why\n{UPDATE};\n-- done\n", f"BEGIN;\n{UPDATE};\nCOMMIT;"):
        (unit,) = prepare(script(text), dialect, "2").units

        assert [UPDATE] == [statement.sql for statement in unit.statements]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("text", "place", "sentence", "hint"),
    [
        (
            f"{UPDATE};\n{UPDATE};",
            "4:1",
            "a second statement in a file that runs in batches, which has one",
            "give every other statement another file",
        ),
        (
            "-- nothing",
            "3:11",
            "no statement in a file that runs in batches, which has one",
            "give every other statement another file",
        ),
        (
            "  SELECT backfill(:batch_size)",
            "3:3",
            "a batch ends when it changes no row, and this does not say how many it changes",
            "it has to be an INSERT, UPDATE, DELETE or MERGE, also behind WITH",
        ),
        (
            "UPDATE t SET n = 1",
            "3:1",
            "all rows in one batch: there is no :batch_size in this statement",
            WHERE_IT_COUNTS,
        ),
    ],
)
def test_what_cannot_run_again_and_again_is_refused(
    text: str, place: str, sentence: str, hint: str, dialect: Dialect
) -> None:
    """Before anything runs, and with the place in the file."""
    with pytest.raises(InvalidMigrationError) as caught:
        prepare(script(text), dialect, "2")

    assert (f"2_some.sql:{place}: {sentence}", hint) == (str(caught.value), caught.value.hint)
