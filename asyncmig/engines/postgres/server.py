"""What a server is, as far as the runner has to know."""

from __future__ import annotations

from dataclasses import dataclass

_TIMES_STATEMENTS = 130000
"""Before that release a message of several statements had one time-out."""


@dataclass(frozen=True, slots=True)
class Server:
    """What the server says of itself.

    Attributes:
        version: As ``server_version_num``: 150004 is 15.4.
        pooled: Whether something stands between: another process answered than the one that
            opened the connection. It is so behind PgBouncer in every mode, and never otherwise.
        name: What the server calls this session, for those who wait for it.
        has_advisory_locks: Whether it can keep runners apart with them.
        settings: The SETs for a session of our own; empty where the session is not ours.
    """

    version: int
    pooled: bool
    name: str = ""
    has_advisory_locks: bool = True
    settings: str = ""

    @property
    def times_statements(self) -> bool:
        """Whether ``statement_timeout`` is for each statement of a message, not for all of them."""
        return self.version >= _TIMES_STATEMENTS
