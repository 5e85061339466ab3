"""The process of a command: it collects no garbage where there is none, and ends as others do."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from asyncmig.__main__ import program
from tests.acceptance.project import USERS, Project
from tests.commands import clean_environment

COUNTED = """
import gc
from asyncmig.__main__ import program

collected = []
gc.callbacks.append(lambda phase, _: collected.append(phase))
code = program()
print(code, len(collected), gc.get_freeze_count() > 0)
"""

GOOD_BYE = """
import atexit

atexit.register(print, "good bye")

async def up(connection):
    await connection.execute("SELECT 1")
"""


def test_the_command_is_the_whole_program() -> None:
    """It is installed as what ``python -m asyncmig`` calls, too."""
    (command,) = entry_points(group="console_scripts", name="asyncmig")

    assert program is command.load()


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_start_with_nothing_to_do_collects_no_garbage(empty_project: Project) -> None:
    """Neither while it imports nor, what takes longest, when the interpreter ends."""
    empty_project.migrations.write("001_users.sql", USERS)
    command = [sys.executable, "-c", COUNTED, "up", "--quiet"]

    outputs = [
        subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            env=clean_environment(empty_project.root, **empty_project.environment),
            cwd=empty_project.root,
            timeout=30,
            check=True,
        ).stdout
        for _ in ("applied", "nothing to do")
    ]

    assert "0 0 True\n" == outputs[1]


def test_what_user_code_wants_done_at_the_exit_is_done(empty_project: Project) -> None:
    """A reporter of errors sends its last ones then, for example."""
    empty_project.migrations.write("001_python.py", GOOD_BYE)
    command = [sys.executable, "-m", "asyncmig", "up", "--quiet"]

    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        env=clean_environment(empty_project.root, **empty_project.environment),
        cwd=empty_project.root,
        timeout=30,
        check=True,
    )

    assert "good bye\n" == done.stdout
