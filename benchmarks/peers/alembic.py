"""alembic, with the environment that ``alembic init -t async`` writes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.base import Script

UPGRADE = """\
import sys

from alembic import command
from alembic.config import Config

config = Config("alembic.ini")
config.set_main_option("sqlalchemy.url", sys.argv[1])
command.upgrade(config, "head")
"""
# What SQLAlchemy's manual asks for behind PgBouncer ("Prepared Statement Name with PGBouncer" in
# the chapter about asyncpg), and what the driver needs there: no statement of its own kept.
POOL = "poolclass=pool.NullPool,"
POOL_BEHIND_A_POOLER = """\
poolclass=pool.NullPool,
        connect_args={
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__asyncpg_{__import__('uuid').uuid4()}__",
        }
        if config.get_main_option("sqlalchemy.url").startswith("postgresql")
        else {},"""


@dataclass(frozen=True, slots=True)
class Alembic:
    """``alembic upgrade head``, by its Python interface so that the URL is an argument."""

    name: str = "alembic"
    requirements: tuple[str, ...] = (
        "alembic==1.20.1",
        "sqlalchemy[asyncio]",
        "asyncpg",
        "aiosqlite",
    )
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = True

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one revision per script, into the project that alembic itself makes."""
        if not (folder / "alembic.ini").exists():
            command = [str(programs / "alembic"), "init", "-t", "async", "revisions"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            environment = folder / "revisions" / "env.py"
            stock = environment.read_text()
            assert POOL in stock
            environment.write_text(stock.replace(POOL, POOL_BEHIND_A_POOLER))
            (folder / "upgrade.py").write_text(UPGRADE)
        for script in scripts:
            path = folder / "revisions" / "versions" / f"{script.number:05}_step.py"
            path.write_text(_revision(script))

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        dialect, rest = url.split("://", 1)
        driver = {"postgresql": "asyncpg", "sqlite": "aiosqlite"}[dialect]
        spelled = f"{dialect}+{driver}://{rest}".replace("?sslmode=", "?ssl=")
        return [str(programs / "python"), str(folder / "upgrade.py"), spelled]


def _revision(script: Script) -> str:
    """Return the Python file of a revision."""
    before = f'"{script.number - 1:05}"' if script.number > 1 else "None"
    calls = [f"op.execute({statement!r})" for statement in script.statements]
    if not script.transaction:
        calls = [f"    {call}" for call in calls]
        calls.insert(0, "with op.get_context().autocommit_block():")
    body = "".join(f"    {call}\n" for call in calls)
    return (
        "from alembic import op\n\n"
        f'revision = "{script.number:05}"\n'
        f"down_revision = {before}\n\n"
        f"def upgrade():\n{body}"
    )
