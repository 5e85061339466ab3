"""Events as log lines: with structlog as the application set it up, or through logging."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from asyncmig.blocker import Blocker
from asyncmig.events import (
    Event,
    LockAcquired,
    LocksReported,
    LockWaiting,
    MigrationApplied,
    MigrationFailed,
    MigrationRetrying,
    MigrationReverted,
    MigrationStarted,
    MigrationWaiting,
    RunFinished,
    RunStarted,
)
from asyncmig.locks import LockReport
from asyncmig.logging import log_event, migration_context
from asyncmig.migration import Direction
from tests.test_locks import USERS

if TYPE_CHECKING:
    from collections.abc import Generator

UP, DOWN = Direction.UP, Direction.DOWN
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
RUN = {"run_id": "r1", "database": "db"}
PSQL = Blocker(7, "psql", "", "idle in transaction", datetime(2026, 5, 4, 12, 30, tzinfo=UTC))
STEP = {**RUN, "version": "3", "name": "users"}
CASES: list[tuple[Event, str, dict[str, Any]]] = [
    (
        RunStarted("r1", "db", UP),
        "info",
        {"event": "asyncmig.run_started", **RUN, "direction": "up"},
    ),
    (
        LockWaiting("r1", "db", 20, "pid 7", SINCE),
        "warning",
        {
            "event": "asyncmig.lock_waiting",
            **RUN,
            "waited_ms": 20,
            "holder": "pid 7",
            "since": "2026-01-01T00:00:00+00:00",
        },
    ),
    (
        LockWaiting("r1", "db", 20),
        "warning",
        {"event": "asyncmig.lock_waiting", **RUN, "waited_ms": 20, "holder": ""},
    ),
    (
        LocksReported("r1", "db", "3", "users", UP, LockReport((USERS,), 100)),
        "info",
        {
            "event": "asyncmig.locks_reported",
            **STEP,
            "direction": "up",
            "held_ms": 12,
            "wal_bytes": 100,
            "relations": [USERS.as_row()],
        },
    ),
    (
        LockAcquired("r1", "db", 20),
        "info",
        {"event": "asyncmig.lock_acquired", **RUN, "waited_ms": 20},
    ),
    (
        MigrationStarted("r1", "db", "3", "users", UP, resumed=True),
        "info",
        {"event": "asyncmig.migration_started", **STEP, "direction": "up", "resumed": True},
    ),
    (
        MigrationApplied("r1", "db", "3", "users", UP, 7),
        "info",
        {"event": "asyncmig.migration_applied", **STEP, "direction": "up", "duration_ms": 7},
    ),
    (
        MigrationReverted("r1", "db", "3", "users", DOWN, 7),
        "info",
        {"event": "asyncmig.migration_reverted", **STEP, "direction": "down", "duration_ms": 7},
    ),
    (
        MigrationRetrying("r1", "db", "3", "users", UP, 1, 500, "lock timeout"),
        "warning",
        {
            "event": "asyncmig.migration_retrying",
            **STEP,
            "direction": "up",
            "attempt": 1,
            "delay_ms": 500,
            "reason": "lock timeout",
            "blockers": [],
        },
    ),
    (
        MigrationWaiting("r1", "db", "3", "users", UP, 3500, "building index", (PSQL,)),
        "warning",
        {
            "event": "asyncmig.migration_waiting",
            **STEP,
            "direction": "up",
            "waited_ms": 3500,
            "phase": "building index",
            "blockers": [
                {
                    "pid": 7,
                    "application": "psql",
                    "state": "idle in transaction",
                    "query_start": "2026-05-04T12:30:00+00:00",
                }
            ],
        },
    ),
    (
        MigrationFailed("r1", "db", "3", "users", UP, "it failed", "3.sql", 1, 2),
        "error",
        {
            "event": "asyncmig.migration_failed",
            **STEP,
            "direction": "up",
            "error": "it failed",
            "file": "3.sql",
            "line": 1,
            "column": 2,
        },
    ),
    (
        RunFinished("r1", "db", UP, ("1", "2"), 40),
        "info",
        {
            "event": "asyncmig.run_finished",
            **RUN,
            "direction": "up",
            "versions": ["1", "2"],
            "duration_ms": 40,
        },
    ),
    (
        RunFinished("r1", "db", UP, (), 40, "it failed"),
        "error",
        {
            "event": "asyncmig.run_finished",
            **RUN,
            "direction": "up",
            "versions": [],
            "duration_ms": 40,
            "error": "it failed",
        },
    ),
]


@pytest.fixture(autouse=True)
def _unconfigured() -> Generator[None]:
    """Begin, and leave, with a structlog that nobody has configured."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def captured() -> structlog.testing.LogCapture:
    """Configure structlog as an application does, and return what catches its events."""
    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    return capture


@pytest.mark.parametrize(("event", "level", "expected"), CASES)
def test_a_configured_structlog_gets_the_event(
    captured: structlog.testing.LogCapture, event: Event, level: str, expected: dict[str, Any]
) -> None:
    """Whole dictionaries: every field, plain values, nothing that is None."""
    log_event(event)
    assert [{**expected, "log_level": level}] == captured.entries


@pytest.mark.parametrize(("event", "level", "expected"), CASES)
def test_an_unconfigured_structlog_leaves_it_to_logging(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    event: Event,
    level: str,
    expected: dict[str, Any],
) -> None:
    """One record of the logger `asyncmig`, the fields on it, and not a word on stdout or stderr."""
    with caplog.at_level(logging.INFO, logger="asyncmig"):
        log_event(event)
    name, fields = expected["event"], {k: v for k, v in expected.items() if k != "event"}
    text = " ".join([name, *(f"{key}={value}" for key, value in fields.items())])
    assert [("asyncmig", level.upper(), text, fields)] == [
        (record.name, record.levelname, record.getMessage(), vars(record)["asyncmig"])
        for record in caplog.records
    ]
    assert ("", "") == capfd.readouterr()


def test_a_log_record_keeps_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    """`render_to_log_kwargs` makes attributes of the fields, and a record has a `name` already."""
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    with caplog.at_level(logging.INFO, logger="asyncmig"):
        log_event(MigrationApplied("r1", "db", "3", "users", UP, 40))
    (record,) = caplog.records
    assert ("asyncmig", "users", "3") == (
        record.name,
        vars(record)["migration_name"],
        vars(record)["version"],
    )


def test_text_that_looks_like_a_format_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the server may contain a percent sign or braces."""
    with caplog.at_level(logging.INFO, logger="asyncmig"):
        log_event(RunFinished("r1", "db", UP, (), 1, "LIKE '%s' {0}"))
    assert caplog.messages[0].endswith("error=LIKE '%s' {0}")


def test_a_level_that_is_off_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Without configuration the level of the stdlib logger decides."""
    with caplog.at_level(logging.WARNING, logger="asyncmig"):
        log_event(RunStarted("r1", "db", UP))
        log_event(LockWaiting("r1", "db", 20))
    assert ["WARNING"] == [record.levelname for record in caplog.records]


def test_what_a_python_migration_logs_carries_its_version(
    captured: structlog.testing.LogCapture,
) -> None:
    """By structlog's context variables, for the length of the block; others stay as they are."""
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(version="of the app", request="q"):
        with migration_context("r1", "3"):
            log.info("inside")
        log.info("outside")
    outer = {"log_level": "info", "request": "q"}
    assert [
        {**outer, "event": "inside", "run_id": "r1", "version": "3"},
        {**outer, "event": "outside", "version": "of the app"},
    ] == captured.entries


def test_an_event_inside_a_migration_keeps_its_own_fields(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The application's context variables fill in; they do not win."""
    with (
        structlog.contextvars.bound_contextvars(request="q"),
        migration_context("other", "9"),
        caplog.at_level(logging.INFO, logger="asyncmig"),
    ):
        log_event(MigrationStarted("r1", "db", "3", "users", UP))
    fields = vars(caplog.records[0])["asyncmig"]
    assert ("q", "r1", "3") == (fields["request"], fields["run_id"], fields["version"])


def test_logging_an_event_configures_nothing() -> None:
    """Neither structlog nor the stdlib logger."""
    before = (structlog.get_config(), structlog.is_configured(), _facts("asyncmig"), _facts(None))
    log_event(RunStarted("r1", "db", UP))
    after = (structlog.get_config(), structlog.is_configured(), _facts("asyncmig"), _facts(None))
    assert before == after


def _facts(name: str | None) -> tuple[int, list[logging.Handler], bool, bool]:
    logger = logging.getLogger(name)
    return (logger.level, list(logger.handlers), logger.disabled, logger.propagate)


@pytest.mark.parametrize(("event", "level", "expected"), CASES)
def test_without_structlog_the_event_is_written_as_its_bridge_writes_it(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    event: Event,
    level: str,
    expected: dict[str, Any],
) -> None:
    """An application that has not imported it cannot have configured it, and need not load it."""
    caplog.set_level(logging.INFO, "asyncmig")
    log_event(event)
    monkeypatch.delitem(sys.modules, "structlog")
    log_event(event)
    assert "structlog" not in sys.modules
    first, second = (
        (record.levelname.lower(), record.getMessage(), vars(record)["asyncmig"])
        for record in caplog.records
    )

    fields = {key: value for key, value in expected.items() if key != "event"}
    assert level == second[0]
    assert fields == second[2]
    assert first == second
