"""The keywords of a migrator, for the functions that pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asyncmig.engines.settings import Setup
    from asyncmig.events import Observer
    from asyncmig.request import Changed, Durability, OutOfOrder, Target


class Options(TypedDict, total=False):
    """The keywords of :class:`asyncmig.Migrator`, which says what they mean."""

    format: str
    placeholders: Mapping[str, str] | None
    table: str
    schema: str | None
    search_path: str | None
    connect_timeout: float
    wait_timeout: float | None
    lock_timeout: float | None
    statement_timeout: float | None
    retries: int
    budget: float | None
    busy_timeout: float
    out_of_order: OutOfOrder | str
    changed: Changed | str | None
    baseline: Target | None
    durability: Durability | str
    single_transaction: bool
    lock_report: bool
    fail_on: Iterable[str] | str
    fail_over: float | str
    setup: Setup | None
    direct_url: str | None
    observer: Observer | None
