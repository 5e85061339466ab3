"""A folder with two versions and a view, and a migrator of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator

if TYPE_CHECKING:
    from asyncmig.events import Event
    from tests.migration_folder import MigrationFolder
from tests.migrator.shop import ORDERS, USERS, VIEW


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with two versions and a view."""
    migration_folder.write("1_users.sql", USERS)
    migration_folder.write("2_orders.sql", ORDERS)
    migration_folder.write("R__totals.sql", VIEW)
    return migration_folder


@pytest.fixture
def told() -> list[Event]:
    """Return what the migrator told."""
    return []


@pytest.fixture
def migrator(database_url: str, shop: MigrationFolder, told: list[Event]) -> Migrator:
    """Return a migrator of the shop."""
    return Migrator(database_url, shop, observer=told.append)
