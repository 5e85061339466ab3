"""A bookshop in Starlette that serves at once and says when it is ready."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiosqlite
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import asyncmig

if TYPE_CHECKING:
    from starlette.requests import Request

FILE = os.environ.get("SHOP_FILE", "shop.db")
MIGRATIONS = os.environ.get("SHOP_MIGRATIONS", "migrations")

migration = asyncmig.lifespan(f"sqlite:///{FILE}", MIGRATIONS, background=True)


async def live(_request: Request) -> JSONResponse:
    """Tell whether a restart would help: it does when the migration has failed."""
    failed = migration.failure is not None
    return JSONResponse({"failure": str(migration.failure or "")}, 500 if failed else 200)


async def ready(_request: Request) -> JSONResponse:
    """Tell whether requests may be sent here."""
    is_ready = migration.migrator.ready
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


async def list_books(_request: Request) -> JSONResponse:
    """Return the books in the order of the shelf, once there are any."""
    if not migration.migrator.ready:
        return JSONResponse({"error": "not ready yet"}, 503, {"Retry-After": "1"})
    async with aiosqlite.connect(FILE) as connection:
        rows = await connection.execute_fetchall(
            "SELECT isbn, title FROM books ORDER BY sort_title"
        )
    return JSONResponse([{"isbn": isbn, "title": title} for isbn, title in rows])


app = Starlette(
    routes=[Route("/live", live), Route("/ready", ready), Route("/books", list_books)],
    lifespan=migration,
)
