"""What a migration leaves on its connection, put back where another one follows it at once.

As a rule the next migration gets a connection of its own. Inside a transaction there is no other
one. Functions and collations that a Python migration has registered stay, then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.engines.sqlite.connection import DriverError
from asyncmig.engines.sqlite.records import fetch

if TYPE_CHECKING:
    from asyncmig.engines.sqlite.connection import Raw

_PRAGMAS = (
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cell_size_check",
    "defer_foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "trusted_schema",
    "writable_schema",
)
"""Numbers that belong to the connection, can be read, and can be set inside a transaction."""

_TEMPORARY = (
    "SELECT type, name FROM temp.sqlite_master "
    "WHERE type IN ('table', 'trigger', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
    "ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL%'"
)
"""What uses others comes first; with a virtual table go those that it is made of."""


class StillAttachedError(DriverError):
    """A database cannot be detached before COMMIT. Internal: a failure of the migration."""

    def __init__(self, name: str) -> None:
        """Name the database."""
        super().__init__(
            f"it leaves the database {name} attached, which nothing can undo inside the single "
            "transaction"
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a migration finds on its connection. The methods run in the thread."""

    _pragmas: tuple[int | None, ...]
    _temporary: frozenset[tuple[str, str]]
    _attached: frozenset[str]

    @classmethod
    def of(cls, raw: Raw) -> Surroundings:
        """Look at a connection."""
        return cls(
            tuple(_value(raw, name) for name in _PRAGMAS),
            frozenset(fetch(raw, _TEMPORARY)),
            frozenset(_attached(raw)),
        )

    def put_back(self, raw: Raw) -> None:
        """Take away what has come, and set what was set otherwise.

        Raises:
            StillAttachedError: A database stays attached.
        """
        raw.row_factory = None
        raw.text_factory = str
        self._reset(raw)
        for kind, name in fetch(raw, _TEMPORARY):
            if (kind, name) not in self._temporary:
                raw.execute(f"DROP {kind} IF EXISTS temp.{_quoted(name)}").close()
        for name in set(_attached(raw)) - self._attached:
            try:
                raw.execute(f"DETACH {_quoted(name)}").close()
            except DriverError as error:
                raise StillAttachedError(name) from error

    def _reset(self, raw: Raw) -> None:
        for name, value in zip(_PRAGMAS, self._pragmas, strict=True):
            if _value(raw, name) != value:
                raw.execute(f"PRAGMA {name} = {value}").close()


def _attached(raw: Raw) -> list[str]:
    """Return the databases of a connection; ``temp`` comes and goes by itself."""
    return [name for _, name, _ in fetch(raw, "PRAGMA database_list") if name != "temp"]


def _value(raw: Raw, name: str) -> int | None:
    """Return the value of a pragma, ``None`` where this SQLite does not know it."""
    rows = fetch(raw, f"PRAGMA {name}")
    return int(rows[0][0]) if rows else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
