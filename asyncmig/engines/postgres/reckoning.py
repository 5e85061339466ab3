"""Ask the server what batches want to know: how much there is to do, how far the replicas are.

All of it is best effort. A role without rights, or another server that speaks the protocol, may
know less; then there is no forecast, and nothing is waited for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio

from asyncmig.engines.batching import EVERYTHING, Table
from asyncmig.engines.postgres.connection import ServerError
from asyncmig.engines.postgres.table import EQUALS, literal
from asyncmig.engines.postgres.transaction import NestableTransaction
from asyncmig.engines.python_script import run_setup
from asyncmig.sql import Dialect, with_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asyncmig.engines.postgres.desk import Desk
    from asyncmig.migration import Script
    from asyncmig.sql import Statement

_SETTING = "asyncmig.plan"
_LEAST_BYTES = 28
"""Of a row on its page: its header and the pointer to it (PostgreSQL manual, "Database Page
Layout"). Where nobody has counted, there are no more rows than fit."""

_LAG = "SELECT pg_catalog.max(EXTRACT(epoch FROM replay_lag)) FROM pg_catalog.pg_stat_replication"
_LOOK_EVERY = 1.0


async def reckon(desk: Desk, script: Script, statement: Statement) -> Table:
    """Ask the planner how many rows a batch for everything would change. Runs nothing."""
    text = with_batch_size(statement, Dialect.POSTGRESQL, EVERYTHING)
    # The hook may choose the role and the path that the statement is meant for.
    transaction = NestableTransaction(desk.wire)
    try:
        await desk.enter(transaction, first=desk.transaction_settings(script))
        await run_setup(desk.settings.setup, desk.wire.raw)
        ((found,),) = await desk.wire.fetch(_PLAN, after=_planning(text))
        plan = json.loads(found or "[{}]")[0].get("Plan", {})
        rows = await desk.wire.one(_rows_of(_relations(plan)))
    except (ServerError, ValueError):
        return Table()
    finally:
        await transaction.roll_back()
    known = int(float(rows[0])) if rows and rows[0] else None
    return Table(_expected(plan), known)


async def wait_for_replicas(desk: Desk, limit: float, tell: Callable[[str], None]) -> None:
    """Wait until no replica is further behind than that, as far as this role may see them.

    Args:
        desk: A connection outside of any transaction: a snapshot would not let the lag end.
        limit: Seconds.
        tell: Told what is waited for.
    """
    while (lag := await _lag(desk)) > limit:
        tell(f"a replica that is {lag:.0f} s behind")
        await anyio.sleep(_LOOK_EVERY)


async def _lag(desk: Desk) -> float:
    """Return how many seconds the last replica is behind, 0 where that is not known."""
    try:
        found = await desk.wire.one(_LAG)
    except ServerError:
        return 0.0
    return float(found[0]) if found and found[0] is not None else 0.0


_PLAN = f"SELECT pg_catalog.current_setting({literal(_SETTING)}, true)"


def _planning(text: str) -> str:
    """Return SQL that leaves the plan in a setting: a COPY, by which we read, takes no EXPLAIN."""
    explain = literal(f"EXPLAIN (FORMAT JSON, VERBOSE) {text}")
    return (
        "DO $asyncmig$ DECLARE plan pg_catalog.json; BEGIN "
        f"EXECUTE {explain} INTO plan; "
        f"PERFORM pg_catalog.set_config({literal(_SETTING)}, plan::pg_catalog.text, true); "
        "END $asyncmig$;"
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Go through a plan and the plans inside it."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _expected(plan: dict[str, Any]) -> int | None:
    """Return how many rows come out of what limits the batch, or else into what changes them.

    What the planner expects behind ``IN (SELECT … LIMIT …)`` is a guess of 200.
    """
    limits = [node["Plan Rows"] for node in _nodes(plan) if node.get("Node Type") == "Limit"]
    inputs = [node["Plan Rows"] for node in plan.get("Plans", ())]
    return max(limits or inputs, default=None)


def _relations(plan: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the tables of a plan: each one's schema and name."""
    named = (node for node in _nodes(plan) if "Relation Name" in node and "Schema" in node)
    return {(node["Schema"], node["Relation Name"]) for node in named}


def _rows_of(relations: set[tuple[str, str]]) -> str:
    """Return a query for how many rows tables have, together, or could have at most."""
    pages = (
        "(pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) "
        "pg_catalog.current_setting('block_size')::bigint)"
    )
    counted = f"c.reltuples OPERATOR(pg_catalog.*) {pages} OPERATOR(pg_catalog./) c.relpages"
    fitting = f"pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) {_LEAST_BYTES}"
    is_counted = "c.reltuples OPERATOR(pg_catalog.>) 0 AND c.relpages OPERATOR(pg_catalog.>) 0"
    chosen = " OR ".join(
        f"(n.nspname {EQUALS} {literal(schema)} AND c.relname {EQUALS} {literal(name)})"
        for schema, name in sorted(relations)
    )
    return (
        f"SELECT pg_catalog.sum(CASE WHEN {is_counted} THEN {counted} ELSE {fitting} END) "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        f"ON n.oid {EQUALS} c.relnamespace WHERE {chosen or 'false'}"
    )
