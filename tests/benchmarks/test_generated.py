"""What every tool is given."""

from __future__ import annotations

from benchmarks.generated import ROWS, seed, small_rows, small_tables


def test_small_migrations_are_numbered_from_one() -> None:
    """The later ones do not need the tables of the ones before, but for the first."""
    for generate in (small_tables, small_rows):
        assert [1, 2, 3] == [script.number for script in generate(3)]


def test_each_of_the_small_ones_makes_a_table() -> None:
    """Statements stand without semicolons: some tools take one at a time."""
    (script,) = small_tables(1)

    assert (
        "CREATE TABLE bench_00001 (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO bench_00001 (id, name) VALUES (1, 'name 1')",
    ) == script.statements


def test_a_seed_is_as_large_as_asked_for() -> None:
    """In many statements, with quotes and semicolons in the text."""
    _, filling = seed(1)

    assert 1_000_000 < len(filling.sql) < 1_010_000
    assert ROWS - 1 == filling.statements[0].count("),\n(")
    assert "it''s" in filling.statements[0]
