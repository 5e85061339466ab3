"""How squawk's rules read here: which of them stand, and what is said otherwise.

A rule that is not named below stands as it is, so those of a newer squawk do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity

if TYPE_CHECKING:
    from asyncmig.migration import SqlScript

DONE_BY_THE_RUNNER = frozenset(
    {
        # lock_timeout is set, and the migration tried again; statements may take their time
        "require-timeout-settings",
        "require-lock-timeout",
        "require-statement-timeout",
        # the file is a transaction, or its progress is kept statement by statement
        "prefer-robust-stmts",
        # cannot-run-in-transaction and transaction-control know the marker
        "ban-concurrent-index-creation-in-transaction",
        "ban-uncommitted-transaction",
        "transaction-nesting",
        # breaks-running-code knows the phases, and what has the name afterwards
        "ban-drop-column",
        "ban-drop-table",
        "renaming-column",
        "renaming-table",
    }
)
"""Rules that contradict what asyncmig does, or that a rule of ours says better."""

SAID_ALREADY = {
    "constraint-missing-not-valid": frozenset(
        {
            "validate-in-same-transaction",
            # it advises NOT VALID for these too; they say it better, and of UNIQUE it is not true
            "squawk/adding-foreign-key-constraint",
            "squawk/disallowed-unique-constraint",
        }
    ),
}
"""Where both find the same statement, the second is kept."""

STYLE = frozenset(
    {
        "ban-char-field",
        "prefer-bigint-over-int",
        "prefer-bigint-over-smallint",
        "prefer-identity",
        "prefer-text-field",
        "prefer-timestamp-tz",
        "require-enum-value-ordering",
    }
)
"""Rules about how a schema should be: every second file of a project has some, and nobody waits for
them. They have to be enabled."""

ABOUT_NEW_TABLES_TOO = STYLE | {"identifier-too-long", "require-table-schema"}
"""What is as true of a table that the migration itself makes."""

HARMLESS = frozenset(
    {
        "ban-drop-constraint",
        "ban-drop-default",
        "ban-drop-not-null",
        "ban-drop-trigger",
        "renaming-object",  # an index, a constraint, a trigger
    }
)
"""What squawk warns of, and what code that still runs hardly ever feels: notices."""

SYNTAX_ERROR = "syntax-error"
"""Squawk's parser is its own, and PostgreSQL's the judge: a warning."""

_HINTS = {
    "require-concurrent-index-creation": "write CREATE INDEX CONCURRENTLY, in {file_of_its_own}",
    "require-concurrent-index-deletion": "write DROP INDEX CONCURRENTLY, in {file_of_its_own}",
    "require-concurrent-reindex": "write REINDEX … CONCURRENTLY, in {file_of_its_own}",
    "require-concurrent-partition-detach": "write DETACH PARTITION … CONCURRENTLY, in "
    "{file_of_its_own}",
    "constraint-missing-not-valid": "add it NOT VALID, and VALIDATE it in the next migration; a "
    "PRIMARY KEY takes a unique index that was built CONCURRENTLY: ADD PRIMARY KEY USING INDEX",
    "adding-foreign-key-constraint": "add it NOT VALID, and VALIDATE it in the next migration",
}


def stands_for_new_tables(rule: str) -> bool:
    """Tell whether a rule also means tables that the migration itself makes: nobody uses them."""
    return rule in ABOUT_NEW_TABLES_TOO or rule == SYNTAX_ERROR


def severity_of(rule: str, level: str) -> Severity:
    """Return how much a finding of squawk's matters here."""
    if rule in STYLE or rule in HARMLESS:
        return Severity.NOTICE
    if rule == SYNTAX_ERROR:
        return Severity.WARNING
    return Severity.ERROR if level == "error" else Severity.WARNING


def hint_of(rule: str, advice: str, script: SqlScript) -> str:
    """Return the advice for a script, in the words of asyncmig where they differ."""
    if rule not in _HINTS:
        return advice
    return _HINTS[rule].format(file_of_its_own=script.file_of_its_own)
