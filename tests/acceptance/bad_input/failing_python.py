"""Python migrations that fail while they run: nothing of them remains."""

from __future__ import annotations

from tests.acceptance.bad_input.case import Case, On, python

PYTHON = """\
async def up(connection):
    await connection.execute("CREATE TABLE posts (id INTEGER)")
    {}
"""
SWALLOWED = (
    "try:\n        await connection.execute('SELECT 1/0')\n    except Exception:\n        pass"
)

CASES = (
    Case(
        name="a Python migration that raises",
        arrange=python(PYTHON.format("raise ValueError('no title')")),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.py:3: ValueError: no title",
        version="002",
        file="migrations/002_posts.py",
        line=3,
    ),
    Case(
        name="a Python migration with failing SQL (SQLite)",
        on=On.SQLITE,
        arrange=python(PYTHON.format("await connection.execute('SELECT nope')")),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.py:3: OperationalError: no such "
            "column: nope"
        ),
        version="002",
        file="migrations/002_posts.py",
        line=3,
    ),
    Case(
        name="a Python migration with failing SQL (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=python(PYTHON.format("await connection.execute('SELECT nope')")),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.py:3: UndefinedColumnError: "
            'column "nope" does not exist'
        ),
        version="002",
        file="migrations/002_posts.py",
        line=3,
    ),
    Case(
        name="a Python migration that imports what is not there",
        arrange=python("import nowhere\n\n\n" + PYTHON.format("")),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.py:1: ModuleNotFoundError: No "
            "module named 'nowhere'"
        ),
        version="002",
        file="migrations/002_posts.py",
        line=1,
    ),
    Case(
        name="a Python migration that commits by itself",
        on=On.SQLITE,
        arrange=python(PYTHON.format("await connection.commit()")),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.py:3: it asks for COMMIT inside "
            "the transaction that asyncmig runs it in"
        ),
        hint=(
            "leave out commit(), rollback() and executescript(), which commits first; or "
            "say `transaction = False` in the file"
        ),
        version="002",
        file="migrations/002_posts.py",
        line=3,
    ),
    Case(
        name="a Python migration that runs a script",
        on=On.SQLITE,
        arrange=python(PYTHON.format("await connection.executescript('SELECT 1')")),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed at migrations/002_posts.py:3: it asks for COMMIT inside "
            "the transaction that asyncmig runs it in"
        ),
        hint=(
            "leave out commit(), rollback() and executescript(), which commits first; or "
            "say `transaction = False` in the file"
        ),
        version="002",
        file="migrations/002_posts.py",
        line=3,
    ),
    Case(
        name="a Python migration that exits",
        arrange=python("import sys\n\n\n" + PYTHON.format("sys.exit(0)")),
        exit_code=1,
        error="MigrationFailedError",
        message="migration 002 failed at migrations/002_posts.py:6: SystemExit: 0",
        version="002",
        file="migrations/002_posts.py",
        line=6,
    ),
    Case(
        name="a Python migration that swallows an error",
        on=On.POSTGRESQL,
        arrange=python(PYTHON.format(SWALLOWED)),
        exit_code=1,
        error="MigrationFailedError",
        message=(
            "migration 002 failed (migrations/002_posts.py): an error was caught inside "
            "the migration, which cannot go on after it"
        ),
        version="002",
        file="migrations/002_posts.py",
    ),
    Case(
        name="a Python migration that closes the connection (SQLite)",
        on=On.SQLITE,
        arrange=python(PYTHON.format("await connection.close()")),
        exit_code=1,
        error="TransactionLostError",
        message="migration 002 lost the transaction that it ran in: it closed the connection",
        hint="look at what it has done: not all of it may be rolled back",
        version="002",
        file="migrations/002_posts.py",
    ),
    Case(
        name="a Python migration that closes the connection (PostgreSQL)",
        on=On.POSTGRESQL,
        arrange=python(PYTHON.format("await connection.close()")),
        exit_code=1,
        error="TransactionLostError",
        message="migration 002<any>closed the connection<any>",
        hint="<any>",
        version="002",
        file="migrations/002_posts.py",
    ),
)
