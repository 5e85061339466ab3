"""The migrations that every tool is given, each in its own format."""

from __future__ import annotations

from benchmarks.peers.base import Script

ROWS = 50  # in each statement of a seed
FILLER = "the quick brown fox jumps over the lazy dog; it's no trouble at all: "


def small_tables(size: int) -> tuple[Script, ...]:
    """Return migrations that make a table each, and put a row into it."""
    return tuple(
        Script(
            n,
            (
                f"CREATE TABLE bench_{n:05} (id INTEGER PRIMARY KEY, name TEXT)",
                f"INSERT INTO bench_{n:05} (id, name) VALUES ({n}, 'name {n}')",
            ),
        )
        for n in range(1, size + 1)
    )


def small_rows(size: int) -> tuple[Script, ...]:
    """Return migrations of which the first makes a table, and each of the others adds a row.

    They are for what is measured when nothing is pending. A tool that applies all of them in one
    transaction would run out of locks with a few thousand tables, and never get there.
    """
    return (
        Script(1, ("CREATE TABLE bench_rows (id INTEGER PRIMARY KEY, name TEXT)",)),
        *(
            Script(
                n,
                (
                    f"INSERT INTO bench_rows (id, name) VALUES ({n}, 'name {n}')",
                    f"UPDATE bench_rows SET name = 'the name of number {n}' WHERE id = {n}",
                ),
            )
            for n in range(2, size + 1)
        ),
    )


def seed(megabytes: int) -> tuple[Script, ...]:
    """Return a migration that makes a table, and one that fills it with so many MB of INSERTs."""
    statements: list[str] = []
    written, first = 0, 1
    while written < megabytes * 1_000_000:
        statements.append(_insert(first))
        written += len(statements[-1]) + 2
        first += ROWS
    create = "CREATE TABLE bench_seed (id INTEGER PRIMARY KEY, word TEXT, text TEXT)"
    return Script(1, (create,)), Script(2, tuple(statements))


def _insert(first: int) -> str:
    text = FILLER.replace("'", "''")
    rows = ",\n".join(f"({n}, 'word {n}', '{text}{n}')" for n in range(first, first + ROWS))
    return f"INSERT INTO bench_seed (id, word, text) VALUES\n{rows}"
