"""Every rule of ours. What each is for is in ``docs/reference/lint.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.rules import (
    bookkeeping,
    concurrently,
    copies,
    enums,
    files,
    locks,
    phases,
    rebuilds,
    repeatables,
    rollout,
    session,
    transactions,
    versions,
)

if TYPE_CHECKING:
    from asyncmig.lint.rule import Rule

RULES: tuple[Rule, ...] = (
    *transactions.RULES,
    *concurrently.RULES,
    *locks.RULES,
    *enums.RULES,
    *rollout.RULES,
    *phases.RULES,
    *session.RULES,
    *bookkeeping.RULES,
    *rebuilds.RULES,
    *copies.RULES,
    *repeatables.RULES,
    *files.RULES,
    *versions.RULES,
)
"""In the order of the reference."""
