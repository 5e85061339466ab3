"""A project on a real database, as a user has it, and ways to call asyncmig in it."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from asyncmig.cli.main import main
from tests.commands import (
    Finished,
    asyncmig_command,
    clean_environment,
    run,
)
from tests.servers.postgres import postgres_binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

USERS = """\
-- migrate:up
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO users VALUES (1, 'Zoë');
-- migrate:down
DROP TABLE users;
"""
LEFT_OUT = ("--", "\\restrict", "\\unrestrict", "SET ", "SELECT pg_catalog.set_config")
NOTE_OF_A_FAILURE = re.compile(r"INSERT INTO \S*asyncmig_history.*, ?'failed',.*")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with migrations, and a database that ``DATABASE_URL`` names.

    Attributes:
        root: The folder, which every call has as its working directory.
        migrations: The migrations in it.
        url: The URL of the database.
        environment: What every call finds in its environment; a test may change it.
        shell: Feeds a script to psql or to the sqlite3 shell.
        opened: What is closed when the test is over.
        capture: What pytest catches of stdout and stderr.
    """

    root: Path
    migrations: MigrationFolder
    url: str
    environment: dict[str, str]
    shell: Callable[[Any, str], Finished]
    opened: contextlib.ExitStack
    capture: pytest.CaptureFixture[str] = field(repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.url.startswith("sqlite")

    @property
    def address(self) -> str:
        """How messages name the database."""
        if self.is_sqlite:
            return self.path.name
        url = urlsplit(self.url)
        netloc = re.sub(":[^:@]*@", "@", url.netloc)
        return url._replace(query="", netloc=netloc).geturl()

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        return self.root / self.url.removeprefix("sqlite:///")

    def call(self, *words: str) -> Finished:
        """Run the command line inside this process, which takes a tenth of the time."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            self.capture.readouterr()
            code = main(words)
            caught = self.capture.readouterr()
        return Finished(code, caught.out, caught.err)

    def document(self, *words: str) -> dict[str, Any]:
        """Run the command line inside this process with ``--json``; return its one document."""
        found: dict[str, Any] = json.loads(self.call(*words, "--json").stdout)
        return found

    def run(self, *words: str) -> Finished:
        """Run ``python -m asyncmig`` to its end."""
        return run(asyncmig_command(*words), env=self.environment, cwd=self.root)

    @contextlib.contextmanager
    def running(self, *words: str) -> Generator[subprocess.Popen[str]]:
        """Start ``python -m asyncmig``; kill it afterwards if it still runs."""
        with subprocess.Popen(
            asyncmig_command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(self.root, **self.environment),
            cwd=self.root,
            encoding="utf-8",
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def feed(self, script: str) -> Finished:
        """Feed a script to psql or to the sqlite3 shell, past asyncmig."""
        return self.shell(self.path if self.is_sqlite else self.url, script)

    def execute(self, script: str) -> None:
        """Run SQL that does not fail, past asyncmig."""
        if self.is_sqlite:
            with contextlib.closing(sqlite3.connect(self.path)) as connection:
                connection.executescript(script)
        else:
            done = self.feed(f"\\set ON_ERROR_STOP on\n{script}")
            assert (0, "") == (done.exit_code, done.stderr)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, past asyncmig."""
        if self.is_sqlite:
            with contextlib.closing(sqlite3.connect(self.path)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(sql)]
        done = self.feed(f"\\pset format unaligned\n\\t on\nSELECT to_json(q) FROM ({sql}) q;\n")
        assert (0, "") == (done.exit_code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def history(self) -> list[dict[str, Any]]:
        """Return the rows of the history, but for the notes about failed runs."""
        return self.query("SELECT * FROM asyncmig_history WHERE state <> 'failed' ORDER BY id")

    def dump(self) -> str:
        """Return all that is in the database, but for the notes about failed runs."""
        lines = self._dump_sqlite() if self.is_sqlite else self._dump_postgresql()
        return "\n".join(line for line in lines if not NOTE_OF_A_FAILURE.fullmatch(line))

    def _dump_sqlite(self) -> list[str]:
        if not self.path.is_file():
            return [f"no file {self.path}"]
        uri = f"file:{self.path}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                return list(connection.iterdump())
        except sqlite3.DatabaseError:
            return [repr(self.path.read_bytes())]

    def _dump_postgresql(self) -> list[str]:
        program = str(postgres_binaries() / "pg_dump")
        done = run([program, "--inserts", "--no-owner", "--no-privileges", self.url], cwd=self.root)
        assert "" == done.stderr
        lines = done.stdout.splitlines()
        return [line for line in lines if line and not line.startswith(LEFT_OUT)]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Return when a migration that a process runs has made that file.

    Raises:
        AssertionError: The process ended, or made no file for half a minute.
    """
    deadline = time.monotonic() + 30
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{path} is not there: {process.communicate(timeout=5)}")
        time.sleep(0.01)


def sleeping_migration(seconds: float) -> str:
    """Return a Python migration that makes a table, then the file ``sleeping``, and sleeps."""
    return (
        "import asyncio\n"
        "from pathlib import Path\n\n"
        "async def up(connection):\n"
        "    await connection.execute('CREATE TABLE half (id INTEGER)')\n"
        "    Path('sleeping').touch()\n"
        f"    await asyncio.sleep({seconds})\n"
    )
