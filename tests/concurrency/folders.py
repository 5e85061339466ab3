"""The migrations that herds of runners meet: nothing in them could be applied twice unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

SEED = "CREATE TABLE ledger (n INTEGER NOT NULL);\nINSERT INTO ledger VALUES (1);\n"
VIEW = "CREATE VIEW totals AS SELECT count(*) AS n FROM ledger;\n"
STEPWISE = {
    "sqlite": "VACUUM;",
    "postgresql": "CREATE INDEX CONCURRENTLY ledger_n ON ledger (n);",
}
"""What cannot run inside a transaction."""


def herd_folder(
    folder: MigrationFolder,
    url: str,
    *,
    size: int = 50,
    gate: Path | None = None,
    stepwise: bool = True,
) -> tuple[str, ...]:
    """Fill a folder, and return the keys of its migrations in their order.

    Each version appends its number to the table `ledger`, which has no key: who applies something
    twice leaves the number twice. The middle one is not transactional, the last one is Python.

    Args:
        folder: Where to.
        url: The database, of either kind.
        size: How many versions, at least 3.
        gate: A file that the last version waits for.
        stepwise: Whether there is a version that is not transactional.
    """
    kind = url.partition(":")[0]
    middle = size // 2 + 1
    versions = [f"{number:03}" for number in range(1, size + 1)]
    for number, version in enumerate(versions, start=1):
        insert = f"INSERT INTO ledger VALUES ({number});\n"
        if number == 1:
            folder.write(f"{version}_seed.sql", SEED)
        elif number == size:
            folder.write(f"{version}_last.py", python_migration(insert, gate))
        elif number == middle and stepwise:
            head = "-- migrate:up transaction:false\n"
            folder.write(f"{version}_stepwise.sql", f"{head}{STEPWISE[kind]}\n{insert}")
        else:
            folder.write(f"{version}_more.sql", f"CREATE TABLE t{number} (id INTEGER);\n{insert}")
    folder.write("R__totals.sql", VIEW)
    return (*versions, "R__totals")


def python_migration(statement: str, gate: Path | None = None) -> str:
    """Return a migration in Python that runs a statement, then waits until the gate is open."""
    lines = ["import anyio", "", "async def up(connection):"]
    lines.append(f"    await connection.execute({statement.strip()!r})")
    if gate is not None:
        lines.append(f"    while not await anyio.Path({str(gate)!r}).exists():")
        lines.append("        await anyio.sleep(0.005)")
    return "\n".join([*lines, ""])


def two_steps(folder: MigrationFolder, gate: Path, second: str) -> None:
    """Write version 001, which waits for the gate, and version 002."""
    folder.write("001_gate.py", gate_migration(gate))
    folder.write("002_second.sql", second)


def gate_migration(gate: Path) -> str:
    """Return a migration in Python that does nothing but wait until the gate is open."""
    return python_migration("SELECT 1", gate)


def numbers(keys: Iterable[str]) -> list[int]:
    """Return what the ledger has when each of these migrations was applied once."""
    return [int(key) for key in keys if key.isdigit()]
