"""Migration files that cannot be what they are, and folders without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file, files

if TYPE_CHECKING:
    from tests.acceptance.project import Project


def empty(project: Project) -> None:
    project.migrations.remove("001_users.sql")


def python(body: str):
    return file("002_posts.py", body)


X = dict(exit_code=2, error="x", message="x")
CASES = (
    Case(name="an empty folder", arrange=empty, **X),
    Case(name="a missing folder", command="up --source absent", **X),
    Case(name="source a file", command="up --source migrations/001_users.sql", **X),
    Case(name="a missing package", command="up --source package:absent.db", on=On.SQLITE, **X),
    Case(name="duplicate version", arrange=files(_2_posts="SELECT 1;", _002_tags="SELECT 1;"), **X),
    Case(name="malformed name", arrange=file("2-posts.sql", "SELECT 1;"), **X),
    Case(name="malformed name flyway", arrange=file("V2__posts.sql", "SELECT 1;"), on=On.SQLITE, **X),
    Case(name="unknown option", arrange=file("002_a.sql", "-- about é\n-- migrate:up transction:false\nSELECT 1;\n"), **X),
    Case(name="bad option value", arrange=file("002_a.sql", "-- migrate:up transaction:off\nSELECT 1;\n"), **X),
    Case(name="lookalike", arrange=file("002_a.sql", "-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 2;\n"), on=On.SQLITE, **X),
    Case(name="two ups", arrange=file("002_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;\n"), on=On.SQLITE, **X),
    Case(name="down first", arrange=file("002_a.sql", "-- migrate:down\nSELECT 1;\n-- migrate:up\nSELECT 2;\n"), on=On.SQLITE, **X),
    Case(name="before first marker", arrange=file("002_a.sql", "SELECT 0;\n-- migrate:up\nSELECT 1;\n"), on=On.SQLITE, **X),
    Case(name="not utf8", arrange=file("002_a.sql", "SELECT 1;\n-- Zo\u00eb".encode("latin-1") + b"\n"), **X),
    Case(name="utf16", arrange=file("002_a.sql", "SELECT 1;\n".encode("utf-16")), **X),
    Case(name="unterminated string", arrange=file("002_a.sql", "SELECT 1;\nSELECT 'Zoë', 'open;\nSELECT 2;\n"), **X),
    Case(name="unterminated dollar", arrange=file("002_a.sql", "DO $body$ BEGIN NULL; END;\n"), on=On.POSTGRESQL, **X),
    Case(name="unterminated comment", arrange=file("002_a.sql", "SELECT 1; /* open\n"), **X),
    Case(name="meta-command", arrange=file("002_a.sql", "SELECT 1;\n\\copy users FROM 'users.csv'\n"), on=On.POSTGRESQL, **X),
    Case(name="copy from stdin", arrange=file("002_a.sql", "COPY users FROM stdin;\n1\tZoe\n\\.\n"), on=On.POSTGRESQL, **X),
    Case(name="dot command", arrange=file("002_a.sql", ".mode csv\nSELECT 1;\n"), on=On.SQLITE, **X),
    Case(name="nul", arrange=file("002_a.sql", "SELECT 1;\0\n"), **X),
    Case(name="commit in the middle", arrange=file("002_a.sql", "CREATE TABLE posts (id INTEGER);\nCOMMIT;\nCREATE TABLE tags (id INTEGER);\n"), **X),
    Case(name="rollback in the down", arrange=file("002_a.sql", "-- migrate:up\nCREATE TABLE posts (id INTEGER);\n-- migrate:down\nROLLBACK;\n"), command="check", on=On.SQLITE, **X),
    Case(name="concurrently", arrange=file("002_a.sql", "CREATE TABLE posts (id INTEGER);\nCREATE INDEX CONCURRENTLY users_name ON users (name);\n"), on=On.POSTGRESQL, **X),
    Case(name="vacuum", arrange=file("002_a.sql", "-- é\nVACUUM;\n"), **X),
    Case(name="journal mode", arrange=file("002_a.sql", "PRAGMA journal_mode = DELETE;\n"), on=On.SQLITE, **X),
    Case(name="begin without commit", arrange=file("002_a.sql", "-- migrate:up transaction:false\nBEGIN;\nCREATE TABLE posts (id INTEGER);\n"), **X),
    Case(name="py not async", arrange=python("def up(connection):\n    pass\n"), **X),
    Case(name="py no up", arrange=python("async def down(connection):\n    pass\n"), **X),
    Case(name="py upgrade", arrange=python("async def upgrade(connection):\n    pass\n"), **X),
    Case(name="py syntax", arrange=python("async def up(connection):\n    é = 1; x = = 2\n"), **X),
    Case(name="py indentation", arrange=python("async def up(connection):\npass\n"), **X),
    Case(name="py no argument", arrange=python("async def up():\n    pass\n"), **X),
    Case(name="py bad option", arrange=python("transaction = 'no'\nasync def up(connection):\n    pass\n"), **X),
    Case(name="py decorated not async", arrange=python("def deco(f):\n    return lambda c: None\n@deco\nasync def up(connection):\n    pass\n"), **X),
    Case(name="plan sql of python", arrange=python("async def up(connection):\n    pass\n"), command="plan --sql", **X),
    Case(name="check finds", arrange=file("002_a.sql", "COMMIT;\n"), command="check", **X),
)
