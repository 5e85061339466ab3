"""An alembic project on disk, and alembic itself to run it with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

from tests.commands import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Finished

HEAD = """\
import datetime
import decimal

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


"""
CONVENTION = """\
from sqlalchemy import MetaData

target_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""


@dataclass(frozen=True, slots=True)
class AlembicProject:
    """A project as `alembic init -t async` makes it.

    Attributes:
        root: The folder with alembic.ini.
    """

    root: Path

    @property
    def ini(self) -> Path:
        """Its configuration."""
        return self.root / "alembic.ini"

    def write(
        self, revision: str, message: str, body: str, *, down: str | tuple[str, ...] | None
    ) -> Path:
        """Write a revision."""
        file = self.root / "alembic" / "versions" / f"{revision}_{message.replace(' ', '_')}.py"
        head = HEAD.format(id=revision, down=down)
        file.write_text(f'"""{message}"""\n\n{head}{body}', encoding="utf-8")
        return file

    def alembic(self, *words: str) -> Finished:
        """Run alembic."""
        return run([sys.executable, "-m", "alembic", *words], cwd=self.root)


def make_project(root: Path, url: str) -> AlembicProject:
    """Return an empty project, whose metadata names what its revisions do not."""
    root.mkdir(exist_ok=True)
    config = Config(str(root / "alembic.ini"), stdout=(root / "said").open("w"))
    with config.stdout:
        command.init(config, str(root / "alembic"), template="async")
    project = AlembicProject(root)
    _replace(project.ini, "driver://user:pass@localhost/dbname", async_url(url).replace("%", "%%"))
    _replace(root / "alembic" / "env.py", "target_metadata = None\n", CONVENTION)
    return project


def async_url(url: str) -> str:
    """Return a URL as SQLAlchemy wants it."""
    for ours, theirs in (("sqlite:", "sqlite+aiosqlite:"), ("postgresql:", "postgresql+asyncpg:")):
        url = url.replace(ours, theirs, 1) if url.startswith(ours) else url
    return url.partition("?")[0]


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
