"""What a command is, what it gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from asyncmig.cli.output.document import Facts
from asyncmig.cli.output.exit_codes import ExitCode

if TYPE_CHECKING:
    from argparse import Namespace

    from asyncmig.cli.journal import Journal
    from asyncmig.cli.output.console import Console
    from asyncmig.cli.parser import Parser
    from asyncmig.cli.settings import Settings
    from asyncmig.events import Observer
    from asyncmig.migrator import Migrator


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found out or did.

    Attributes:
        facts: For the document.
        text: For people; empty when the progress said it all.
        exit_code: What to leave with.
    """

    facts: Facts = field(default_factory=Facts)
    text: str = ""
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a command.

    Attributes:
        options: What was typed behind its name.
        settings: What that, the environment and the project say together.
        console: Where to write and to ask.
        journal: What the run said so far.
        observer: Gets the events.
    """

    options: Namespace
    settings: Settings
    console: Console
    journal: Journal
    observer: Observer

    def migrator(self) -> Migrator:
        """Return the migrator that the settings describe. Nothing is connected yet.

        Raises:
            SettingsError: They do not describe one.
        """
        from asyncmig.cli.opening import open_migrator

        wants_locks = self.settings.lock_report or bool(self.options.verbose)
        settings = replace(self.settings, lock_report=wants_locks)
        migrator = open_migrator(settings, self.observer)
        self.journal.database = migrator.database
        return migrator


class Logging(Enum):
    """From when on a command may run code of the user's, which may log something."""

    NEVER = "never"
    START = "start"
    LOCK = "lock"


Work = Callable[[Invocation], Outcome | Coroutine[Any, Any, Outcome]]
"""What a command does: at once, or as a coroutine if it talks to a database."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        description: What it does, in a few sentences.
        examples: Pairs of a command line and what it is for.
        add_options: Adds what it understands to its parser.
        work: Does it.
        logs: Whether, and from when on, logging is worth configuring.
    """

    description: str
    examples: tuple[tuple[str, str], ...]
    add_options: Callable[[Parser], None]
    work: Work
    logs: Logging = Logging.NEVER
