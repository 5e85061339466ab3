"""A small shop: what the migrations of these tests are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncmig


HISTORY = "asyncmig_history"
USERS = "-- migrate:up\nCREATE TABLE users (id int);\n-- migrate:down\nDROP TABLE users;\n"
ORDERS = "-- migrate:up\nCREATE TABLE orders (id int);\n-- migrate:down\nDROP TABLE orders;\n"
ITEMS = "CREATE TABLE items (id int);\n"
VIEW = "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT count(*) AS n FROM users;\n"
BROKEN = "CREATE TABLE half (id int);\nCREATE TABLE half (id int);\n"


def states(report: asyncmig.StatusReport) -> dict[str, str]:
    """Return the state of every migration."""
    return {status.key: status.state.value for status in report.migrations}
