"""The commands, one module each. This table is all that the list of them needs to import."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from asyncmig.cli.command import Command


class Entry(NamedTuple):
    """A command in the list.

    Attributes:
        name: What is typed, and what the document says.
        group: The heading that it stands under.
        summary: What it does, in one line.
        takes: What follows its name in the list; empty when nothing must.
    """

    name: str
    group: str
    summary: str
    takes: str = ""


WRITE = "Write migrations"
RUN = "Run them"
LOOK = "Look, without changing anything"
SETTLE = "Settle what only a person can know"

ENTRIES = (
    Entry("init", WRITE, "set up this project: a section in pyproject.toml and a folder"),
    Entry("new", WRITE, "write an empty migration", "NAME"),
    Entry("import", WRITE, "write another tool's migrations as SQL files", "alembic"),
    Entry("check", WRITE, "look for mistakes in the files; needs no database"),
    Entry("lint", WRITE, "look for what hurts on a live database; needs none"),
    Entry("up", RUN, "apply what is pending"),
    Entry("down", RUN, "revert the newest migration, or several"),
    Entry("redo", RUN, "revert the newest migration and apply it again"),
    Entry("reset", RUN, "revert everything and apply it again (for development)"),
    Entry("status", LOOK, "show where each migration stands"),
    Entry("plan", LOOK, "show what would run, or print it as a script"),
    Entry("trace", LOOK, "run what is pending, show what it locks, and roll it back"),
    Entry("history", LOOK, "show everything that was ever done to this database"),
    Entry("verify", LOOK, "compare the files with what was applied"),
    Entry("wait", LOOK, "wait until somebody else has applied everything"),
    Entry("adopt", SETTLE, "take over a database that another tool has migrated"),
    Entry("baseline", SETTLE, "declare an existing database to be at a version", "VERSION"),
    Entry("repair", SETTLE, "write into the history what a person found to be true"),
)

ALIASES = {"stamp": "baseline"}

HABITS = {
    "apply": "up",
    "convert": "adopt",
    "create": "new",
    "current": "status",
    "deploy": "up",
    "downgrade": "down",
    "drop": "reset",
    "fake": "baseline",
    "fix": "repair",
    "force": "repair",
    "fresh": "reset",
    "generate": "new",
    "head": "status",
    "heads": "status",
    "info": "status",
    "list": "status",
    "log": "history",
    "make": "new",
    "makemigrations": "new",
    "mark": "baseline",
    "migrate": "up",
    "migration": "new",
    "pending": "status",
    "resolve": "repair",
    "revert": "down",
    "revision": "new",
    "rollback": "down",
    "run": "up",
    "show": "status",
    "showmigrations": "status",
    "sql": "plan",
    "sqlmigrate": "plan",
    "undo": "down",
    "unapply": "down",
    "upgrade": "up",
    "validate": "verify",
    "version": "status",
}
"""What people type who come from another tool."""


def load_command(name: str) -> Command:
    """Import the module of a command, and no other, and return what it is."""
    from importlib import import_module

    module = f"{name}_" if iskeyword(name) else name
    command: Command = import_module(f"{__name__}.{module}").COMMAND
    return command
