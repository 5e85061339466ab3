"""Projects on each kind of database."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.project import USERS, Project

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.migration_folder import MigrationFolder


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty SQLite database; a test may parametrise the kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return "sqlite:///app.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def empty_project(
    url: str,
    tmp_path: Path,
    migration_folder: MigrationFolder,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Generator[Project]:
    """Yield a project with an empty folder and an empty database."""
    shell = request.getfixturevalue("sqlite3_shell" if url.startswith("sqlite") else "psql")
    environment = {"DATABASE_URL": url, "ASYNCMIG_LOG_FORMAT": "none"}
    with contextlib.ExitStack() as opened:
        yield Project(tmp_path, migration_folder, url, environment, shell, opened, capsys)


@pytest.fixture
def project(empty_project: Project) -> Project:
    """Return a project with one migration, which is applied."""
    empty_project.migrations.write("001_users.sql", USERS)
    assert 0 == empty_project.call("up", "-q").exit_code
    return empty_project


on_each_database = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
