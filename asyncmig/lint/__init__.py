"""Looks for what goes wrong on a live database, in the files alone.

:func:`.linter.lint_migrations` reads a folder and applies :mod:`.rules`, one pure function each,
from the statements of a migration (:mod:`.subject`) to what is wrong with them. :mod:`.squawk` adds
the rules of squawk for PostgreSQL, where that is installed. :mod:`.allowances` reads which findings
the author has allowed. No database is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.lint.finding import Finding, Severity
    from asyncmig.lint.linter import LintReport, lint_migrations
    from asyncmig.lint.selection import Selection

_HOMES = {
    "Finding": "finding",
    "LintReport": "linter",
    "Selection": "selection",
    "Severity": "finding",
    "lint_migrations": "linter",
}

__all__ = ["Finding", "LintReport", "Selection", "Severity", "lint_migrations"]

__getattr__ = names_of(__name__, _HOMES)
