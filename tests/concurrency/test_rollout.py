"""Two releases of one application at once: the old one boots, and takes nothing back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.concurrency.evidence import history
from tests.concurrency.journal import Journal
from tests.concurrency.runners import Ended, Form, Order, start
from tests.database import ask
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from pathlib import Path

LEDGER = "CREATE TABLE ledger (n integer);\n"
VIEW = "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT '{}' AS made_by;\n"


def release(root: Path, name: str, versions: int) -> MigrationFolder:
    """Return the migrations of a release: so many versions, and its own text of one view."""
    folder = MigrationFolder(root / name)
    folder.path.mkdir()
    for number in range(1, versions + 1):
        folder.write(f"{number:03}_more.sql", LEDGER.replace("ledger", f"ledger_{number}"))
    folder.write("R__totals.sql", VIEW.format(name))
    return folder


@pytest.mark.parametrize(("form", "new_versions"), [(Form.PROCESSES, 1), (Form.TASKS, 0)])
async def test_two_releases_restart_at_the_same_time(
    form: Form, database_url: str, tmp_path: Path, new_versions: int
) -> None:
    """Pods of both come and go in a rollout; the view of the new release stays."""
    old = Order(database_url, release(tmp_path, "old", 2))
    new = Order(database_url, release(tmp_path, "new", 2 + new_versions))
    await start(Form.TASKS, [old], Journal())

    both = await start(form, [old, new], Journal())
    late = await start(Form.TASKS, [old], Journal())
    last = await start(Form.TASKS, [new], Journal())

    assert [0, 0] == [end.exit_code for end in both]
    assert [Ended(0, ()), Ended(0, ())] == [*late, *last]
    assert [("new",)] == await ask(database_url, "SELECT made_by FROM totals")
    added = [(f"{3 + number:03}", "applied") for number in range(new_versions)]
    assert [
        ("001", "applied"),
        ("002", "applied"),
        ("R__totals", "superseded"),
        *added,
        ("R__totals", "applied"),
    ] == await history(database_url)
