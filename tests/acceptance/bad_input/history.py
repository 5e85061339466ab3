"""Files and history that disagree, and targets that cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file
from tests.acceptance.project import USERS

if TYPE_CHECKING:
    from tests.acceptance.project import Project

POSTS = "CREATE TABLE posts (id INTEGER);\n"


def edited(project: Project) -> None:
    project.migrations.write("001_users.sql", USERS.replace("NOT NULL", ""))


def deleted(project: Project) -> None:
    project.migrations.write("002_posts.sql", POSTS)
    project.migrations.remove("001_users.sql")


def ahead(project: Project) -> None:
    project.migrations.write("002_posts.sql", POSTS)
    project.call("up", "-q")
    project.migrations.remove("002_posts.sql")


def irreversible(project: Project) -> None:
    project.migrations.write("002_posts.sql", POSTS)
    assert 0 == project.call("up", "-q").exit_code


def stored(project: Project) -> None:
    project.migrations.write("002_posts.sql", "-- migrate:up\n" + POSTS + "-- migrate:down\nDROP TABLE posts;\n")
    project.call("up", "-q")
    project.migrations.remove("002_posts.sql")


def late(project: Project) -> None:
    project.migrations.write("000_early.sql", POSTS)


def incomplete(project: Project) -> None:
    project.migrations.write(
        "002_steps.py",
        "transaction = False\n\nasync def up(connection):\n    await connection.execute('CREATE TABLE half (id INTEGER)')\n    raise RuntimeError('stop')\n",
    )
    assert 1 == project.call("up", "-q").exit_code


def changed_prefix(project: Project) -> None:
    project.migrations.write("002_steps.sql", "-- migrate:up transaction:false\nCREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER, nope nope nope nope(1,2,3,4));\n")
    project.call("up", "-q")
    project.migrations.write("002_steps.sql", "-- migrate:up transaction:false\nCREATE TABLE aa (id INTEGER);\nCREATE TABLE b (id INTEGER);\n")


def incomplete_gone(project: Project) -> None:
    incomplete(project)
    project.migrations.remove("002_steps.py")


def newer(project: Project) -> None:
    project.execute("UPDATE asyncmig_history SET format = 99;")


def other_columns(project: Project) -> None:
    project.execute("ALTER TABLE asyncmig_history RENAME COLUMN run_id TO run;")


def elsewhere(project: Project) -> None:
    project.execute("CREATE SCHEMA app;\nALTER TABLE public.asyncmig_history SET SCHEMA app;")


X = dict(exit_code=6, error="x", message="x")
CASES = (
    Case(name="edited", arrange=edited, **X),
    Case(name="edited down", arrange=edited, command="down", **X),
    Case(name="edited verify", arrange=edited, command="verify", **X),
    Case(name="deleted", arrange=deleted, **X),
    Case(name="late", arrange=late, **X),
    Case(name="ahead down", arrange=ahead, command="down", **X),
    Case(name="stored down", arrange=stored, command="down", **X),
    Case(name="from history unconfirmed", arrange=stored, command="down --from-history", **X),
    Case(name="unknown target", command="up --to 7", **X),
    Case(name="unknown down target", command="down --to 7", **X),
    Case(name="up to 0", command="up --to 0", on=On.SQLITE, **X),
    Case(name="irreversible", arrange=irreversible, command="down", **X),
    Case(name="irreversible redo", arrange=irreversible, command="redo", **X),
    Case(name="incomplete", arrange=incomplete, **X),
    Case(name="incomplete down", arrange=incomplete, command="down", **X),
    Case(name="incomplete prefix changed", arrange=changed_prefix, **X),
    Case(name="incomplete gone", arrange=incomplete_gone, **X),
    Case(name="newer", arrange=newer, **X),
    Case(name="newer status", arrange=newer, command="status", **X),
    Case(name="other columns", arrange=other_columns, **X),
    Case(name="elsewhere", arrange=elsewhere, on=On.POSTGRESQL, **X),
    Case(name="elsewhere status", arrange=elsewhere, on=On.POSTGRESQL, command="status", **X),
    Case(name="baseline not empty", arrange=file("002_posts.sql", POSTS), command="baseline 2", **X),
    Case(name="baseline unknown", command="baseline 7", **X),
    Case(name="repair unknown", command="repair --mark 7 --yes", **X),
    Case(name="accept pending", arrange=file("002_posts.sql", POSTS), command="repair --accept 2 --yes", **X),
)
