"""One call of a command: understand the words, gather the settings, do the work."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from asyncmig.cli.arguments import build_parser, find_command
from asyncmig.cli.command import Invocation, Logging, Outcome
from asyncmig.cli.commands import load_command
from asyncmig.cli.output.logs import LogPlan, Logs, plan_logs
from asyncmig.cli.project import importable
from asyncmig.cli.pyproject import find_project
from asyncmig.cli.settings import KEYS, Settings, Sources, read_settings

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Generator, Sequence

    from asyncmig.cli.output.reporter import Reporter
    from asyncmig.events import Event, Observer


def call(words: Sequence[str], reporter: Reporter) -> Outcome:
    """Do what the words say.

    Raises:
        AsyncmigError: It cannot be done, or it failed.
    """
    reporter.command = find_command(words[0])
    command = load_command(reporter.command)
    options = build_parser(reporter.command, command).read(words[1:])
    settings = settings_of(options)
    plan = plan_logs(
        settings,
        reporter.console,
        as_document=reporter.as_document,
        quiet=options.quiet,
        verbose=options.verbose,
    )
    logs = Logs(plan, reporter.console.err)
    invocation = Invocation(
        options=options,
        settings=settings,
        console=reporter.console,
        journal=reporter.journal,
        observer=_observer(
            reporter,
            plan,
            logs if command.logs is Logging.LOCK else None,
            quiet=options.quiet,
            locks=settings.lock_report or bool(options.verbose),
        ),
    )
    with importable(settings.project.root), _logging(command.logs, logs, settings):
        outcome = command.work(invocation)
        if isinstance(outcome, Outcome):
            return outcome
        from asyncmig.cli.signals import run

        return run(outcome, give_up=reporter.gave_up)


def settings_of(options: Namespace) -> Settings:
    """Return what the words, the environment and the project say together.

    Raises:
        SettingsError: They cannot be understood.
    """
    cwd = Path.cwd()
    flags = {key: getattr(options, key.replace("-", "_"), None) for key in KEYS}
    return read_settings(Sources(flags, os.environ, find_project(cwd)), cwd)


@contextmanager
def _logging(begins: Logging, logs: Logs, settings: Settings) -> Generator[None]:
    """Configure logging where something may be logged: that takes time, structlog most of it."""
    if begins is Logging.NEVER:
        yield
        return
    with logs.written():
        if begins is Logging.START or settings.setup is not None:
            logs.use_structlog()
        yield


def _observer(
    reporter: Reporter, plan: LogPlan, logs: Logs | None, *, quiet: bool, locks: bool
) -> Observer:
    """Return what gets the events: the journal, the logs, the progress."""
    observers: list[Observer] = [reporter.journal]
    if logs is not None:
        observers.append(logs.observe)
    if plan.events:
        observers.append(_log)
    if not (reporter.as_document or quiet):
        from asyncmig.cli.output.progress import Progress

        observers.append(Progress(reporter.console, alone=not plan.events, locks=locks))

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe


def _log(event: Event) -> None:
    from asyncmig.logging import log_event

    log_event(event)
