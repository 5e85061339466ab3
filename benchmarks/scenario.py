"""What the tools are given to do, what is then in the database, and what to call that.

Each migration writes its number into ``begun`` when it begins and into ``done`` when it ends. No
constraint keeps it from doing so twice, as no constraint keeps a seed or a backfill from it. What
happened is read from these two tables, never from a tool's own history.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass

from benchmarks.peers.base import Script
from tests.database import ask, tables

STEPS_PER_SECOND = 4_000_000  # how far SQLite counts in a second, more or less
SLOW = {
    "postgresql": "SELECT pg_sleep(length) FROM pause",
    "sqlite": (
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted "
        f"WHERE n < (SELECT length * {STEPS_PER_SECOND} FROM pause)) SELECT count(*) FROM counted"
    ),
}
VALID_INDEXES = (
    "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid "
    "WHERE indisvalid AND relname LIKE 'busy%'"
)
SEED = 2
VICTIM = 3
LAST = 4


@dataclass(frozen=True, slots=True)
class Contents:
    """What the migrations left in a database.

    Attributes:
        begun: The number of each migration that began, once for each time.
        done: The number of each migration that ended, once for each time.
        tables: Which of the tables that migrations make are there.
        indexes: Which of the indexes that migrations make are there and valid.
    """

    begun: tuple[int, ...] = ()
    done: tuple[int, ...] = ()
    tables: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()

    @property
    def repeated(self) -> tuple[int, ...]:
        """The migrations that began or ended more than once."""
        counts = Counter(self.begun) | Counter(self.done)
        return tuple(sorted(number for number, times in counts.items() if times > 1))

    @property
    def halves(self) -> tuple[int, ...]:
        """The migrations that began and did not end as often, or that made only their table."""
        begun, done = Counter(self.begun), Counter(self.done)
        made = Counter(int(name.removeprefix("step_")) for name in self.tables)
        return tuple(sorted(((begun | made) - done) | (done - begun)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Migrations, and what is in the database when each of them ran once."""

    scripts: tuple[Script, ...]
    expected: Contents


class Verdict(enum.StrEnum):
    """What became of the migrations in the end, after a second, undisturbed run.

    The first that applies is the verdict; the order is from the worst to the best.
    """

    TWICE = "twice"
    STUCK = "stuck"
    NEEDS_A_HAND = "needs a hand"
    LOST = "lost"
    ONCE = "once"


def judge(expected: Contents, found: Contents, *, ended: bool, clean_exit: int | None) -> Verdict:
    """Decide by the same criterion for every tool.

    Args:
        expected: What each migration leaves when it runs once.
        found: What is there after the undisturbed run.
        ended: Whether every disturbed runner ended within its bound, except by our own signal.
        clean_exit: What the undisturbed run exited with; None if it did not end.
    """
    if found.repeated:
        return Verdict.TWICE
    if not ended or clean_exit is None:
        return Verdict.STUCK
    if clean_exit != 0:
        return Verdict.NEEDS_A_HAND
    return Verdict.ONCE if found == expected else Verdict.LOST


def first_deploy(database: str, size: int, pause: float) -> Scenario:
    """Return what an empty database is given: tables, a slow seed, then a table each time."""
    scripts = [_foundation(pause), _step(SEED, SLOW[database])]
    scripts += [_step(n, table=True) for n in range(SEED + 1, size + 1)]
    made = frozenset(f"step_{n}" for n in range(SEED + 1, size + 1))
    return _scenario(scripts, made)


def next_deploy(database: str, size: int, pause: float) -> Scenario:
    """Return what a database in use is given: a slow seed, then rows alone, no new tables."""
    scripts = [_foundation(pause), _step(SEED, SLOW[database])]
    scripts += [_step(n) for n in range(SEED + 1, size + 1)]
    return _scenario(scripts)


def disturbed(database: str, pause: float) -> Scenario:
    """Return four migrations of which the third takes a while: a table, a row, a wait, a row."""
    victim = _step(VICTIM, SLOW[database], table=True)
    scripts = [_foundation(pause), _step(SEED), victim, _step(LAST)]
    return _scenario(scripts, frozenset({f"step_{VICTIM}"}))


def concurrent_index() -> Scenario:
    """Return four migrations of which the third builds an index while people write."""
    victim = Script(VICTIM, ("CREATE INDEX CONCURRENTLY busy_id ON busy (id)",), transaction=False)
    return Scenario(
        (_foundation(0), _step(SEED), victim, _step(LAST)),
        Contents((SEED, LAST), (SEED, LAST), indexes=frozenset({"busy_id"})),
    )


def busy_table() -> Scenario:
    """Return four migrations of which the third needs the whole table for a moment."""
    victim = _step(VICTIM, "ALTER TABLE busy ADD COLUMN name text")
    return _scenario([_foundation(0), _step(SEED), victim, _step(LAST)])


async def read_contents(url: str) -> Contents:
    """Look at what is in the database."""
    found = await tables(url)
    if not {"begun", "done"} <= set(found):
        return Contents()
    valid = [] if url.startswith("sqlite") else await ask(url, VALID_INDEXES)
    return Contents(
        await _numbers(url, "begun"),
        await _numbers(url, "done"),
        frozenset(name for name in found if name.startswith("step_")),
        frozenset(str(name) for (name,) in valid),
    )


async def _numbers(url: str, table: str) -> tuple[int, ...]:
    return tuple(number for (number,) in await ask(url, f"SELECT id FROM {table} ORDER BY id"))


def _foundation(pause: float) -> Script:
    return Script(
        1,
        (
            "CREATE TABLE begun (id INTEGER NOT NULL)",
            "CREATE TABLE done (id INTEGER NOT NULL)",
            "CREATE TABLE busy (id INTEGER NOT NULL)",
            "CREATE TABLE pause (length REAL NOT NULL)",
            f"INSERT INTO pause VALUES ({pause})",
        ),
    )


def _step(number: int, *between: str, table: bool = False) -> Script:
    made = [f"CREATE TABLE step_{number} (id INTEGER)"] if table else []
    begun, done = (f"INSERT INTO {name} VALUES ({number})" for name in ("begun", "done"))
    return Script(number, (*made, begun, *between, done))


def _scenario(scripts: list[Script], made: frozenset[str] = frozenset()) -> Scenario:
    numbers = tuple(script.number for script in scripts[1:])
    return Scenario(tuple(scripts), Contents(numbers, numbers, made))
