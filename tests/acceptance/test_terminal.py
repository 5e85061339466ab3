"""What a person sees at a terminal, and what a pipe gets instead."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import on_each_database
from tests.acceptance.project import USERS
from tests.commands import asyncmig_command, clean_environment

if TYPE_CHECKING:
    from tests.acceptance.project import Project

SLOW = "import asyncio\n\nasync def up(connection):\n    await asyncio.sleep(1.2)\n"
BROKEN = "SELECT 1;\nSELECT 'Zoë', absent FROM users;\n"
RED, GREEN, YELLOW, BOLD = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m"
PLAIN = "\x1b[0m"


def on_a_terminal(project: Project, *words: str, **environment: str) -> tuple[int, str]:
    """Run asyncmig on a terminal of its own; return the exit code and all that it shows."""
    known = {k: v for k, v in project.environment.items() if k == "DATABASE_URL"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        asyncmig_command(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean_environment(project.root, TERM="xterm", COLUMNS="100", **known, **environment),
        cwd=project.root,
    ) as running:
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
        code = running.wait(timeout=30)
    os.close(ours)
    return code, shown.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says EIO when the other end is closed
        return b""


def settled(shown: str) -> list[str]:
    """Return the lines as they stay on the screen, without times and what differs."""
    lines = [re.sub(r".*\r\x1b\[K", "", line) for line in shown.rstrip("\n").split("\n")]
    text = re.sub(r"\d+ ms|\d+\.\d s", "T", "\n".join(lines))
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", text).splitlines()


def uncoloured(lines: list[str]) -> list[str]:
    """Return the lines without colours."""
    return [re.sub(r"\x1b\[\d+m", "", line) for line in lines]


@on_each_database
def test_up_shows_a_line_for_each_migration_and_counts_while_it_lasts(
    empty_project: Project,
) -> None:
    """With its duration as it finishes; the line that counts is gone afterwards."""
    project = empty_project
    project.migrations.write("001_users.sql", USERS)
    project.migrations.write("002_slow.py", SLOW)

    code, shown = on_a_terminal(project, "up")

    assert 0 == code
    assert re.search(r"applying 002 slow … 1(\.0)? s", shown)
    assert f"{GREEN}applied {PLAIN} 001 users" in shown
    assert [
        "applied  001 users (T)",
        "applied  002 slow (T)",
        f"2 applied in T: {project.address} is at 002",
    ] == uncoloured(settled(shown))


@on_each_database
def test_status_is_a_table_in_colours(project: Project) -> None:
    """Green is applied, yellow is pending."""
    project.migrations.write("002_slow.py", SLOW)

    code, shown = on_a_terminal(project, "status")

    expected = [
        f"{BOLD}VERSION  NAME   STATE    APPLIED (UTC)        TIME{PLAIN}",
        f"{GREEN}001      users  applied  WHEN  T{PLAIN}",
        f"{YELLOW}002      slow   pending{PLAIN}",
        "",
        f"{project.address}: at 001, 1 pending",
    ]
    assert (0, expected) == (code, settled(shown))


@on_each_database
def test_failing_sql_is_shown_with_a_caret(project: Project) -> None:
    """In its line, under the column, also behind a letter of two bytes."""
    project.migrations.write("002_broken.sql", BROKEN)

    code, shown = on_a_terminal(project, "up")

    words = "no such column: absent" if project.is_sqlite else 'column "absent" does not exist'
    expected = [
        f"error: migration 002 failed at migrations/002_broken.sql:2:15: {words}",
        "    2 | SELECT 'Zoë', absent FROM users;",
        "      |               ^",
        "the database is at 001; 1 pending",
    ]
    assert (1, expected) == (code, uncoloured(settled(shown)))
    assert f"{RED}{BOLD}error:{PLAIN}" in shown


@pytest.mark.parametrize("words", [["status"], ["up"], ["history"]])
def test_no_color_means_none(project: Project, words: list[str]) -> None:
    """The layout is the same, and no escape sequence is in it but the one that erases a line."""
    project.migrations.write("002_posts.sql", "CREATE TABLE posts (id INTEGER);\n")

    code, shown = on_a_terminal(project, *words, NO_COLOR="1")

    assert (0, False) == (code, "\x1b" in shown.replace("\r\x1b[K", ""))


@pytest.mark.parametrize("words", [["status"], ["up"], ["history"]])
def test_a_pipe_gets_plain_text(project: Project, words: list[str]) -> None:
    """No colours and nothing that comes and goes."""
    project.migrations.write("002_posts.sql", "CREATE TABLE posts (id INTEGER);\n")

    told = project.run(*words)

    assert (0, "") == (told.exit_code, told.stderr)
    assert not {"\x1b", "\r"} & set(told.stdout)
