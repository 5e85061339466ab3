"""Write the events of a run to structlog.

The library configures neither structlog nor logging. An application that has not configured
structlog gets the events through the stdlib logger ``asyncmig``, because structlog's own default
would print them to stdout. structlog is not imported for an application that has not done so: it
takes longer than to see that nothing is to be done.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import sys
from contextlib import nullcontext
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from asyncmig.events import RunFinished

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from contextlib import AbstractContextManager
    from types import EllipsisType

    from asyncmig.events import Event, Observer
    from asyncmig.plan import Step

LOGGER_NAME = "asyncmig"

_APART = {"name": "migration_name"}

_LEVELS = {
    "LockWaiting": "warning",
    "MigrationRetrying": "warning",
    "MigrationWaiting": "warning",
    "MigrationFailed": "error",
}
"""By the name of the event: one that is never told need not be created to be compared with."""


def log_event(event: Event) -> None:
    """Log one event, named ``asyncmig.run_started`` and so on: the default observer.

    Failures are errors, waits and retries are warnings, the rest is information.
    """
    fields = {name: value for name, value in _fields(event).items() if value is not None}
    if "structlog" not in sys.modules:  # so nobody has configured it
        _log_plainly(_level(event), {"event": _name(event), **fields})
        return
    write = getattr(_logger(), _level(event))
    try:
        write(_name(event), **fields)
    except KeyError:
        # An application that renders with structlog.stdlib.render_to_log_kwargs makes attributes of
        # the fields, and a LogRecord has a `name` of its own, which logging refuses to overwrite.
        write(_name(event), **{_APART.get(key, key): value for key, value in fields.items()})


def observer_of(given: Observer | EllipsisType | None) -> Observer:
    """Return who gets the events: nobody for ``None``, the logs for an ellipsis."""
    if given is None:
        return lambda _: None
    return log_event if given is ... else given


async def context_of(step: Step, run_id: str) -> AbstractContextManager[None]:
    """Let what a Python migration logs carry its version and the run."""
    from asyncmig.migration import PythonScript

    if not isinstance(step.script, PythonScript):
        return nullcontext()
    import anyio.to_thread

    # Off the loop, because structlog takes its time to be imported.
    return await anyio.to_thread.run_sync(migration_context, run_id, step.key)


def migration_context(run_id: str, version: str) -> AbstractContextManager[None]:
    """Bind the run and the version to structlog's context variables for a block."""
    import structlog

    return structlog.contextvars.bound_contextvars(run_id=run_id, version=version)


def _log_plainly(level: str, event_dict: dict[str, Any]) -> None:
    """Write what the bridge of structlog would write, with nothing in its context variables."""
    getattr(logging.getLogger(LOGGER_NAME), level)(**_to_stdlib(None, level, event_dict))


def _logger() -> Any:  # noqa: ANN401 - which logger it is, the application decides
    import structlog

    if structlog.is_configured():
        return structlog.get_logger(LOGGER_NAME)
    return structlog.wrap_logger(
        logging.getLogger(LOGGER_NAME),
        processors=[
            structlog.contextvars.merge_contextvars,
            _to_stdlib,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )


def _to_stdlib(
    _logger: Any,  # noqa: ANN401 - structlog's own signature of a processor
    _method: str,
    event_dict: MutableMapping[str, Any],
) -> Mapping[str, Any]:
    """Return the arguments of a stdlib logging call.

    The fields go into one attribute, ``record.asyncmig``: as attributes of their own some would
    collide with the record's (``name``), which ``logging`` refuses with a KeyError.
    """
    event = event_dict.pop("event")
    pairs = " ".join(f"{key}={value}" for key, value in event_dict.items())
    return {"msg": f"{event} {pairs}".strip(), "extra": {"asyncmig": dict(event_dict)}}


def _fields(event: Event) -> dict[str, Any]:
    """Return the attributes of the event, enumerations and times as plain text.

    A renderer of JSON would write ``datetime.datetime(2026, …)`` for a time.
    """
    values = {item.name: getattr(event, item.name) for item in dataclasses.fields(event)}
    if report := values.pop("report", None):
        values |= report.as_row()
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever an event carries
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [_plain(item) for item in cast("tuple[object, ...]", value)]
        case _ if dataclasses.is_dataclass(value):
            fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
            return {name: _plain(found) for name, found in fields.items() if found}
        case _:
            return value


def _name(event: Event) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    return f"asyncmig.{words}"


def _level(event: Event) -> str:
    if isinstance(event, RunFinished):
        return "error" if event.error else "info"
    return _LEVELS.get(type(event).__name__, "info")
