"""From settings to a migrator. The tests put another one in its place here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.cli.project import load_setup
from asyncmig.cli.settings import require_database

if TYPE_CHECKING:
    from asyncmig.cli.settings import Settings
    from asyncmig.events import Observer
    from asyncmig.migrator import Migrator


def open_migrator(settings: Settings, observer: Observer) -> Migrator:
    """Return the migrator that the settings describe. Nothing is connected yet.

    Raises:
        SettingsError: There is no database, or something cannot be understood.
    """
    database = require_database(settings)
    from asyncmig.migrator import Migrator

    return Migrator(
        database,
        settings.source,
        format=settings.reading.format,
        placeholders=settings.reading.placeholders,
        table=settings.table,
        schema=settings.schema,
        search_path=settings.search_path,
        connect_timeout=settings.connect_timeout,
        wait_timeout=settings.wait_timeout,
        lock_timeout=settings.lock_timeout,
        statement_timeout=settings.statement_timeout,
        retries=settings.retries,
        budget=settings.budget,
        busy_timeout=settings.busy_timeout,
        out_of_order=settings.out_of_order,
        changed=settings.changed,
        baseline=settings.baseline,
        durability=settings.durability,
        single_transaction=settings.single_transaction,
        lock_report=settings.lock_report,
        fail_on=settings.fail_on,
        fail_over=settings.fail_over,
        setup=None if settings.setup is None else load_setup(settings.setup),
        direct_url=settings.direct_url,
        observer=observer,
    )
