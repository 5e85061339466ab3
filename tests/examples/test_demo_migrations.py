"""The demo schema in `migrations/`: the same files on PostgreSQL and on SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg

from asyncmig import Migrator

MIGRATIONS = Path(__file__).parents[2] / "migrations"
TABLES = {"authors", "books", "orders", "order_lines"}
EVERYTHING = TABLES | {"order_totals", "books_sort_title_idx", "order_lines_isbn_idx"}
SORT_TITLES = [
    "Invisible Cities",
    "Krambambuli; und andere Erzählungen",
    "Left Hand of Darkness, The",
]

POSTGRESQL_NAMES = """
SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
AND relname !~ '_(pkey|history)$|^asyncmig_'
"""
SQLITE_NAMES = """
SELECT name FROM sqlite_master WHERE name NOT LIKE 'asyncmig_%' AND name NOT LIKE 'sqlite_%'
"""


async def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, whatever the database."""
    if url.startswith("sqlite"):
        async with aiosqlite.connect(url.removeprefix("sqlite:///")) as lite:
            return [tuple(row) for row in await lite.execute_fetchall(sql)]
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def names(url: str) -> set[str]:
    """Return the names of the tables, views and indexes, but those that come with a table."""
    sql = SQLITE_NAMES if url.startswith("sqlite") else POSTGRESQL_NAMES
    return {name for (name,) in await query(url, sql)}


async def test_the_demo_runs_on_both_databases(database_url: str) -> None:
    """Everything is there, the first shelf once, and the step in Python has been taken."""
    report = await Migrator(database_url, MIGRATIONS, observer=None).up()

    titles = await query(database_url, "SELECT sort_title FROM books ORDER BY sort_title")

    assert (0, EVERYTHING) == (report.pending, await names(database_url))
    assert SORT_TITLES == [title for (title,) in titles]


async def test_the_view_of_the_demo_adds_up(database_url: str) -> None:
    """An order comes to quantity times price."""
    await Migrator(database_url, MIGRATIONS, observer=None).up()
    for statement in (
        "INSERT INTO orders (number, customer) VALUES ('7', 'Ada')",
        "INSERT INTO order_lines VALUES ('7', '9780156453806', 2), ('7', '9780441478125', 1)",
    ):
        await execute(database_url, statement)

    totals = await query(database_url, "SELECT number, customer, total_cents FROM order_totals")

    assert [("7", "Ada", 4280)] == totals


async def test_the_demo_goes_down_to_nothing(database_url: str) -> None:
    """Each way down takes back what its way up made."""
    migrator = Migrator(database_url, MIGRATIONS, observer=None)
    await migrator.up()

    await migrator.down(to="0")

    assert set() == await names(database_url)


async def test_the_demo_comes_back_after_it_went_down(database_url: str) -> None:
    """Down to nothing and up again is the same database, the view included."""
    migrator = Migrator(database_url, MIGRATIONS, observer=None)
    await migrator.up()
    await migrator.down(to="0")

    await migrator.up()

    assert EVERYTHING == await names(database_url)


async def execute(url: str, statement: str) -> None:
    """Run a statement, whatever the database."""
    if url.startswith("sqlite"):
        async with aiosqlite.connect(url.removeprefix("sqlite:///")) as lite:
            await lite.execute(statement)
            await lite.commit()
        return
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
