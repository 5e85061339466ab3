"""A bookshop in FastAPI: migrate, then open the application's own pool, then serve."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from fastapi import FastAPI, Request

import asyncmig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DATABASE_URL = os.environ["DATABASE_URL"]
MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def open_pool(_app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    """Open the pool that the requests use; it is entered when the database is current."""
    async with asyncpg.create_pool(DATABASE_URL, min_size=1, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=asyncmig.lifespan(DATABASE_URL, MIGRATIONS, then=open_pool))


@app.get("/books")
async def list_books(request: Request) -> list[dict[str, Any]]:
    """Return the books, by title."""
    rows = await request.state.pool.fetch("SELECT isbn, title FROM books ORDER BY title")
    return [dict(row) for row in rows]
