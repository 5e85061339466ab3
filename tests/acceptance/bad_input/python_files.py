"""Python files that cannot be migrations."""

from __future__ import annotations

from tests.acceptance.bad_input.case import Case, On, python


def misled(module: str) -> str:
    """Return a decorator that takes the async away."""
    return f"def quiet(function):\n    return lambda connection: None\n\n\n@quiet\n{module}"


UP = "async def up(connection):\n    pass\n"

CASES = (
    Case(
        name="a Python migration that is not async",
        arrange=python("def up(connection):\n    pass\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py:1:1: up is not async",
        hint="write `async def up(connection):`",
        version="002",
        file="migrations/002_posts.py",
        line=1,
        column=1,
    ),
    Case(
        name="a Python migration that has no up",
        arrange=python("async def down(connection):\n    pass\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py: there is no `up`",
        hint="write `async def up(connection):`",
        version="002",
        file="migrations/002_posts.py",
    ),
    Case(
        name="a Python migration that says upgrade",
        on=On.SQLITE,
        arrange=python("async def upgrade(connection):\n    pass\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py:1:1: there is no `up`",
        hint="write `async def up(connection):` instead of upgrade",
        version="002",
        file="migrations/002_posts.py",
        line=1,
        column=1,
    ),
    Case(
        name="a Python migration with a syntax error",
        arrange=python("async def up(connection):\n    é = 1; x = = 2\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py:2:16: this is not Python: invalid syntax",
        version="002",
        file="migrations/002_posts.py",
        line=2,
        column=16,
    ),
    Case(
        name="a Python migration without an argument",
        on=On.SQLITE,
        arrange=python("async def up():\n    pass\n"),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py:1:1: up is called with one argument, the connection",
        hint="write `async def up(connection):`",
        version="002",
        file="migrations/002_posts.py",
        line=1,
        column=1,
    ),
    Case(
        name="a Python migration with a wrong option",
        on=On.SQLITE,
        arrange=python("transaction = 'no'\n" + UP),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py:1:1: transaction is an option: True or False",
        hint="write `transaction = False` at the left margin, or use another name",
        version="002",
        file="migrations/002_posts.py",
        line=1,
        column=1,
    ),
    Case(
        name="a Python migration that a decorator spoils",
        arrange=python(misled(UP)),
        exit_code=2,
        error="InvalidMigrationError",
        message="migrations/002_posts.py: `up` is not async once the file has run",
        hint="write `async def up(connection):`, and let decorators keep it async",
        file="migrations/002_posts.py",
    ),
    Case(
        name="a Python migration in a script for psql",
        on=On.POSTGRESQL,
        arrange=python(UP),
        command="plan --sql",
        exit_code=2,
        error="InvalidMigrationError",
        message="migration 002 is written in Python and cannot be written as a script",
        hint="apply it with `asyncmig up`",
        version="002",
        file="migrations/002_posts.py",
    ),
    Case(
        name="a Python migration in a script for sqlite3",
        on=On.SQLITE,
        arrange=python(UP),
        command="plan --sql",
        exit_code=2,
        error="InvalidMigrationError",
        message="a script for the sqlite3 shell cannot hold Python: migrations/002_posts.py",
        hint=("run these with `asyncmig up --to`, and make scripts for what is before and after"),
        version="002",
        file="migrations/002_posts.py",
    ),
)
