"""Fill books.sort_title: a step that is easier to say in Python than in SQL.

It gets the driver's own connection, inside the transaction that also writes the history. So it
must not commit, and it should not import the application: the code of today is not the code of
the day on which this file is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiosqlite
    import asyncpg

    Connection = asyncpg.Connection | aiosqlite.Connection

ARTICLES = ("The", "A", "An", "Der", "Die", "Das", "Il", "Le")


def sort_title(title: str) -> str:
    """Return the title with its article at the end."""
    first, _, rest = title.partition(" ")
    return f"{rest}, {first}" if rest and first in ARTICLES else title


async def up(connection: Connection) -> None:
    """Fill the column for the books that there are."""
    # Your own project has one database and needs one of the two branches.
    if hasattr(connection, "fetch"):  # asyncpg
        books = await connection.fetch("SELECT isbn, title FROM books")
        update = "UPDATE books SET sort_title = $1 WHERE isbn = $2"
    else:  # aiosqlite
        books = await connection.execute_fetchall("SELECT isbn, title FROM books")
        update = "UPDATE books SET sort_title = ? WHERE isbn = ?"
    await connection.executemany(update, [(sort_title(title), isbn) for isbn, title in books])


async def down(connection: Connection) -> None:
    """Empty the column again."""
    await connection.execute("UPDATE books SET sort_title = NULL")
