"""A small shop on PostgreSQL, in a schema of its own, to run dangerous migrations on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncmig.lock_policy import LockPolicy
from tests.engines.lab import Seen, first_step, locked
from tests.engines.postgres.ground import do, engine_for

if TYPE_CHECKING:
    from asyncmig.locks import LockReport
    from asyncmig.migration import Migration

SHOP = """
SET client_min_messages = warning;
DROP TABLE IF EXISTS public.asyncmig_history;
DROP SCHEMA IF EXISTS shop, other CASCADE;
CREATE SCHEMA shop;
SET search_path = shop;
CREATE TABLE users (
    id integer PRIMARY KEY, email varchar(50), name text, age integer, height integer,
    born timestamp, price numeric(8, 2), note varchar(10), "Odd name" text,
    CONSTRAINT age_fits CHECK (age >= 0)
);
INSERT INTO users SELECT i, 'e' || i, 'n' || i, i, i, now(), i, 'x' FROM generate_series(1, 50) i;
CREATE INDEX users_born ON users (born);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer, total integer);
INSERT INTO orders SELECT i, i, i FROM generate_series(1, 50) i;
CREATE TABLE items (id integer PRIMARY KEY, order_id integer REFERENCES orders);
CREATE TABLE events (id integer, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 (id integer, at date NOT NULL);
INSERT INTO events_2 SELECT i, '2026-02-03' FROM generate_series(1, 50) i;
CREATE TABLE ready (
    id integer, at date NOT NULL, CHECK (at >= '2026-04-01' AND at < '2026-05-01')
);
CREATE TABLE tags (name text COLLATE "C");
CREATE INDEX tags_name ON tags (name);
CREATE TABLE notes (id integer, title text, body text);
CREATE UNIQUE INDEX notes_id ON notes (id);
ALTER TABLE notes ADD CONSTRAINT has_title CHECK (title IS NOT NULL) NOT VALID;
ALTER TABLE notes VALIDATE CONSTRAINT has_title;
ALTER TABLE notes ADD CONSTRAINT short CHECK (length(body) < 100) NOT VALID;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN plain AS integer;
CREATE TABLE scores (score plain);
INSERT INTO scores VALUES (1);
CREATE MATERIALIZED VIEW totals AS SELECT user_id, total FROM orders;
CREATE UNIQUE INDEX totals_user ON totals (user_id);
CREATE VIEW adults AS SELECT id, name FROM users WHERE age > 17;
CREATE SEQUENCE numbers;
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users NOT VALID;
CREATE UNLOGGED TABLE caches (id integer);
INSERT INTO caches VALUES (1);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""


async def report_of(
    url: str,
    migration: Migration,
    policy: LockPolicy | None = None,
    **settings: Any,  # noqa: ANN401 - as EngineSettings
) -> LockReport:
    """Build the shop, run a migration in it, and return what it told of its locks.

    What it raises, it raises behind that.
    """
    await do(url, SHOP)
    seen = Seen()
    engine = engine_for(url, locks=policy or LockPolicy(), search_path="shop", **settings)
    async with locked(engine) as session:
        history = await session.history()
        await session.apply(first_step(history, migration), history.generation, seen.events)
    return seen.reports[-1]
