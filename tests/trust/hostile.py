"""A role that may create objects in a database, and lays traps for a superuser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engines.postgres.ground import as_role, ask, do

if TYPE_CHECKING:
    from collections.abc import Iterator

MALLORY = "mallory"

FUNCTIONS = (
    "clock_timestamp",
    "current_database",
    "current_setting",
    "count",
    "extract",
    "generate_series",
    "has_table_privilege",
    "ltrim",
    "max",
    "pg_advisory_unlock",
    "pg_backend_pid",
    "pg_is_in_recovery",
    "pg_my_temp_schema",
    "pg_try_advisory_lock",
    "pg_try_advisory_xact_lock",
    "quote_ident",
    "set_config",
    "timezone",
    "to_char",
    "to_regclass",
    "to_regnamespace",
    "version",
)
OPERATORS = ("=", "<>", "<", ">", "||", "-", "*", "!~", "~")
OPERANDS = (
    *(("text", "text"), ("name", "text"), ("text", "name"), ("name", "name"), ("oid", "oid")),
    *(("int4", "int4"), ("int8", "int8"), ("int8", "int4"), ("int2", "int2"), ("int4", "int2")),
    *(("int2", "int4"), ("numeric", "int4"), ("numeric", "numeric"), ("bool", "bool")),
    *(('"char"', '"char"'), ("timestamptz", "timestamptz"), ("xid", "xid")),
)
TYPES = ("text", "name", "bool", "int2", "int4", "int8", "oid", "timestamptz", "interval")
RELATIONS = (
    "asyncmig_history",
    "pg_class",
    "pg_namespace",
    "pg_locks",
    "pg_stat_activity",
    "pg_settings",
    "pg_database",
    "pg_index",
    "pg_roles",
    "pg_stat_progress_create_index",
)

_TRAP = "LANGUAGE plpgsql AS $$ BEGIN PERFORM {schema}.spring(); RETURN NULL; END $$"

# A sequence does not roll back: whoever stepped into a trap leaves a trace.
_SPRING = """
CREATE SEQUENCE {schema}.sprung;
CREATE FUNCTION {schema}.spring() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    RETURN pg_catalog.nextval('{schema}.sprung') IS NOT NULL; END $$;
"""

# For each function of the system its like, with the same arguments: the better match in a schema
# that is searched first.
_SAME_FUNCTIONS = """
DO $do$ DECLARE f record; BEGIN
    FOR f IN SELECT p.proname, pg_catalog.oidvectortypes(p.proargtypes) AS given,
             CASE WHEN p.prokind = 'a' OR p.proretset THEN 'bigint'
             ELSE pg_catalog.format_type(p.prorettype, NULL) END AS result
             FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
             AND p.proname = ANY ('{{{functions}}}') AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_type t
                 WHERE t.oid = ANY (p.proargtypes) AND t.typtype = 'p')
    LOOP
        EXECUTE pg_catalog.format('CREATE FUNCTION {schema}.%I(%s) RETURNS %s {trap}',
                                  f.proname, f.given, f.result);
    END LOOP;
END $do$;
"""


async def lay_traps(url: str, schema: str) -> None:
    """Let a role without rights shadow what asyncmig might name, in a schema that it may use.

    Args:
        url: A superuser's URL.
        schema: Where; it is made if it is not ``public``, and everybody may create in it.
    """
    await do(url, f"DROP ROLE IF EXISTS {MALLORY}; CREATE ROLE {MALLORY} LOGIN;")
    await do(url, f"CREATE SCHEMA IF NOT EXISTS {schema}; GRANT ALL ON SCHEMA {schema} TO PUBLIC;")
    await do(as_role(url, MALLORY), "\n".join(_traps(schema)))


async def is_caught(url: str, schema: str) -> bool:
    """Tell whether anybody has stepped into one of the traps."""
    ((caught,),) = await ask(url, f"SELECT is_called FROM {schema}.sprung")
    return bool(caught)


def _traps(schema: str) -> Iterator[str]:
    trap = _TRAP.format(schema=schema)
    yield _SPRING.format(schema=schema)
    yield _SAME_FUNCTIONS.format(
        schema=schema, functions=",".join(FUNCTIONS), trap=trap.replace("'", "''")
    )
    for number, (left, right) in enumerate(OPERANDS):
        both = f"pg_catalog.{left}, pg_catalog.{right}"
        yield f"CREATE FUNCTION {schema}.trap_{number}({both}) RETURNS boolean {trap};"
        for operator in OPERATORS:
            yield (
                f"CREATE OPERATOR {schema}.{operator} (FUNCTION = {schema}.trap_{number}, "
                f"LEFTARG = pg_catalog.{left}, RIGHTARG = pg_catalog.{right});"
            )
    for relation in RELATIONS[schema == "public" :]:
        yield f"CREATE VIEW {schema}.{relation} AS SELECT {schema}.spring() AS id;"
    # Last, for the lines above say types without a schema, too.
    for name in TYPES:
        yield f"CREATE DOMAIN {schema}.{name} AS pg_catalog.{name} CHECK ({schema}.spring());"
