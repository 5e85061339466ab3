"""Databases that cannot be reached, or do not let us do what we came for."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.acceptance.bad_input.case import Case, On, pending
from tests.acceptance.project import sleeping_migration, wait_for
from tests.commands import psql
from tests.servers.machine import free_port
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from tests.acceptance.project import Project

GUARD = """\
CREATE ROLE guarded LOGIN PASSWORD 'right';
SELECT current_setting('hba_file') AS file \\gset
COPY (SELECT 'host all guarded all scram-sha-256') TO :'file';
SELECT pg_reload_conf();
"""
CAREFUL = """\
ALTER ROLE careful SET default_transaction_read_only = on;
GRANT ALL ON ALL TABLES IN SCHEMA public TO careful;
"""


def only_on_our_own_server() -> None:
    """Skip where roles would have to be made on a server that is somebody else's."""
    if "ASYNCMIG_PG_DSN" in os.environ:
        pytest.skip("about a server of our own")


def closed_port(project: Project) -> None:
    """Name a server that does not listen."""
    place = f"app:s3cr3t@127.0.0.1:{free_port()}/shop?sslmode=disable"
    project.environment["DATABASE_URL"] = f"postgresql://{place}"


def wrong_password(project: Project) -> None:
    """Have a server that wants a password, and give it another one."""
    server = project.opened.enter_context(postgres())
    psql(server, GUARD, cwd=project.root)
    place = f"guarded:wrong@127.0.0.1:{urlsplit(server).port}/postgres"
    project.environment["DATABASE_URL"] = f"postgresql://{place}?sslmode=disable"


def other_database(project: Project) -> None:
    """Name a database that the server has not."""
    project.environment["DATABASE_URL"] = urlsplit(project.url)._replace(path="/absent").geturl()


def other_role(project: Project) -> None:
    """Name a role that the server has not."""
    only_on_our_own_server()
    project.environment["DATABASE_URL"] = project.url.replace("//postgres@", "//absent@")


def role(project: Project, name: str, grants: str) -> None:
    """Connect as a role of its own, with a migration to run."""
    only_on_our_own_server()
    project.execute(f"CREATE ROLE {name} LOGIN;\n{grants}")
    project.environment["DATABASE_URL"] = project.url.replace("//postgres@", f"//{name}@")
    project.opened.callback(project.execute, f"DROP OWNED BY {name};\nDROP ROLE {name};")
    pending(project)


def reader(project: Project) -> None:
    """May read everything, and nothing else."""
    role(project, "reader", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;")


def nobody(project: Project) -> None:
    """May do nothing."""
    role(project, "outsider", "")


def read_only_role(project: Project) -> None:
    """May do everything, in read-only transactions."""
    role(project, "careful", CAREFUL)


def newcomer(project: Project) -> None:
    """May not create tables, and there is no history yet."""
    project.execute("DROP TABLE asyncmig_history;\nREVOKE CREATE ON SCHEMA public FROM PUBLIC;")
    role(project, "newcomer", "")


def not_sqlite(project: Project) -> None:
    """Have another file where the database should be."""
    for file in project.root.glob("app.db*"):
        file.unlink()
    project.path.write_bytes(b"id,name\n1,Zoe\n" * 100)


def folder_as_database(project: Project) -> None:
    """Have a folder where the database should be."""
    (project.root / "folder").mkdir()


def another_runner(project: Project) -> None:
    """Let another runner be in the middle of a migration."""
    project.migrations.write("002_slow.py", sleeping_migration(60))
    process = project.opened.enter_context(project.running("up"))
    wait_for(project.root / "sleeping", process)


def busy_application(project: Project) -> None:
    """Let an application be in the middle of a transaction."""
    pending(project)
    connection = project.opened.enter_context(contextlib.closing(sqlite3.connect(project.path)))
    connection.isolation_level = None
    connection.execute("BEGIN IMMEDIATE")


CASES = (
    Case(
        name="a host that does not listen",
        on=On.POSTGRESQL,
        arrange=closed_port,
        command="up --connect-timeout 0.2",
        exit_code=5,
        error="DatabaseUnavailableError",
        message="postgresql://app@127.0.0.1:<any>/shop cannot be reached: <any>",
        hint="is it running, and is this its address?",
    ),
    Case(
        name="a name that does not resolve",
        on=On.POSTGRESQL,
        command="status --connect-timeout 0.2 --database postgresql://app:s3cr3t@db.invalid/shop?sslmode=disable",
        exit_code=5,
        error="DatabaseUnavailableError",
        message="postgresql://app@db.invalid/shop cannot be reached: <any>",
        hint="is it running, and is this its address?",
    ),
    Case(
        name="a wrong password",
        on=On.POSTGRESQL,
        arrange=wrong_password,
        exit_code=5,
        error="DatabaseAccessError",
        message=(
            "postgresql://guarded@127.0.0.1:<any>/postgres refused: password "
            'authentication failed for user "guarded"'
        ),
        hint="check the password in the URL or in PGPASSWORD",
    ),
    Case(
        name="no such database",
        on=On.POSTGRESQL,
        arrange=other_database,
        exit_code=5,
        error="DatabaseAccessError",
        message=(
            'postgresql://postgres@127.0.0.1:<any>/absent refused: database "absent" does not exist'
        ),
        hint="create the database first: asyncmig creates tables, not databases",
    ),
    Case(
        name="no such role",
        on=On.POSTGRESQL,
        arrange=other_role,
        exit_code=5,
        error="DatabaseAccessError",
        message=('postgresql://absent@127.0.0.1:<any>/<any> refused: role "absent" does not exist'),
        hint="check the user, and the server's pg_hba.conf",
    ),
    Case(
        name="a role that may only read",
        on=On.POSTGRESQL,
        arrange=reader,
        exit_code=7,
        error="ReadOnlyDatabaseError",
        message=(
            "1 migration to run, but this role may not write the history table "
            '"public"."asyncmig_history"'
        ),
        hint=(
            'GRANT SELECT, INSERT, UPDATE ON "public"."asyncmig_history" to the role that migrates'
        ),
        version="002",
    ),
    Case(
        name="a role that may do nothing",
        on=On.POSTGRESQL,
        arrange=nobody,
        command="status",
        exit_code=5,
        error="DatabaseAccessError",
        message="the history table cannot be used: permission denied for table asyncmig_history",
        hint="GRANT the role that migrates access",
    ),
    Case(
        name="a role with read-only transactions",
        on=On.POSTGRESQL,
        arrange=read_only_role,
        exit_code=7,
        error="ReadOnlyDatabaseError",
        message=(
            "1 migration to run, but the database is read-only for this role "
            "(default_transaction_read_only)"
        ),
        hint="migrate with a role that may write",
        version="002",
    ),
    Case(
        name="a role that may not create tables",
        on=On.POSTGRESQL,
        arrange=newcomer,
        command="up --baseline none",
        exit_code=7,
        error="ReadOnlyDatabaseError",
        message=(
            "2 migrations to run, but the history table cannot be made: permission "
            "denied for schema public"
        ),
        hint='GRANT CREATE ON SCHEMA "public" to the role that migrates',
        version="001",
    ),
    Case(
        name="a read-only database file",
        on=On.SQLITE,
        arrange=pending,
        command="up --database sqlite:///app.db?mode=ro",
        exit_code=7,
        error="ReadOnlyDatabaseError",
        message="1 migration to run, but the database app.db cannot be written",
        hint="SQLite needs to write to the file and to its folder; is it mounted read-only?",
        version="002",
    ),
    Case(
        name="a file that is no SQLite database",
        on=On.SQLITE,
        arrange=not_sqlite,
        exit_code=5,
        error="DatabaseAccessError",
        message="app.db is not a SQLite database",
        hint="is the path of the database right?",
    ),
    Case(
        name="a file that is no SQLite database, only looked at",
        on=On.SQLITE,
        arrange=not_sqlite,
        command="status",
        exit_code=5,
        error="DatabaseAccessError",
        message="app.db is not a SQLite database",
        hint="is the path of the database right?",
    ),
    Case(
        name="a folder as the database",
        on=On.SQLITE,
        arrange=folder_as_database,
        command="up --database sqlite:///folder",
        exit_code=5,
        error="DatabaseAccessError",
        message="the database folder is a folder",
        hint="name the file in it",
    ),
    Case(
        name="a database in a folder that is not there",
        on=On.SQLITE,
        command="up --database sqlite:///absent/app.db",
        exit_code=5,
        error="DatabaseAccessError",
        message="the database absent/app.db cannot be: there is no folder <root>/absent",
        hint="make the folder, or correct the path",
    ),
    Case(
        name="another runner that holds the lock",
        arrange=another_runner,
        command="up --wait-timeout 0.2",
        exit_code=4,
        error="LockTimeoutError",
        message=(
            "another runner held the lock for more than <any> s; held by asyncmig/<any> (pid <any>)"
        ),
        hint="wait longer with --wait-timeout, or look at what the other runner is doing",
    ),
    Case(
        name="an application that does not stop writing",
        on=On.SQLITE,
        arrange=busy_application,
        command="up --busy-timeout 0.2",
        exit_code=5,
        error="DatabaseBusyError",
        message="the database app.db was locked by another connection for more than 0.2 s",
        hint=(
            "something holds a transaction open: end it, or wait longer with --busy-timeout "
            "(busy_timeout= in Python)"
        ),
    ),
    Case(
        name="a wait that ends before the migration is there",
        arrange=pending,
        command="wait --timeout 0.1",
        exit_code=3,
        error="PendingMigrationsError",
        message="migration 002 is pending",
        hint="run `asyncmig up` first",
        version="002",
    ),
)
