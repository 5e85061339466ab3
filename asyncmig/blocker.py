"""Who is in the way of a migration: a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session of the database that a migration waits for.

    What the role may not see, or nobody knows, is empty.

    Attributes:
        pid: The server's process; 0 for a transaction that was prepared and never committed.
        application: Its ``application_name``.
        user: Its role.
        state: What it does: ``active``, ``idle in transaction`` and so on.
        query_start: Since when, in UTC.
        relation: The table or index whose lock is waited for.
        query: Its newest statement in one line, without literals and comments, cut if it is long.
    """

    pid: int
    application: str = ""
    user: str = ""
    state: str = ""
    query_start: datetime | None = None
    relation: str = ""
    query: str = ""

    @property
    def description(self) -> str:
        """The session in one line, such as ``psql (pid 4711, app, idle in transaction)``."""
        if not self.pid:
            return "a prepared transaction (see pg_prepared_xacts)"
        since = f"{self.query_start:%H:%M:%S} UTC" if self.query_start else ""
        doing = f"{self.state or 'busy'} since {since}" if since else self.state
        facts = ", ".join(filter(None, (f"pid {self.pid}", self.user, doing)))
        query = f": {self.query}" if self.query else ""
        return f"{self.application or 'a session'} ({facts}){query}"


def list_of(blockers: tuple[Blocker, ...]) -> str:
    """Return the sessions in one line, empty when there is none."""
    return "; ".join(blocker.description for blocker in blockers)
