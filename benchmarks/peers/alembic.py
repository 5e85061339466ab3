"""alembic, with the environment that ``alembic init`` writes: the async one, or the generic one."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.base import BOTH
from benchmarks.spelling import Template, spelled

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
# The connection that an application hands over, as in alembic's cookbook ("Programmatic API use
# (connection sharing) with asyncio").
RUN = "    asyncio.run(run_async_migrations())\n"
RUN_OR_SHARE = """\
    shared = config.attributes.get("connection")
    if shared is None:
        asyncio.run(run_async_migrations())
    else:
        do_run_migrations(shared)
"""


@dataclass(frozen=True, slots=True)
class Alembic:
    """``alembic upgrade head``, by its Python interface so that the URL is an argument.

    Attributes:
        template: What its environment is made from.
    """

    name: str = "alembic"
    template: Template = Template.ASYNC
    call: str = "alembic_async"
    requirements: tuple[str, ...] = (
        "alembic==1.20.1",
        "sqlalchemy[asyncio]",
        "asyncpg",
        "aiosqlite",
        "psycopg[binary]",
    )
    databases: frozenset[str] = BOTH
    leaves_transactions: bool = True
    settings: tuple[tuple[str, str], ...] = ()
    program: str = "alembic"
    module: str = "alembic"
    names: str = "command"

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write one revision per script, into the project that alembic itself makes."""
        if not (folder / "alembic.ini").exists():
            command = [str(programs / "alembic"), "init", "-t", self.template, "revisions"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            (folder / "upgrade.py").write_text(UPGRADE)
            if self.template is Template.ASYNC:
                _amend(folder / "revisions" / "env.py")
        for script in scripts:
            path = folder / "revisions" / "versions" / f"{script.number:05}_step.py"
            path.write_text(_revision(script))

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        return [str(programs / "python"), str(folder / "upgrade.py"), spelled(url, self.template)]


def _amend(environment: Path) -> None:
    """Make what ``alembic init`` wrote work behind a pooler and in a running event loop."""
    text = environment.read_text()
    for stock, amended in ((POOL, POOL_BEHIND_A_POOLER), (RUN, RUN_OR_SHARE)):
        assert stock in text
        text = text.replace(stock, amended)
    environment.write_text(text)


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
