"""What takes longer with every migration is done off the event loop, which others need, too."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig import Migrator, looking, plan, status
from asyncmig.engines.postgres import book
from asyncmig.engines.sqlite import records

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import ITEMS

MANY = 20  # versions


@pytest.fixture
def in_the_loop(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the functions that are called in the loop's thread, as they are."""
    called: list[str] = []
    loop = threading.current_thread()

    def watch(module: ModuleType, name: str) -> None:
        work: Callable[..., Any] = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever it takes
            if threading.current_thread() is loop:
                called.append(name)
            return work(*args, **kwargs)

        monkeypatch.setattr(module, name, watched)

    for module in (plan, looking):
        watch(module, "make_plan")
    for module in (status, looking):
        watch(module, "classify")
    for module in (book, records):
        watch(module, "entry_from")
    return called


async def test_a_run_plans_reads_the_history_and_sums_up_off_the_loop(
    database_url: str, migration_folder: MigrationFolder, in_the_loop: list[str]
) -> None:
    """Only the row of a migration that it has applied is looked at where it arrives."""
    for n in range(MANY):
        migration_folder.write(f"{n}_step.sql", "SELECT 1;\n")
    migrator = Migrator(database_url, migration_folder)
    await migrator.up()
    in_the_loop.clear()
    migration_folder.write("20_items.sql", ITEMS)
    report = await migrator.up()

    assert ["20"] == [entry.key for entry in report.entries]
    assert in_the_loop in ([], ["entry_from"])


async def test_a_look_is_taken_off_the_loop(migrator: Migrator, in_the_loop: list[str]) -> None:
    """A readiness check asks again and again, in the application's own loop."""
    await migrator.up()
    in_the_loop.clear()
    await migrator.status()
    await migrator.plan()

    assert [] == in_the_loop
