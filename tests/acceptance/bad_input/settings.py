"""What is typed, and what is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.project import Project


def environment(name: str, value: str | None) -> Callable[[Project], None]:
    def arrange(project: Project) -> None:
        project.environment.pop(name, None)
        if value is not None:
            project.environment[name] = value

    return arrange


def module(name: str, text: str) -> Callable[[Project], None]:
    def arrange(project: Project) -> None:
        (project.root / name).write_text(text, encoding="utf-8")
        project.migrations.write("002_posts.sql", "CREATE TABLE posts (id INTEGER);\n")

    return arrange


def section(text: str) -> Callable[[Project], None]:
    def arrange(project: Project) -> None:
        (project.root / "pyproject.toml").write_text(text, encoding="utf-8")

    return arrange


X = dict(exit_code=2, error="x", message="x")
CASES = (
    Case(name="no database", on=On.SQLITE, arrange=environment("DATABASE_URL", None), **X),
    Case(name="an empty database url", on=On.SQLITE, arrange=environment("DATABASE_URL", ""), **X),
    Case(name="an unset variable misspelled", on=On.SQLITE, arrange=lambda p: (environment("DATABASE_URL", None)(p), environment("ASYNCMIG_DATABSE", "sqlite:///app.db")(p)), **X),
    Case(name="an unknown option", command="up --dry-run", **X),
    Case(name="an unknown option with a near one", command="up --wait-timout 5s", **X),
    Case(name="an option without its value", command="up --to", **X),
    Case(name="an unknown command", on=On.SQLITE, command="frobnicate", **X),
    Case(name="an unknown command with a near name", command="statsu", **X),
    Case(name="the command of another tool", on=On.SQLITE, command="upgrade head", **X),
    Case(name="the database as a word", command="up <url>", **X),
    Case(name="options in front of the command", on=On.SQLITE, command="--database sqlite:///app.db up", **X),
    Case(name="a masked password", command="up --database postgresql://app:***@db.example/shop", on=On.SQLITE, **X),
    Case(name="a database in memory", command="up --database sqlite://", on=On.SQLITE, **X),
    Case(name="a database in memory too", command="up --database sqlite:///:memory:", on=On.SQLITE, **X),
    Case(name="a wrong scheme", command="up --database mysql://app:secret@db/shop", on=On.SQLITE, **X),
    Case(name="a misspelled scheme", command="up --database postgresq://app:secret@db/shop", on=On.SQLITE, **X),
    Case(name="no scheme", command="up --database app.db", on=On.SQLITE, **X),
    Case(name="unknown key in url sqlite", command="up --database 'sqlite:///app.db?mod=ro'", on=On.SQLITE, **X),
    Case(name="unknown key in url pg", command="up --database '<url>&aplication_name=x'", on=On.POSTGRESQL, **X),
    Case(name="an at sign in the password", command="up --database 'postgresql://app:p@ss#word@db/shop'", on=On.SQLITE, **X),
    Case(name="an unknown key of the section", arrange=section('[tool.asyncmig]\nsoruce = "db"\n'), **X),
    Case(name="a section that is no toml", on=On.SQLITE, arrange=section('[tool.asyncmig\n'), **X),
    Case(name="a value of the wrong type", on=On.SQLITE, arrange=section('[tool.asyncmig]\nsource = 5\n'), **X),
    Case(name="a bad duration", command="up --wait-timeout soon", **X),
    Case(name="a bad duration in env", arrange=environment("ASYNCMIG_CONNECT_TIMEOUT", "-1"), **X),
    Case(name="lock timeout 0", command="up --lock-timeout 0", on=On.POSTGRESQL, **X),
    Case(name="bad policy", command="up --out-of-order maybe", on=On.SQLITE, **X),
    Case(name="bad log format", command="up --log-format yaml", on=On.SQLITE, **X),
    Case(name="target and steps", command="up --to 1 --steps 1", **X),
    Case(name="no steps", command="up --steps 0", **X),
    Case(name="a target that is no version", command="up --to users", **X),
    Case(name="two decisions", command="repair --accept 1 --forget 1 --yes", **X),
    Case(name="no decision", command="repair", **X),
    Case(name="decision unconfirmed", command="repair --forget 1", **X),
    Case(name="reset unconfirmed", command="reset", **X),
    Case(name="setup not importable", command="up --setup nowhere:prepare", arrange=file("002_posts.sql", "CREATE TABLE posts (id INTEGER);\n"), **X),
    Case(name="setup without function", command="up --setup broken:prepare", arrange=module("broken.py", ""), **X),
    Case(name="setup no colon", command="up --setup broken", **X),
    Case(name="setup import raises", command="up --setup raising_at_import:prepare", arrange=module("raising_at_import.py", "1 / 0\n"), **X),
    Case(name="setup raises", command="up --setup hook_raises:prepare", arrange=module("hook_raises.py", "async def prepare(connection):\n    raise RuntimeError('no such role')\n"), **X),
    Case(name="setup not async", command="up --setup hook_sync:prepare", arrange=module("hook_sync.py", "def prepare(connection):\n    return 1\n"), **X),
    Case(name="schema on sqlite", command="up --schema app", on=On.SQLITE, **X),
    Case(name="search path on sqlite", command="up --search-path app", on=On.SQLITE, **X),
    Case(name="bad table", command="up --table 'x y; drop'", **X),
    Case(name="long table", command="up --table " + "x" * 70, **X),
    Case(name="unwritable new", command="new ''", on=On.SQLITE, **X),
    Case(name="check against unknown", command="check --against nowhere", on=On.SQLITE, **X),
)
