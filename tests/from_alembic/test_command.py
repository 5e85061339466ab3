"""``asyncmig import alembic``: where it reads, what it refuses, and what it says."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commands import asyncmig_command, clean_environment, run
from tests.from_alembic.project import make_project
from tests.from_alembic.shop import SHOP, USERS, write_shop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Finished
    from tests.from_alembic.project import AlembicProject

IMPORT = ("import", "alembic", "--dialect", "postgresql")
BY_HAND = """\
def upgrade() -> None:
    op.get_bind().scalar("x")


def downgrade() -> None:
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> AlembicProject:
    """Return a project with one revision."""
    made = make_project(tmp_path, "postgresql://unused/db")
    write_shop(made, (USERS,))
    env = tmp_path / "alembic" / "env.py"
    env.write_text(f"print('hello')\n{env.read_text(encoding='utf-8')}", encoding="utf-8")
    return made


def asyncmig(root: Path, *words: str) -> Finished:
    """Run asyncmig there."""
    return run(asyncmig_command(*words), cwd=root, env=clean_environment(root))


def test_a_folder_with_files_is_left_alone(project: AlembicProject) -> None:
    """Nothing is overwritten, and nothing comes to stand beside what is there."""
    folder = project.root / "migrations"
    folder.mkdir()
    (folder / ".gitkeep").touch()
    assert 0 == asyncmig(project.root, *IMPORT, "--dry-run").exit_code
    (folder / "env.py").touch()

    told = asyncmig(project.root, *IMPORT)

    assert (2, "") == (told.exit_code, told.stdout)
    assert "error: migrations is not empty: env.py" in told.stderr
    assert {"env.py", ".gitkeep"} == {file.name for file in folder.iterdir()}


def test_a_dry_run_writes_nothing(project: AlembicProject) -> None:
    """It says what would be written."""
    told = asyncmig(project.root, *IMPORT, "--dry-run")

    expected = "migrations/0001_create_users.sql\n\n1 would be written, for as many revisions\n"
    assert (0, expected) == (told.exit_code, told.stdout), "nothing that env.py prints"
    assert not (project.root / "migrations").exists()


def test_what_is_left_to_finish_is_listed(project: AlembicProject) -> None:
    """For people and for programs."""
    project.write("b2", "By hand", BY_HAND, down="a1b2c3")

    told = asyncmig(project.root, *IMPORT, "--dry-run")
    document = json.loads(asyncmig(project.root, *IMPORT, "--json").stdout)

    assert (
        "2 would be written; 1 to finish by hand, which fail until then:\n"
        "  0002_by_hand.sql (up): it asks the connection for .scalar\n"
    ) in told.stdout
    assert {
        "paths": ["migrations/0001_create_users.sql", "migrations/0002_by_hand.sql"],
        "unfinished": [
            {
                "path": "migrations/0002_by_hand.sql",
                "revision": "b2",
                "direction": "up",
                "reason": "it asks the connection for .scalar",
            }
        ],
    } == {key: document[key] for key in ("paths", "unfinished")}


def test_the_order_is_one_in_which_alembic_would_apply_them(project: AlembicProject) -> None:
    """Both branches come behind their fork, and the merge behind both."""
    write_shop(project, SHOP[1:])
    asyncmig(project.root, *IMPORT)

    files = sorted((project.root / "migrations").iterdir())
    order = [file.read_text(encoding="utf-8").splitlines()[0].split()[-1] for file in files]

    for source in SHOP:
        before = source.down if isinstance(source.down, tuple) else (source.down,)
        assert all(order.index(one) < order.index(source.revision) for one in before if one)
    assert len(SHOP) == len(order)


@pytest.mark.parametrize("where", ["alembic", "alembic.ini", "pyproject.toml"])
def test_a_project_is_found_by_its_file_or_its_folder(project: AlembicProject, where: str) -> None:
    """Some have no file of alembic's own."""
    if where != "alembic.ini":
        project.ini.unlink()
    (project.root / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/alembic"\n', encoding="utf-8"
    )

    assert 0 == asyncmig(project.root, *IMPORT, "--config", where).exit_code

    assert (project.root / "migrations" / "0001_create_users.sql").is_file()


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    """With what to name instead."""
    told = asyncmig(tmp_path, *IMPORT)

    assert (2, "") == (told.exit_code, told.stdout)
    assert "there is no alembic.ini" in told.stderr


def test_an_environment_that_cannot_be_run_is_named(project: AlembicProject) -> None:
    """Without it constraints would lose their names, so that is for the caller to say."""
    env = project.root / "alembic" / "env.py"
    env.write_text("import os\n\nos.environ['ABSENT']\n", encoding="utf-8")

    told = asyncmig(project.root, *IMPORT)

    assert 2 == told.exit_code
    assert "alembic/env.py cannot be run: KeyError: 'ABSENT'" in told.stderr
    assert 0 == asyncmig(project.root, *IMPORT, "--no-env").exit_code
    text = (project.root / "migrations" / "0001_create_users.sql").read_text(encoding="utf-8")
    assert "uq_users_email" not in text


def test_an_environment_without_an_offline_part_is_named(project: AlembicProject) -> None:
    """Its online part would connect."""
    (project.root / "alembic" / "env.py").write_text("print('nothing')\n", encoding="utf-8")

    told = asyncmig(project.root, *IMPORT)

    assert 2 == told.exit_code
    assert "it does not call context.configure() offline" in told.stderr


def test_a_project_that_is_broken_is_named(project: AlembicProject) -> None:
    """As alembic itself says it."""
    project.write("b2", "Lost", BY_HAND, down="absent")

    told = asyncmig(project.root, *IMPORT)

    assert (2, True) == (told.exit_code, "cannot be read: " in told.stderr), told.stderr


def test_without_alembic_there_is_a_hint(project: AlembicProject) -> None:
    """It is an extra: most who run asyncmig never need it."""
    program = (
        "import sys; sys.modules['alembic'] = None\n"
        "from asyncmig.cli.main import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", program, *IMPORT]

    told = run(words, cwd=project.root, env=clean_environment(project.root))

    assert 2 == told.exit_code
    assert "alembic is not installed here" in told.stderr
    assert "pip install 'asyncmig[alembic]'" in told.stderr
