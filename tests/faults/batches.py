"""Kill a migration in batches, again and again, and count what it did to every row.

Nobody can see from outside where a runner is: the moments are random, spread over the rows. Small
batches and a short pause make them fall into every part of a transaction.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from tests.database import ask, tables
from tests.faults.matrix import Fault, LostOrDoubledError, Outcome, Trial, Verdict, refuse_unless
from tests.faults.scenario import Phase
from tests.faults.victims import victims
from tests.servers.postgres import fresh_database, postgres

if TYPE_CHECKING:
    from tests.faults.victims import Victims

ROWS, KILLS = 200_000, 10
LAST = "after_all"
"""The table of the migration behind the batches, which has to wait for them."""

_UNTIL = 0.8
"""Up to which part of the rows a runner is killed: behind it one may have ended by itself."""
_LONGEST_DELAY = 0.02
_LOOK_EVERY = 0.001
_LONGEST_RUN = 600.0


class Form(Enum):
    """How the migration is written."""

    SQL = "2_count.sql"
    PYTHON = "2_count.py"


_SERIES = {
    "postgresql": "SELECT g FROM generate_series(1, {rows}) g",
    "sqlite": "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < {rows}) "
    "SELECT g FROM s",
}
_TABLE = """\
CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);
INSERT INTO t (id) {series};
CREATE INDEX t_to_do ON t (id) WHERE n = 0;
"""
_COUNT = """\
-- migrate:up batch:{size} target:1ms pause:3ms
UPDATE t SET n = n + 1 WHERE id IN (SELECT id FROM t WHERE n = 0 LIMIT :batch_size);
"""
_COUNT_BY_CURSOR = """\
import asyncmig

QUERY = "SELECT id FROM t WHERE id > {{}} ORDER BY id LIMIT {{}}"
COUNT = "UPDATE t SET n = n + 1 WHERE id > {{}} AND id <= {{}}"


@asyncmig.batches(size={size}, target=0.001, pause=0.003)
async def up(batch: asyncmig.Batch[int]) -> int | None:
    after = batch.after or 0
    query = QUERY.format(after, batch.size)
    rows = await batch.connection.{fetch}(query)
    last = max((row[0] for row in rows), default=None)
    if last is not None:
        await batch.connection.execute(COUNT.format(after, last))
    return last
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a trial is made.

    Attributes:
        url: An empty database.
        folder: Where to write the migrations; made.
        form: How the one in batches is written.
        rows: How many rows there are to change.
    """

    url: str
    folder: Path
    form: Form
    rows: int

    @property
    def dialect(self) -> str:
        """The database, as its URL begins."""
        return self.url.partition(":")[0]

    def write(self) -> None:
        """Write the migrations: the table, the batches, and one that waits for them."""
        fetch = "fetch" if self.dialect == "postgresql" else "execute_fetchall"
        series = _SERIES[self.dialect].format(rows=self.rows)
        text = _COUNT if self.form is Form.SQL else _COUNT_BY_CURSOR
        files = {
            "1_table.sql": _TABLE.format(series=series),
            self.form.value: text.format(size=self.rows // 5, fetch=fetch),
            "3_last.sql": f"CREATE TABLE {LAST} (id INTEGER)",
        }
        self.folder.mkdir()
        for name, content in files.items():
            (self.folder / name).write_text(content, encoding="utf-8")

    async def changed(self) -> int:
        """Count the rows that are changed."""
        if "t" not in await tables(self.url):
            return 0
        ((count,),) = await ask(self.url, "SELECT count(*) FROM t WHERE n > 0")
        return int(count)

    async def refuse_wrong_end(self) -> None:
        """See that every row was changed once, and that the history says so.

        Raises:
            LostOrDoubledError: It was not.
        """
        found = await ask(self.url, "SELECT n, count(*) FROM t GROUP BY n ORDER BY n")
        refuse_unless([(1, self.rows)] == found, f"rows by how often they were changed: {found}")
        states = await ask(self.url, "SELECT version, state FROM asyncmig_history ORDER BY id")
        expected = [(version, "applied") for version in "123"]
        refuse_unless(expected == states, f"the history: {states}")


async def trial(ground: Ground, kills: int, seed: int) -> list[Trial]:
    """Kill runners at random points, and let a last one end. Return a trial for each kill.

    Raises:
        LostOrDoubledError: A row was not changed exactly once, or a runner did not go on by itself.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    points = sorted(chance.randrange(int(ground.rows * _UNTIL)) for _ in range(kills))
    await asyncio.to_thread(ground.write)
    killed: list[Trial] = []
    async with victims() as runners:
        for point in points:
            await runners.start(ground.url, ground.folder, Phase.UP)
            if await _killed(ground, runners, point, chance.uniform(0, _LONGEST_DELAY)):
                said = f"{ground.form.name} on {ground.dialect}"
                killed.append(Trial(await ground.changed(), said, Fault.KILL, Verdict.RECOVERED))
        await runners.start(ground.url, ground.folder, Phase.UP)
        status = await runners.end(_LONGEST_RUN)
    refuse_unless(status == 0, f"the last runner ended with {status}")
    await ground.refuse_wrong_end()
    return killed


async def _killed(ground: Ground, runners: Victims, point: int, delay: float) -> bool:
    """Kill a runner once so many rows are changed, and tell whether it had not ended before."""
    while True:
        if await ground.changed() > point or LAST in await tables(ground.url):
            break
        await anyio.sleep(_LOOK_EVERY)
    await anyio.sleep(delay)
    runners.kill()
    status = await runners.end(_LONGEST_RUN)
    refuse_unless(status in {0, -9}, f"the runner ended with {status}")
    is_over = LAST in await tables(ground.url)
    refuse_unless(not is_over or status == 0 or await ground.changed() == ground.rows, "no wait")
    return status != 0


def matrix(every: int) -> Outcome:
    """Try both forms on both databases.

    Args:
        every: 1 for all the rows and kills; more for a part of them.
    """
    rows, kills = ROWS // every, max(1, KILLS // every)
    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tried: list[Trial] = []
        failures: list[str] = []
        for number, form in enumerate(Form):
            sqlite = Ground(f"sqlite:///{root}/{number}.db", root / f"s{number}", form, rows)
            with fresh_database(server, f"batches_{number}") as url:
                for ground in (Ground(url, root / f"p{number}", form, rows), sqlite):
                    try:
                        tried += asyncio.run(trial(ground, kills, seed=random.randrange(1000)))  # noqa: S311
                    except LostOrDoubledError as error:
                        failures.append(f"{form.name} on {ground.dialect}: {error}")
    return Outcome(tuple(tried), tuple(failures))
