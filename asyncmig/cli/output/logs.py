"""Logs of the command line: structlog and the standard library alike, to stderr.

Only the command line configures logging, and for itself: what it changes it puts back.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from asyncmig.cli.settings import LogFormat
from asyncmig.events import RunFinished, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from asyncmig.cli.output.console import Console, Stream
    from asyncmig.cli.settings import Settings
    from asyncmig.events import Event

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


class Logs:
    """What one command logs: all of it goes to stderr, once, in one format.

    structlog takes longer to import than it takes to see that nothing is to be done. So it is left
    out as long as only a run says that it begins and ends, and nobody else can have used it.

    Args:
        plan: What is logged.
        stream: Where to.
    """

    def __init__(self, plan: LogPlan, stream: Stream) -> None:
        self._plan = plan
        self._stream = stream
        self._is_using_structlog = False
        self._before: dict[str, Any] | None = None

    @contextmanager
    def written(self) -> Generator[None]:
        """Write what is logged in the block, and put back what that has changed."""
        root = logging.getLogger()
        handlers, root_level = root.handlers[:], root.level
        levels = {name: logging.getLogger(name).level for name in _CHATTY}
        root.handlers[:] = [self._handler()]
        root.setLevel(self._plan.level)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        has_own_look = self._plan.events and self._plan.style is LogFormat.CONSOLE
        try:
            if has_own_look or "structlog" in sys.modules:
                self.use_structlog()
            yield
        finally:
            self._put_structlog_back()
            root.handlers[:] = handlers
            root.setLevel(root_level)
            for name, former in levels.items():
                logging.getLogger(name).setLevel(former)

    def observe(self, event: Event) -> None:
        """Be ready for what a migration logs: whatever else a run says comes before that."""
        if not isinstance(event, RunStarted | RunFinished):
            self.use_structlog()

    def use_structlog(self) -> None:
        """Configure structlog, unless that is done: before any code of the user's is run."""
        if self._is_using_structlog:
            return
        import structlog

        self._is_using_structlog = True
        self._before = structlog.get_config() if structlog.is_configured() else None
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

    def _put_structlog_back(self) -> None:
        if self._is_using_structlog:
            import structlog

            structlog.reset_defaults()
            if self._before is not None:
                structlog.configure(**self._before)

    def _handler(self) -> logging.Handler:
        if self._plan.style is LogFormat.NONE:
            return logging.NullHandler()
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Formatter(self, self._renderer))
        return handler

    def _renderer(self) -> logging.Formatter:
        import structlog

        renderer: Any = structlog.processors.JSONRenderer()
        last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if self._plan.style is LogFormat.CONSOLE:
            renderer = structlog.dev.ConsoleRenderer(colors=self._stream.has_colours)
        else:
            last.append(structlog.processors.format_exc_info)
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
            processors=[*last, renderer],
        )


class _Formatter(logging.Formatter):
    """Leaves everything to structlog, but for the events that are told without it.

    Args:
        logs: What it is for.
        with_structlog: Returns what formats the rest.
    """

    def __init__(self, logs: Logs, with_structlog: Callable[[], logging.Formatter]) -> None:
        super().__init__()
        self._logs = logs
        self._with_structlog = cache(with_structlog)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of a record."""
        fields = getattr(record, "asyncmig", None)
        if fields is not None and "structlog" not in sys.modules:
            return _line(record, fields)
        self._logs.use_structlog()
        return self._with_structlog().format(record)


def _line(record: logging.LogRecord, fields: Mapping[str, Any]) -> str:
    """Return an event as structlog renders it. Its name stands in front in the message."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    told = {"event": record.msg.partition(" ")[0], "level": record.levelname.lower()}
    return json.dumps({**fields, **told, "timestamp": now})


def _shared() -> list[Any]:
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
