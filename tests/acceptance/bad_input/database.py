"""Databases that cannot be reached, or do not let us do what we came for."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.acceptance.bad_input.case import Case, On
from tests.acceptance.project import sleeping_migration, wait_for
from tests.commands import psql
from tests.servers.machine import free_port
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from tests.acceptance.project import Project

POSTS = "CREATE TABLE posts (id INTEGER);\n"


def pending(project: Project) -> None:
    project.migrations.write("002_posts.sql", POSTS)


def closed_port(project: Project) -> None:
    project.environment["DATABASE_URL"] = f"postgresql://app:secret@127.0.0.1:{free_port()}/shop"


def wrong_password(project: Project) -> None:
    server = project.opened.enter_context(postgres())
    rule = "COPY (SELECT 'host all guarded all scram-sha-256') TO "
    psql(
        server,
        "CREATE ROLE guarded LOGIN PASSWORD 'right';\n"
        "SELECT current_setting('hba_file') AS file \\gset\n"
        f"{rule}:'file';\nSELECT pg_reload_conf();\n",
        cwd=project.root,
    )
    place = urlsplit(server)
    project.environment["DATABASE_URL"] = f"postgresql://guarded:wrong@127.0.0.1:{place.port}/postgres?sslmode=disable"


def other_database(project: Project) -> None:
    project.environment["DATABASE_URL"] = urlsplit(project.url)._replace(path="/absent").geturl()


def other_role(project: Project) -> None:
    project.environment["DATABASE_URL"] = project.url.replace("//postgres@", "//absent@")


def role(project: Project, name: str, grants: str) -> None:
    project.execute(f"CREATE ROLE {name} LOGIN;\n{grants}")
    project.environment["DATABASE_URL"] = project.url.replace("//postgres@", f"//{name}@")
    project.opened.callback(project.execute, f"DROP OWNED BY {name};\nDROP ROLE {name};")
    pending(project)


def reader(project: Project) -> None:
    role(project, "reader", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;")


def nobody(project: Project) -> None:
    role(project, "outsider", "")


def read_only_role(project: Project) -> None:
    role(project, "careful", "ALTER ROLE careful SET default_transaction_read_only = on;\nGRANT ALL ON ALL TABLES IN SCHEMA public TO careful;")


def newcomer(project: Project) -> None:
    project.execute("DROP TABLE asyncmig_history;")
    role(project, "newcomer", "")


def not_sqlite(project: Project) -> None:
    for file in project.root.glob("app.db*"):
        file.unlink()
    project.path.write_bytes(b"id,name\n1,Zoe\n" * 100)


def folder_as_database(project: Project) -> None:
    (project.root / "folder").mkdir()


def another_runner(project: Project) -> None:
    project.migrations.write("002_slow.py", sleeping_migration(60))
    process = project.opened.enter_context(project.running("up"))
    wait_for(project.root / "sleeping", process)


def busy_application(project: Project) -> None:
    pending(project)
    connection = project.opened.enter_context(contextlib.closing(sqlite3.connect(project.path)))
    connection.isolation_level = None
    connection.execute("BEGIN IMMEDIATE")


def locked_table(project: Project) -> None:
    pass


X = dict(exit_code=5, error="x", message="x")
CASES = (
    Case(name="unreachable", on=On.POSTGRESQL, arrange=closed_port, command="up --connect-timeout 0.2", **X),
    Case(name="unresolvable", on=On.POSTGRESQL, command="status --connect-timeout 0.2 --database postgresql://app:secret@db.invalid/shop", **X),
    Case(name="wrong password", on=On.POSTGRESQL, arrange=wrong_password, **X),
    Case(name="no such database", on=On.POSTGRESQL, arrange=other_database, **X),
    Case(name="no such role", on=On.POSTGRESQL, arrange=other_role, **X),
    Case(name="reader", on=On.POSTGRESQL, arrange=reader, **X),
    Case(name="outsider", on=On.POSTGRESQL, arrange=nobody, **X),
    Case(name="careful", on=On.POSTGRESQL, arrange=read_only_role, **X),
    Case(name="newcomer", on=On.POSTGRESQL, arrange=newcomer, **X),
    Case(name="read-only file", on=On.SQLITE, arrange=pending, command="up --database 'sqlite:///app.db?mode=ro'", **X),
    Case(name="not a sqlite file", on=On.SQLITE, arrange=not_sqlite, **X),
    Case(name="not a sqlite file status", on=On.SQLITE, arrange=not_sqlite, command="status", **X),
    Case(name="a folder", on=On.SQLITE, arrange=folder_as_database, command="up --database sqlite:///folder", **X),
    Case(name="a missing folder", on=On.SQLITE, command="up --database sqlite:///absent/app.db", **X),
    Case(name="file is a parent", on=On.SQLITE, command="up --database sqlite:///app.db/x.db", **X),
    Case(name="another runner", arrange=another_runner, command="up --wait-timeout 0.2", **X),
    Case(name="busy", on=On.SQLITE, arrange=busy_application, command="up --busy-timeout 0.2", **X),
    Case(name="wait for pending", arrange=pending, command="wait --timeout 0.1", **X),
    Case(name="status check", arrange=pending, command="status --check", **X),
)
