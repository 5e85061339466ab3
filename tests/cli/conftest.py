"""A project in a folder of its own, and the command line called in it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.cli.main import main
from tests.commands import Finished, is_setting
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from pathlib import Path

USERS = "-- migrate:up\nCREATE TABLE users (id INTEGER);\n-- migrate:down\nDROP TABLE users;\n"
POSTS = "-- migrate:up\nCREATE TABLE posts (id INTEGER);\n-- migrate:down\nDROP TABLE posts;\n"
TOTALS = "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT count(*) AS n FROM users;\n"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Calls asyncmig in this process.

    Attributes:
        root: The folder of the project, which is the working directory.
        migrations: Its migrations.
        capture: What pytest catches of stdout and stderr.
    """

    root: Path
    migrations: MigrationFolder
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Finished:
        """Call it, and return all that it left."""
        self.capture.readouterr()
        code = main(words)
        caught = self.capture.readouterr()
        return Finished(code, caught.out, caught.err)

    def document(self, *words: str) -> dict[str, Any]:
        """Call it with ``--json``, and return the one document on stdout."""
        found: dict[str, Any] = json.loads(self(*words, "--json").stdout)
        return found


@pytest.fixture
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Return the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path, MigrationFolder(tmp_path / "migrations"), capsys)


@pytest.fixture
def cli(bare: CommandLine) -> CommandLine:
    """Return the command line in a project with two migrations and a repeatable one."""
    (bare.root / "pyproject.toml").write_text('[tool.asyncmig]\ndatabase = "sqlite:///app.db"\n')
    bare.migrations.path.mkdir()
    bare.migrations.write("001_users.sql", USERS)
    bare.migrations.write("002_posts.sql", POSTS)
    bare.migrations.write("R__totals.sql", TOTALS)
    return bare


@pytest.fixture(autouse=True)
def _no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in filter(is_setting, list(os.environ)):
        if name != "ASYNCMIG_PG_BIN":
            monkeypatch.delenv(name)
