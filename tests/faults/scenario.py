"""What every trial runs: a folder of migrations, three ways through it, and what must be left.

Each migration does something that shows when it is done twice: a line in a ledger without a key,
or a counter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING

from asyncmig.sql import Dialect
from tests.faults.matrix import refuse_unless

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig import Migrator
    from asyncmig.report import RunReport

_MEMBERS = """\
-- migrate:up
CREATE TABLE ledger (line TEXT NOT NULL);
CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT NOT NULL, visits INTEGER NOT NULL);
INSERT INTO ledger VALUES ('001 up');
INSERT INTO members VALUES (1, 'Zoë', 0), (2, 'Bob', 0);
UPDATE members SET visits = visits + 1;
-- migrate:down
DROP TABLE members;
DROP TABLE ledger;
"""
_VISITS = """\
-- migrate:up
INSERT INTO ledger VALUES ('002 up');
CREATE TABLE visits (day INTEGER NOT NULL){partitioned};
{partitions}\
INSERT INTO visits VALUES (7);
-- migrate:down
DROP TABLE visits;
"""
_PARTITIONS = """\
CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM (0) TO (100);
CREATE TABLE visits_new PARTITION OF visits FOR VALUES FROM (100) TO (200);
"""
_LETTERS = """\
retry = True


async def up(connection):
    await connection.execute("UPDATE members SET visits = visits + 1")
    await connection.execute("INSERT INTO ledger VALUES ({placeholder})", {argument})


async def down(connection):
    await connection.execute("UPDATE members SET visits = visits - 1")
"""
_STEPWISE = {
    Dialect.POSTGRESQL: """\
-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY members_name ON members (name);
REINDEX INDEX CONCURRENTLY members_name;
ALTER TABLE visits DETACH PARTITION visits_old CONCURRENTLY;
-- migrate:down transaction:false
ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM (0) TO (100);
DROP INDEX CONCURRENTLY members_name;
""",
    Dialect.SQLITE: """\
-- migrate:up transaction:false
CREATE INDEX members_name ON members (name);
VACUUM;
-- migrate:down transaction:false
DROP INDEX members_name;
VACUUM;
""",
}
_NOTES = """\
-- migrate:up
CREATE TABLE notes (text TEXT NOT NULL);
INSERT INTO notes VALUES ('one');
INSERT INTO ledger VALUES ('005 up');
-- migrate:down
INSERT INTO ledger VALUES ('005 down');
DROP TABLE notes;
"""
_REPORT = """\
DROP VIEW IF EXISTS report;
CREATE VIEW report AS SELECT count(*) AS lines FROM ledger;
INSERT INTO ledger VALUES ('report');
"""

STEPWISE_VERSION = "004"
"""The migration without a transaction."""


Trail = tuple[tuple[str, ...], ...]
"""The rows of the history: each a tuple of kind, direction, version (or name), state, checksum."""


class Phase(Enum):
    """One run. Each may be repeated: what it has done already it does not do again."""

    UP = "up"
    DOWN = "down"
    AGAIN = "up again"
    TOGETHER = "up together"

    async def run(self, migrator: Migrator) -> RunReport:
        """Carry it out, or the rest of it."""
        if self is Phase.DOWN:
            return await migrator.down(to="003")
        return await migrator.up(single_transaction=self is Phase.TOGETHER)


IN_A_ROW = (Phase.UP, Phase.DOWN, Phase.AGAIN)
"""Those of which each begins where the last has ended."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a trial must leave as the reference did.

    Ids, times and durations are not in it.

    Attributes:
        catalogue: What there is: tables, columns, indexes and whether they are valid, views.
        data: The rows of each table but the history, as ``(table, row, row, …)``; sorted.
        active: The rows of the history that say what is in the database; sorted.
        trail: Those and the rows that are over (reverted, superseded), in the order in which they
            were written; without notes of failures.
    """

    catalogue: tuple[tuple[str, ...], ...]
    data: tuple[tuple[str, ...], ...]
    active: Trail
    trail: Trail

    @property
    def settled(self) -> Snapshot:
        """The same without the trail, in which an answer to a question leaves rows of its own."""
        return replace(self, trail=())

    def missing_from(self, found: Snapshot) -> str:
        """Say what another snapshot lacks, and what it has too much; empty if they are equal."""
        said: list[str] = []
        for field in fields(self):
            expected = Counter[object](getattr(self, field.name))
            there = Counter[object](getattr(found, field.name))
            said += [f"lost from {field.name}: {row}" for row in expected - there]
            said += [f"too much in {field.name}: {row}" for row in there - expected]
        if not said and self != found:
            said.append(f"another order: {found} in place of {self}")
        return "; ".join(said)


HISTORY = (
    "SELECT kind, direction, coalesce(version, name), state, checksum "
    "FROM asyncmig_history WHERE state <> 'failed' ORDER BY id"
)
"""The query for a trail, for both databases."""


def refuse_part_of(phase: Phase, before: Trail, found: Trail, after: Trail) -> None:
    """Refuse what is neither none nor all of a single transaction.

    Raises:
        LostOrDoubledError: It is neither.
    """
    is_whole = phase is not Phase.TOGETHER or found in (before, after)
    refuse_unless(is_whole, f"of a single transaction there is a part: {found}")


def active_rows(trail: Trail) -> Trail:
    """Return the rows of a trail that say what is in the database."""
    return tuple(sorted(row for row in trail if row[3] in {"applying", "applied"}))


def write_scenario(folder: Path, dialect: Dialect) -> None:
    """Write the migrations into a folder, which is made."""
    folder.mkdir()
    for name, text in files(dialect).items():
        (folder / name).write_text(text, encoding="utf-8")


def files(dialect: Dialect) -> dict[str, str]:
    """Return the migrations, by the name of their file."""
    is_postgresql = dialect is Dialect.POSTGRESQL
    return {
        "001_members.sql": _MEMBERS,
        "002_visits.sql": _VISITS.format(
            partitioned=" PARTITION BY RANGE (day)" if is_postgresql else "",
            partitions=_PARTITIONS if is_postgresql else "",
        ),
        "003_letters.py": _LETTERS.format(
            placeholder="$1" if is_postgresql else "?",
            argument="'003 up'" if is_postgresql else "['003 up']",
        ),
        f"{STEPWISE_VERSION}_names.sql": _STEPWISE[dialect],
        "005_notes.sql": _NOTES,
        "R__report.sql": _REPORT,
    }
