"""The tools that a database can be taken over from, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tools.alembic import ALEMBIC
from asyncmig.adopt.tools.dbmate import DBMATE
from asyncmig.adopt.tools.flyway import FLYWAY
from asyncmig.adopt.tools.golang_migrate import GOLANG_MIGRATE
from asyncmig.adopt.tools.goose import GOOSE
from asyncmig.adopt.tools.rails import RAILS
from asyncmig.adopt.tools.sqlx import SQLX
from asyncmig.adopt.tools.yoyo import YOYO

if TYPE_CHECKING:
    from asyncmig.adopt.tool import Tool

TOOLS: tuple[Tool, ...] = (
    ALEMBIC,
    DBMATE,
    FLYWAY,
    GOLANG_MIGRATE,
    GOOSE,
    RAILS,
    SQLX,
    YOYO,
)
"""Sorted by name. No two of them recognise the same table."""
