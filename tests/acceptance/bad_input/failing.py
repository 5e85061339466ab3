"""Migrations that fail while they run: nothing of them remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file

if TYPE_CHECKING:
    from tests.acceptance.project import Project

LINES = "".join(f"INSERT INTO posts VALUES ({n}, 'Žluťoučký kůň 🐎');\n" for n in range(37))
LINE_40 = "-- migrate:up\nCREATE TABLE posts (id INTEGER, title TEXT);\n" + LINES + "INSERT INTO posts VALUES (99, '🐎🐎é') garbage;\n"
MIDDLE = "CREATE TABLE posts (id INTEGER);\nINSERT INTO posts VALUES (1);\nINSERT INTO nowhere VALUES (1);\nINSERT INTO posts VALUES (2);\n"


def python(body: str):
    return file("002_posts.py", body)


def broken_down(project: Project) -> None:
    project.migrations.write("002_a.sql", "-- migrate:up\nCREATE TABLE posts (id INTEGER);\n-- migrate:down\nDROP TABLE posts;\nDROP TABLE nowhere;\n")
    project.call("up", "-q")


X = dict(exit_code=1, error="x", message="x")
CASES = (
    Case(name="line 40", arrange=file("002_posts.sql", LINE_40), **X),
    Case(name="middle", arrange=file("002_posts.sql", MIDDLE), **X),
    Case(name="middle crlf bom", arrange=file("002_posts.sql", "\ufeff" + MIDDLE.replace("\n", "\r\n")), **X),
    Case(name="table there", arrange=file("002_posts.sql", "CREATE TABLE users (id INTEGER);\n"), **X),
    Case(name="unique", arrange=file("002_posts.sql", "INSERT INTO users VALUES (2, 'a');\nINSERT INTO users VALUES (1, 'b');\n"), **X),
    Case(name="not null", arrange=file("002_posts.sql", "INSERT INTO users VALUES (2, NULL);\n"), **X),
    Case(name="trigger body", arrange=file("002_posts.sql", "DO $$ BEGIN\n  PERFORM 1/0;\nEND $$;\n"), on=On.POSTGRESQL, **X),
    Case(name="statement without end", arrange=file("002_posts.sql", "CREATE TABLE posts (\n  id INTEGER\n"), **X),
    Case(name="fk", arrange=file("002_posts.sql", "CREATE TABLE posts (id INTEGER, author INTEGER REFERENCES users (id));\nINSERT INTO posts VALUES (1, 5);\n"), **X),
    Case(name="fk off", arrange=file("002_posts.sql", "-- migrate:up foreign_keys:off\nCREATE TABLE posts (id INTEGER, author INTEGER REFERENCES users (id));\nINSERT INTO posts VALUES (1, 5);\n"), on=On.SQLITE, **X),
    Case(name="deferred", arrange=file("002_posts.sql", "CREATE TABLE posts (id INTEGER, author INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO posts VALUES (1, 5);\n"), **X),
    Case(name="py raises", arrange=python("async def up(connection):\n    await connection.execute('CREATE TABLE posts (id INTEGER)')\n    raise ValueError('no title')\n"), **X),
    Case(name="py sql", arrange=python("async def up(connection):\n    await connection.execute('CREATE TABLE posts (id INTEGER)')\n    await connection.execute('SELECT nope')\n"), **X),
    Case(name="py import", arrange=python("import nowhere\n\nasync def up(connection):\n    pass\n"), **X),
    Case(name="py commits", on=On.SQLITE, arrange=python("async def up(connection):\n    await connection.execute('CREATE TABLE posts (id INTEGER)')\n    await connection.commit()\n"), **X),
    Case(name="py commits pg", on=On.POSTGRESQL, arrange=python("async def up(connection):\n    await connection.execute('CREATE TABLE posts (id INTEGER)')\n    await connection.execute('COMMIT')\n"), **X),
    Case(name="py executescript", on=On.SQLITE, arrange=python("async def up(connection):\n    await connection.executescript('CREATE TABLE posts (id INTEGER); SELECT 1;')\n    1 / 0"), **X),
    Case(name="py exits", arrange=python("import sys\n\nasync def up(connection):\n    sys.exit(3)\n"), **X),
    Case(name="py swallowed", on=On.POSTGRESQL, arrange=python("async def up(connection):\n    try:\n        await connection.execute('SELECT 1/0')\n    except Exception:\n        pass\n"), **X),
    Case(name="py cancelled", arrange=python("import asyncio\n\nasync def up(connection):\n    raise asyncio.CancelledError\n"), **X),
    Case(name="py closes", arrange=python("async def up(connection):\n    await connection.close()\n"), **X),
    Case(name="down fails", arrange=broken_down, command="down", **X),
    Case(name="repeatable fails", arrange=file("R__v.sql", "CREATE VIEW v AS SELECT nope FROM users;\n"), **X),
)
