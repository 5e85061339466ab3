"""The tools that a database can be taken over from, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tools.aerich import AERICH
from asyncmig.adopt.tools.alembic import ALEMBIC
from asyncmig.adopt.tools.asyncpg_trek import ASYNCPG_TREK
from asyncmig.adopt.tools.atlas import ATLAS
from asyncmig.adopt.tools.dbmate import DBMATE
from asyncmig.adopt.tools.diesel import DIESEL
from asyncmig.adopt.tools.django import DJANGO
from asyncmig.adopt.tools.drizzle import DRIZZLE
from asyncmig.adopt.tools.flyway import FLYWAY
from asyncmig.adopt.tools.golang_migrate import GOLANG_MIGRATE
from asyncmig.adopt.tools.goose import GOOSE
from asyncmig.adopt.tools.graphile_migrate import GRAPHILE_MIGRATE
from asyncmig.adopt.tools.liquibase import LIQUIBASE
from asyncmig.adopt.tools.node_pg_migrate import NODE_PG_MIGRATE
from asyncmig.adopt.tools.pgmigrate import PGMIGRATE
from asyncmig.adopt.tools.piccolo import PICCOLO
from asyncmig.adopt.tools.postgres_migrations import POSTGRES_MIGRATIONS
from asyncmig.adopt.tools.prisma import PRISMA
from asyncmig.adopt.tools.rails import RAILS
from asyncmig.adopt.tools.refinery import REFINERY
from asyncmig.adopt.tools.river import RIVER
from asyncmig.adopt.tools.sqitch import SQITCH
from asyncmig.adopt.tools.sql_migrate import SQL_MIGRATE
from asyncmig.adopt.tools.sqlx import SQLX
from asyncmig.adopt.tools.tern import TERN
from asyncmig.adopt.tools.tortoise import TORTOISE
from asyncmig.adopt.tools.yoyo import YOYO

if TYPE_CHECKING:
    from asyncmig.adopt.tool import Tool

TOOLS: tuple[Tool, ...] = (
    AERICH,
    ALEMBIC,
    ASYNCPG_TREK,
    ATLAS,
    DBMATE,
    DIESEL,
    DJANGO,
    DRIZZLE,
    FLYWAY,
    GOLANG_MIGRATE,
    GOOSE,
    GRAPHILE_MIGRATE,
    LIQUIBASE,
    NODE_PG_MIGRATE,
    PGMIGRATE,
    PICCOLO,
    POSTGRES_MIGRATIONS,
    PRISMA,
    RAILS,
    REFINERY,
    RIVER,
    SQITCH,
    SQL_MIGRATE,
    SQLX,
    TERN,
    TORTOISE,
    YOYO,
)
"""Sorted by name. No two of them recognise the same table."""
