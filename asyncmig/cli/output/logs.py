"""Logs of the command line: structlog and the standard library alike, to stderr.

Only the command line configures logging, and for itself: what it changes it puts back.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncmig.cli.settings import LogFormat

if TYPE_CHECKING:
    from collections.abc import Generator

    from asyncmig.cli.output.console import Console, Stream
    from asyncmig.cli.settings import Settings

# Drivers and loops that tell every call they make: not what -vv is asked for.
_CHATTY = ("aiosqlite", "asyncio")


@dataclass(frozen=True, slots=True)
class LogPlan:
    """What is logged.

    Attributes:
        style: Console, JSON or none.
        level: What is less important is not written.
        events: Whether the events of a run are logged.
    """

    style: LogFormat
    level: int
    events: bool


def plan_logs(
    settings: Settings, console: Console, *, as_document: bool, quiet: bool, verbose: int
) -> LogPlan:
    """Decide what is logged.

    A person at a terminal gets the progress, so the events are not told once more as logs, unless
    they are asked for. Everywhere else the logs are complete.
    """
    person = console.err.is_terminal and not as_document
    style = settings.log_format
    if style is LogFormat.AUTO:
        style = LogFormat.CONSOLE if console.err.is_terminal else LogFormat.JSON
    level = (logging.WARNING if person else logging.INFO) - 10 * verbose
    asked = bool(verbose or settings.log_format_from)
    return LogPlan(
        style=style,
        level=logging.ERROR if quiet else max(level, logging.DEBUG),
        events=style is not LogFormat.NONE and (asked or not person),
    )


@contextmanager
def logging_configured(style: LogFormat, level: int, stream: Stream) -> Generator[None]:
    """Have everything that is logged go to stderr, once, in one format.

    Args:
        style: Console, JSON or none.
        level: What is less important is not written.
        stream: Where to.
    """
    import structlog

    before = structlog.get_config() if structlog.is_configured() else None
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root.handlers[:] = [_handler(style, stream)]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(root_level)
        for name, former in levels.items():
            logging.getLogger(name).setLevel(former)


def _handler(style: LogFormat, stream: Stream) -> logging.Handler:
    import structlog

    if style is LogFormat.NONE:
        return logging.NullHandler()
    renderer: Any = structlog.processors.JSONRenderer()
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if style is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.has_colours)
    else:
        last.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
            processors=[*last, renderer],
        )
    )
    return handler


def _shared() -> list[Any]:
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
