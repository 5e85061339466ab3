"""What our files make of a database is what alembic makes of one, on the way up and down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import asyncmig_command, clean_environment, run
from tests.from_alembic.catalogue import catalogue
from tests.from_alembic.project import make_project
from tests.from_alembic.shop import MERGE, SHOP, write_shop
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tests.commands import Finished


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[tuple[str, str]]:
    """Yield two empty databases of a kind: one for alembic, one for asyncmig."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'theirs.db'}", f"sqlite:///{tmp_path / 'ours.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    with (
        fresh_database(server, f"theirs_{tmp_path.name}") as theirs,
        fresh_database(server, f"ours_{tmp_path.name}") as ours,
    ):
        yield theirs, ours


@pytest.fixture
def asyncmig(tmp_path: Path, urls: tuple[str, str]) -> Callable[..., Finished]:
    """Return what runs asyncmig on our database."""

    def call(*words: str) -> Finished:
        environment = clean_environment(tmp_path, DATABASE_URL=urls[1], ASYNCMIG_SOURCE="sql")
        done = run(asyncmig_command(*words), cwd=tmp_path, env=environment)
        assert 0 == done.exit_code, done.stderr
        return done

    return call


def test_our_files_do_what_the_revisions_do(
    tmp_path: Path, urls: tuple[str, str], asyncmig: Callable[..., Finished]
) -> None:
    """Tables, types, defaults, constraints, indexes, views, comments and rows: all of it."""
    theirs, ours = urls
    project = make_project(tmp_path, theirs)
    write_shop(project)

    told = asyncmig("import", "alembic")
    assert told.stdout.endswith(f"{len(SHOP)} written, for as many revisions\n")
    assert 0 == project.alembic("upgrade", "head").exit_code
    asyncmig("up")
    assert catalogue(theirs) == catalogue(ours)

    assert 0 == project.alembic("downgrade", "base").exit_code
    asyncmig("down", "--to", "0", "--yes")
    assert catalogue(theirs) == catalogue(ours)

    asyncmig("up")
    assert 0 == project.alembic("upgrade", "head").exit_code
    assert catalogue(theirs) == catalogue(ours)


def test_a_database_that_alembic_began_is_finished_by_asyncmig(
    tmp_path: Path, urls: tuple[str, str], asyncmig: Callable[..., Finished]
) -> None:
    """Import, adopt, go on: the merge that alembic came to stands for both of its branches."""
    theirs, ours = urls
    began = make_project(tmp_path, ours)
    write_shop(began)
    whole = make_project(tmp_path / "whole", theirs)
    write_shop(whole)
    assert 0 == whole.alembic("upgrade", "head").exit_code
    assert 0 == began.alembic("upgrade", MERGE.revision).exit_code

    asyncmig("import", "alembic")
    asyncmig("adopt")
    asyncmig("up")

    assert catalogue(theirs) == catalogue(ours)
