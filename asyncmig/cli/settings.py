"""Where the settings of a command come from.

A flag wins over the environment (``ASYNCMIG_…``, for the database also ``DATABASE_URL``), which
wins over ``[tool.asyncmig]`` of the nearest ``pyproject.toml``. There is no built-in database: a
secret that is missing must not look like success.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote

from asyncmig.cli.given import (
    Given,
    as_hazards,
    as_pairs,
    as_seconds,
    as_size,
    as_switch,
    as_text,
    as_whole_number,
)
from asyncmig.cli.nearest import nearest
from asyncmig.cli.pyproject import SECTION, Project, refuse_unknown_keys
from asyncmig.durations import WITHOUT_LIMIT
from asyncmig.errors import SettingsError
from asyncmig.request import Changed, Durability, OutOfOrder
from asyncmig.sources.reading import AUTO, BY_ITSELF, Reading
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "ASYNCMIG_"
KEYS = frozenset(
    {
        "baseline",
        "budget",
        "busy-timeout",
        "changed",
        "connect-timeout",
        "database",
        "dialect",
        "direct-url",
        "durability",
        "fail-on",
        "fail-over",
        "format",
        "lock-report",
        "lock-timeout",
        "log-format",
        "out-of-order",
        "placeholders",
        "retries",
        "schema",
        "search-path",
        "setup",
        "single-transaction",
        "source",
        "statement-timeout",
        "table",
        "wait-timeout",
    }
)
"""The keys of the section; flags and variables are spelled after them."""

TABLES = frozenset({"lint"})
"""Sections below ours, which are read by the command that they are for."""

_RELATIVE_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?:///)(?P<path>(?![/:]|file:)[^?]+)")

Choice = TypeVar("Choice", bound=StrEnum)


class LogFormat(StrEnum):
    """How logs are written; ``auto`` is ``console`` on a terminal and ``json`` elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command works with.

    Attributes:
        project: The project that it was called in.
        database: The URL as given; ``None`` when nobody gave one, empty when somebody gave that.
        database_from: Who gave it, for messages.
        source: Where the migrations are; relative to the working directory.
        reading: How they are read.
        table: The history table.
        schema: Its schema; ``None`` for the default.
        search_path: For every migration; ``None`` for the server's.
        connect_timeout: In seconds.
        wait_timeout: In seconds; ``None`` for as long as it takes.
        lock_timeout: In seconds; ``None`` for no limit.
        statement_timeout: In seconds; ``None`` for no limit.
        retries: How often to try again when a lock was in the way.
        budget: In seconds; ``None`` for no limit.
        busy_timeout: In seconds.
        out_of_order: What to do with pending versions below the newest applied one.
        changed: What to do with edited files; ``None`` for the default, which depends on the file.
        baseline: What is there of the migrations where there are tables and no history.
        durability: When the disk must have what was committed.
        single_transaction: Whether ``up`` applies everything or nothing.
        lock_report: Whether to report what each migration locks.
        fail_on: What rolls a migration back, by name.
        fail_over: From which size on a table counts, in bytes.
        setup: ``module:function``.
        direct_url: The server's own address.
        dialect: What the files are written in, for commands without a database.
        log_format: How logs are written.
        log_format_from: Who said so; empty for the default.
    """

    project: Project
    database: str | None = field(default=None, repr=False)
    database_from: str = ""
    source: str = "migrations"
    reading: Reading = BY_ITSELF
    table: str = "asyncmig_history"
    schema: str | None = None
    search_path: str | None = None
    connect_timeout: float = 30.0
    wait_timeout: float | None = None
    lock_timeout: float | None = 2.0
    statement_timeout: float | None = None
    retries: int = 9
    budget: float | None = 6 * 3600.0
    busy_timeout: float = 30.0
    out_of_order: OutOfOrder = OutOfOrder.ERROR
    changed: Changed | None = None
    baseline: str | None = None
    durability: Durability = Durability.MIGRATION
    single_transaction: bool = False
    lock_report: bool = False
    fail_on: tuple[str, ...] = ()
    fail_over: int = 0
    setup: str | None = None
    direct_url: str | None = field(default=None, repr=False)
    dialect: Dialect | None = None
    log_format: LogFormat = LogFormat.AUTO
    log_format_from: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """The three places that settings come from.

    Attributes:
        flags: By key; what was not typed is absent or ``None``.
        environ: The environment.
        project: The project, with its section.
    """

    flags: Mapping[str, object]
    environ: Mapping[str, str] = field(repr=False)
    project: Project

    def find(self, key: str) -> Given | None:
        """Return what the first of them says, ``None`` when none says anything."""
        if (typed := self.flags.get(key)) is not None:
            return Given(typed, f"--{key}")
        variable = PREFIX + key.upper().replace("-", "_")
        # Compose files pass on variables that nobody has set as empty ones: not a setting.
        if self.environ.get(variable):
            return Given(self.environ[variable], variable)
        return self.in_section(key)

    def in_section(self, key: str) -> Given | None:
        """Return what ``pyproject.toml`` says."""
        if key not in (section := self.project.section or {}):
            return None
        return Given(section[key], f"{key} in {SECTION} of {self.project.file}")

    def database(self) -> Given | None:
        """Return the database. A variable that is set but empty is an answer, and a wrong one."""
        if (typed := self.flags.get("database")) is not None:
            return Given(typed, "--database")
        for variable in (f"{PREFIX}DATABASE", "DATABASE_URL"):
            if variable in self.environ:
                return Given(self.environ[variable], variable)
        return self.in_section("database")

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a string.

        Raises:
            SettingsError: It is of another type, or empty.
        """
        given = self.find(key)
        return default if given is None else as_text(given)

    def seconds(self, key: str, default: float) -> float:
        """Return a duration in seconds.

        Raises:
            SettingsError: It is none, or not positive.
        """
        given = self.find(key)
        found = default if given is None else as_seconds(given)
        if found <= 0 and given is not None:
            raise given.wrong("a duration of more than 0")
        return found

    def seconds_or_none(self, key: str, default: float | None) -> float | None:
        """Return a duration in seconds, ``None`` for ``none`` and ``forever``.

        Raises:
            SettingsError: It is none.
        """
        given = self.find(key)
        if given is None:
            return default
        return None if given.value in WITHOUT_LIMIT else as_seconds(given)

    def limit(self, key: str, default: float | None) -> float | None:
        """Return a limit that PostgreSQL keeps, in seconds, ``None`` for none.

        Raises:
            SettingsError: It is no duration, or 0.
        """
        found = self.seconds_or_none(key, default)
        if found == 0:
            raise SettingsError(
                f"--{key} 0 would mean no limit to PostgreSQL", hint="write none if you mean it"
            )
        return found

    def whole_number(self, key: str, default: int) -> int:
        """Return a number of 0 or more.

        Raises:
            SettingsError: It is none.
        """
        given = self.find(key)
        return default if given is None else as_whole_number(given)

    def switch(self, key: str) -> bool:
        """Return whether something is on; it is not by default.

        Raises:
            SettingsError: It is neither on nor off.
        """
        given = self.find(key)
        return given is not None and as_switch(given)

    def size(self, key: str) -> int:
        """Return a number of bytes; 0 by default.

        Raises:
            SettingsError: It is none.
        """
        given = self.find(key)
        return 0 if given is None else as_size(given)

    def hazards(self, key: str) -> tuple[str, ...]:
        """Return what a migration must not do, by name; nothing by default.

        Raises:
            SettingsError: There is no such thing.
        """
        given = self.find(key)
        return () if given is None else as_hazards(given)

    def pairs(self, key: str) -> Mapping[str, str]:
        """Return values by name; none by default.

        Raises:
            SettingsError: It is no list of them.
        """
        given = self.find(key)
        return {} if given is None else as_pairs(given)

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """Return one of a few words, ``None`` when nobody chose.

        Raises:
            SettingsError: It is none of them.
        """
        given = self.find(key)
        if given is None:
            return None
        names = [choice.value for choice in choices]
        if given.value not in names:
            raise given.wrong(f"one of {', '.join(names)}")
        return choices(given.value)


def read_settings(sources: Sources, cwd: Path) -> Settings:
    """Lay the places on top of each other.

    Args:
        sources: The places.
        cwd: What the source of a section is shown relative to.

    Raises:
        SettingsError: A setting cannot be understood, or is unknown.
    """
    refuse_unknown_keys(sources.project, KEYS | TABLES)
    database = sources.database()
    log_format = sources.choice("log-format", LogFormat)
    found_format = sources.find("log-format")
    return Settings(
        project=sources.project,
        database=None if database is None else _database(database, sources.project, cwd),
        database_from="" if database is None else database.origin,
        source=_source(sources, cwd),
        reading=Reading(sources.text("format") or AUTO, sources.pairs("placeholders")),
        table=sources.text("table") or "asyncmig_history",
        schema=sources.text("schema"),
        search_path=_search_path(sources),
        connect_timeout=sources.seconds("connect-timeout", 30.0),
        wait_timeout=sources.seconds_or_none("wait-timeout", None),
        lock_timeout=sources.limit("lock-timeout", 2.0),
        statement_timeout=sources.limit("statement-timeout", None),
        retries=sources.whole_number("retries", 9),
        budget=sources.limit("budget", 6 * 3600.0),
        busy_timeout=sources.seconds("busy-timeout", 30.0),
        out_of_order=sources.choice("out-of-order", OutOfOrder) or OutOfOrder.ERROR,
        changed=sources.choice("changed", Changed),
        baseline=sources.text("baseline"),
        durability=sources.choice("durability", Durability) or Durability.MIGRATION,
        single_transaction=sources.switch("single-transaction"),
        lock_report=sources.switch("lock-report"),
        fail_on=sources.hazards("fail-on"),
        fail_over=sources.size("fail-over"),
        setup=sources.text("setup"),
        direct_url=sources.text("direct-url"),
        dialect=sources.choice("dialect", Dialect),
        log_format=log_format or LogFormat.AUTO,
        log_format_from=found_format.origin if found_format else "",
    )


def require_database(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """Return the database's URL.

    Raises:
        SettingsError: Nobody gave one, or an empty one.
    """
    if settings.database:
        return settings.database
    if settings.database_from:
        raise SettingsError(
            f"{settings.database_from} is empty, so there is no database",
            hint="a secret that did not arrive? Set it to postgresql://… or sqlite:///…",
        )
    near = nearest(f"{PREFIX}DATABASE", [*filter(_is_stray, environ)], cutoff=0.8)
    meant = f"{near} is set, but the name is {PREFIX}DATABASE; " if near else ""
    place = settings.project.file or "a pyproject.toml"
    raise SettingsError(
        "no database is named",
        hint=f"{meant}give --database URL, set ASYNCMIG_DATABASE or DATABASE_URL, or write "
        f"database = … below {SECTION} in {place} (`asyncmig init` does)",
    )


def _is_stray(variable: str) -> bool:
    """Tell whether a variable begins as ours do and is none of them."""
    ours = {PREFIX + key.upper().replace("-", "_") for key in KEYS}
    return variable.startswith(PREFIX) and variable not in ours


def _database(given: Given, project: Project, cwd: Path) -> str:
    """Return the URL; a relative file of the section is one of the project's folder."""
    if not isinstance(given.value, str):
        raise given.wrong("a database URL")
    url = given.value.strip()
    relative = _RELATIVE_SQLITE.match(url)
    if SECTION not in given.origin or project.root == cwd or relative is None:
        return url
    folder = quote(project.root.as_posix())
    return f"{relative['scheme']}{folder}/{url[relative.start('path') :]}"


def _source(sources: Sources, cwd: Path) -> str:
    """Return the source; one of the section, or the default beside it, is in that folder."""
    given = sources.find("source")
    name = "migrations" if given is None else as_text(given)
    ours = sources.project.section is not None if given is None else SECTION in given.origin
    if not ours or name.startswith("package:"):
        return name
    return os.path.relpath(sources.project.root / name, cwd)


def _search_path(sources: Sources) -> str | None:
    given = sources.find("search-path")
    names = None if given is None else given.value
    if isinstance(names, list):
        return ", ".join(map(str, cast("list[object]", names)))
    return sources.text("search-path")
