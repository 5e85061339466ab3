"""Files that run in batches: the words behind a marker, and the decorator of a function."""

from __future__ import annotations

import pytest

from asyncmig.migration import Batching, PythonScript, SqlScript
from tests.sources.memory_folder import Complaint, complaints, load_file

FILE = "migrations/1_a"
UPDATE = "UPDATE t SET n = 1 WHERE id IN (SELECT id FROM t WHERE n = 0 LIMIT :batch_size);\n"
PLAIN = "write `@asyncmig.batches(size=1000)`, with plain numbers"


def decorated(decorator: str, above: str = "import asyncmig") -> str:
    """Return a file whose `up` has that decorator."""
    return f"{above}\n@{decorator}\nasync def up(batch):\n    return None\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("batch:1000", Batching()),
        (
            "batch:50 target:2s pause:100ms replica_lag:1m",
            Batching(size=50, target=2.0, pause=0.1, replica_lag=60.0),
        ),
        ("pause:0s batch:1", Batching(size=1, pause=0.0)),
    ],
)
def test_a_marker_says_how_its_part_runs_in_batches(words: str, expected: Batching) -> None:
    """The other part is none of its business."""
    text = f"-- migrate:up {words}\n{UPDATE}-- migrate:down\nDOWN\n"

    migration = load_file("1_a.sql", text)

    assert SqlScript(UPDATE, f"{FILE}.sql", 2, batching=expected) == migration.up
    assert SqlScript("DOWN\n", f"{FILE}.sql", 4) == migration.down


@pytest.mark.parametrize(
    ("words", "column", "sentence", "hint"),
    [
        ("batch:many", 15, "batch is a number of rows, not 'many'", "write batch:1000"),
        (
            "batch:0",
            15,
            "the size of a batch is 1 to 10000000 rows",
            "write batch:1000, and leave the rest to asyncmig",
        ),
        (
            "pause:31s batch:9",
            25,
            "the pause between batches is 0 to 30 s",
            "write batch:1000, and leave the rest to asyncmig",
        ),
        ("pause:1s", 15, "pause is about batches", "write batch:1000 too"),
        (
            "batch:9 transaction:false",
            23,
            "each batch has a transaction of its own, which transaction:false takes away",
            "leave transaction:false out",
        ),
        (
            "foreign_keys:off batch:9",
            15,
            "foreign keys stay on in batches: between two of them the application writes",
            "leave it out, or batch",
        ),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: str, column: int, sentence: str, hint: str
) -> None:
    """The error points at the word."""
    text = f"-- migrate:up {words}\n{UPDATE}"

    expected = Complaint(f"{FILE}.sql:1:{column}: {sentence}", hint, 1, column)

    assert [expected] == complaints({"1_a.sql": text})


def test_a_repeatable_cannot_run_in_batches() -> None:
    """What changes data is to happen once, and not whenever its file is edited."""
    expected = Complaint(
        "migrations/R__a.sql:1:1: a repeatable migration cannot run in batches",
        "give what changes data a file with a version: it is to happen once",
        1,
        1,
    )

    assert [expected] == complaints({"R__a.sql": f"-- migrate:up batch:9\n{UPDATE}"})


@pytest.mark.parametrize(
    ("decorator", "above", "expected"),
    [
        ("asyncmig.batches()", "import asyncmig", Batching()),
        ("asyncmig.batches(size=50, target=2)", "import asyncmig", Batching(size=50, target=2)),
        ("a.batches(size=9)", "import asyncmig as a", Batching(size=9)),
        ("batches(pause=0.5)", "from asyncmig import Batch, batches", Batching(pause=0.5)),
        ("some(replica_lag=9)", "from asyncmig import batches as some", Batching(replica_lag=9)),
        ("batches(pause=None)", "from asyncmig import batches", Batching()),
    ],
)
def test_the_decorator_is_read_without_running_it(
    decorator: str, above: str, expected: Batching
) -> None:
    """Under whatever names it was imported."""
    text = decorated(decorator, above)

    assert PythonScript(text, f"{FILE}.py", "up", batching=expected) == load_file("1_a.py", text).up


@pytest.mark.parametrize(
    ("decorator", "above"),
    [
        ("batches(size=9)", "from itertools import batched as batches"),
        ("ours.batches(size=9)", "import ours"),
        ("asyncmig.batches(size=9)", "import other as asyncmig"),
        ("keep", "import asyncmig"),
    ],
)
def test_another_decorator_is_none_of_our_business(decorator: str, above: str) -> None:
    """It is taken on trust, as ever."""
    text = decorated(decorator, above)

    assert PythonScript(text, f"{FILE}.py", "up") == load_file("1_a.py", text).up


@pytest.mark.parametrize(
    ("decorator", "column", "sentence", "hint"),
    [
        ("asyncmig.batches", 2, "batches takes its arguments by name", PLAIN),
        ("asyncmig.batches(100)", 2, "batches takes its arguments by name", PLAIN),
        (
            "asyncmig.batches(size=SIZE)",
            24,
            "size is a whole number, written down as such",
            PLAIN,
        ),
        (
            "asyncmig.batches(size=True)",
            24,
            "size is a whole number, written down as such",
            PLAIN,
        ),
        (
            "asyncmig.batches(target=None)",
            26,
            "target is a number of seconds, written down as such",
            PLAIN,
        ),
        (
            "asyncmig.batches(**options)",
            21,
            "batches has no argument **",
            "there are size, target, pause, replica_lag",
        ),
        (
            "asyncmig.batches(sise=9)",
            24,
            "batches has no argument sise",
            "there are size, target, pause, replica_lag",
        ),
        ("asyncmig.batches(size=0)", 2, "the size of a batch is 1 to 10000000 rows", PLAIN),
        (
            "asyncmig.batches(target=0.0)",
            2,
            "the target of a batch is above 0 and at most 60 s",
            PLAIN,
        ),
    ],
)
def test_a_decorator_that_cannot_be_read_is_refused(
    decorator: str, column: int, sentence: str, hint: str
) -> None:
    """The error points at it, or at its argument."""
    expected = Complaint(f"{FILE}.py:2:{column}: {sentence}", hint, 2, column)

    assert [expected] == complaints({"1_a.py": decorated(decorator)})


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (
            "transaction",
            "each batch has a transaction of its own, which transaction = False takes away",
        ),
        (
            "foreign_keys",
            "foreign keys stay on in batches: between two of them the application writes",
        ),
    ],
)
def test_options_that_batches_rule_out_are_refused(option: str, sentence: str) -> None:
    """The error points at the decorator."""
    text = decorated("asyncmig.batches()", f"import asyncmig; {option} = False")

    expected = Complaint(
        f"{FILE}.py:2:2: {sentence}", f"take `{option} = False` out, or the decorator", 2, 2
    )

    assert [expected] == complaints({"1_a.py": text})


def test_a_function_in_batches_is_looked_at_as_any_other() -> None:
    """Its one argument is the batch."""
    text = "import asyncmig\n@asyncmig.batches()\nasync def up(connection, batch):\n    pass\n"

    expected = Complaint(
        f"{FILE}.py:3:1: up is called with one argument, the batch",
        "write `async def up(batch):`",
        3,
        1,
    )

    assert [expected] == complaints({"1_a.py": text})
