"""One thing that is wrong, and what asyncmig says to it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.project import Project


class On(enum.Enum):
    """Which databases a case makes sense on."""

    SQLITE = ("sqlite",)
    POSTGRESQL = ("postgresql",)
    BOTH = ("sqlite", "postgresql")


def nothing(_project: Project) -> None:
    """Leave the project as it is: one migration, applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is wrong.

    In texts ``<any>`` stands for any text on one line, ``<address>`` for what the database is
    called, ``<url>`` for its URL and ``<root>`` for the folder of the project.

    Attributes:
        name: What is wrong.
        on: Which databases it is about.
        arrange: Makes it wrong.
        command: What is typed.
        exit_code: What it exits with.
        error: The class of the error.
        message: Its sentence.
        hint: What to do about it.
        version: The migration that it is about.
        file: The file that it is about.
        line: The line in that file.
        column: The column in that line.
        excerpt: What people see of that line, with the caret.
    """

    name: str
    on: On = On.BOTH
    arrange: Callable[[Project], object] = nothing
    command: str = "up"
    exit_code: int
    error: str
    message: str
    hint: str | None = None
    version: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    excerpt: str = ""


def file(name: str, content: str | bytes) -> Callable[[Project], object]:
    """Return what writes one more migration."""
    return lambda project: project.migrations.write(name, content)


def sql(content: str | bytes) -> Callable[[Project], object]:
    """Return what writes one more migration in SQL: `002_posts.sql`."""
    return file("002_posts.sql", content)


def python(content: str) -> Callable[[Project], object]:
    """Return what writes one more migration in Python: `002_posts.py`."""
    return file("002_posts.py", content)


def pending(project: Project) -> None:
    """Have a migration to run."""
    project.migrations.write("002_posts.sql", "CREATE TABLE posts (id INTEGER);\n")
