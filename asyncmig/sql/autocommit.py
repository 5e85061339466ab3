"""Recognises the statements that cannot run inside a transaction block.

Only those that never can, whatever the database holds. Where it depends on what is stored, the
server has the last word (SQLSTATE 25001 or 2D000): DROP SUBSCRIPTION with a slot, REINDEX and
CLUSTER of a partitioned table, a procedure or DO block that commits.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from asyncmig.sql.dialect import Dialect
from asyncmig.sql.pragmas import pragma
from asyncmig.sql.statements import statement_tokens

if TYPE_CHECKING:
    from asyncmig.sql.statements import Statement

# PostgreSQL: the callers of PreventInTransactionBlock(), tried on 15 and 18. ALTER TYPE … ADD
# VALUE is not among them since 12.
BY_FIRST_WORDS = {
    "CREATE INDEX CONCURRENTLY": re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b"),
    "DROP INDEX CONCURRENTLY": re.compile(r"DROP INDEX CONCURRENTLY\b"),
    "CREATE DATABASE": re.compile(r"CREATE DATABASE\b"),
    "DROP DATABASE": re.compile(r"DROP DATABASE\b"),
    "CREATE TABLESPACE": re.compile(r"CREATE TABLESPACE\b"),
    "DROP TABLESPACE": re.compile(r"DROP TABLESPACE\b"),
    "ALTER SYSTEM": re.compile(r"ALTER SYSTEM\b"),
    "VACUUM": re.compile(r"VACUUM\b"),
    "DISCARD ALL": re.compile(r"DISCARD ALL\b"),
    "COMMIT PREPARED": re.compile(r"COMMIT PREPARED\b"),
    "ROLLBACK PREPARED": re.compile(r"ROLLBACK PREPARED\b"),
}
ANY_OF_THEM = re.compile("|".join(pattern.pattern for pattern in BY_FIRST_WORDS.values()))
# These are told by what stands further on; only their tokens are looked at, for speed.
READ_ON = re.compile(
    r"REINDEX\b|CLUSTER\b|ALTER (?:TABLE|DATABASE|SUBSCRIPTION)\b|CREATE SUBSCRIPTION\b"
)
BY_OUTLINE = {
    "REINDEX CONCURRENTLY": re.compile(
        r"REINDEX (?:\( .* \) )?(?:INDEX|TABLE|SCHEMA|DATABASE|SYSTEM) CONCURRENTLY\b.*"
    ),
    "REINDEX SCHEMA": re.compile(r"REINDEX (?:\( .* \) )?SCHEMA\b.*"),
    "REINDEX DATABASE": re.compile(r"REINDEX (?:\( .* \) )?DATABASE\b.*"),
    "REINDEX SYSTEM": re.compile(r"REINDEX (?:\( .* \) )?SYSTEM\b.*"),
    "CLUSTER of every table": re.compile(r"CLUSTER(?: VERBOSE| \( .* \))?"),
    "ALTER TABLE … DETACH PARTITION … CONCURRENTLY": re.compile(
        r"ALTER TABLE .* DETACH PARTITION \S+(?: \. \S+)* CONCURRENTLY"
    ),
    # The grammar has the second form too; `SET tablespace TO …` would be a setting.
    "ALTER DATABASE … SET TABLESPACE": re.compile(
        r"ALTER DATABASE \S+ (?:SET TABLESPACE \S+|(?:WITH )?TABLESPACE .*)"
    ),
    "ALTER SUBSCRIPTION … REFRESH": re.compile(r"ALTER SUBSCRIPTION \S+ REFRESH\b.*"),
}
CHANGES_PUBLICATIONS = re.compile(r"ALTER SUBSCRIPTION \S+ (?:SET|ADD|DROP) PUBLICATION\b.*")
CHANGES_OPTIONS = re.compile(r"ALTER SUBSCRIPTION \S+ SET \(.*")
FALSE = frozenset({"false", "off", "0"})

# SQLite, tried on 3.40 and 3.54, in a transaction that has written something, as ours has by
# then: journal_mode is ignored without a word; the other two fail, as do DETACH and VACUUM.
PRAGMAS = {
    "journal_mode": "PRAGMA journal_mode",
    "synchronous": "PRAGMA synchronous",
    "wal_checkpoint": "PRAGMA wal_checkpoint",
}
ASKING_COUNTS = frozenset({"wal_checkpoint"})


def autocommit_reason(statement: Statement, dialect: Dialect) -> str | None:
    """Return what of a statement cannot run inside a transaction block; None when it can.

    The phrase reads well in front of "cannot run inside a transaction", such as
    "CREATE INDEX CONCURRENTLY" or "PRAGMA journal_mode".
    """
    if dialect is Dialect.SQLITE:
        return sqlite_reason(statement)
    return postgresql_reason(statement)


def sqlite_reason(statement: Statement) -> str | None:
    """Return why SQLite does not run a statement in a transaction."""
    if statement.words[:1] in {("VACUUM",), ("DETACH",)}:
        return statement.words[0]
    found = pragma(statement)
    if found is None or (found.value is None and found.name not in ASKING_COUNTS):
        return None
    return PRAGMAS.get(found.name)


def postgresql_reason(statement: Statement) -> str | None:
    """Return why PostgreSQL does not run a statement in a transaction."""
    words = " ".join(statement.words)
    if ANY_OF_THEM.match(words):
        return next(phrase for phrase, found in BY_FIRST_WORDS.items() if found.match(words))
    if not READ_ON.match(words):
        return None
    found = statement_tokens(statement, Dialect.POSTGRESQL)
    outline = " ".join(map(without_quoted_text, found))
    for phrase, pattern in BY_OUTLINE.items():
        if pattern.fullmatch(outline):
            return phrase
    return reason_in_options(outline, options(found))


def reason_in_options(outline: str, given: dict[str, str]) -> str | None:
    """Return the reason that a list of options makes, or does not unmake."""
    if outline.startswith("REINDEX ") and given.get("concurrently", "off") not in FALSE:
        return "REINDEX CONCURRENTLY"
    if CHANGES_PUBLICATIONS.fullmatch(outline) and given.get("refresh") not in FALSE:
        return "ALTER SUBSCRIPTION … PUBLICATION with refresh"
    if CHANGES_OPTIONS.fullmatch(outline) and changes_slot(given):
        return "ALTER SUBSCRIPTION … SET (failover or two_phase)"
    makes_slot = given.get("connect") not in FALSE and given.get("create_slot") not in FALSE
    if outline.startswith("CREATE SUBSCRIPTION ") and makes_slot:
        return "CREATE SUBSCRIPTION with create_slot"
    return None


def changes_slot(given: dict[str, str]) -> bool:
    """Tell whether options of a subscription change its slot on the publisher at once.

    Switching two_phase on is left to the background worker.
    """
    return "failover" in given or given.get("two_phase") in FALSE


def options(found: list[str]) -> dict[str, str]:
    """Read the first `(name [=] value, …)` among tokens: lower case, no quotes, last one wins."""
    if "(" not in found:
        return {}
    inside = takewhile(")".__ne__, found[found.index("(") + 1 :])
    given: dict[str, str] = {}
    for option in " ".join(inside).split(" , "):
        name, _, value = option.partition(" ")
        given[name.strip('"').lower()] = value.removeprefix("= ").strip("'\"").lower()
    return given


def without_quoted_text(token: str) -> str:
    """Empty a string or quoted name, so that no pattern matches inside of it."""
    return token[0] * 2 if token[0] in "'\"$" else token
