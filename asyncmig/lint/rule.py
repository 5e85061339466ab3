"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.lint.subject import Flaw, Subject
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from asyncmig.lint.finding import Severity

Find = Callable[[Subject], Iterator[Flaw]]
"""A pure function from a migration to what is wrong with it."""

POSTGRESQL = frozenset({Dialect.POSTGRESQL})
SQLITE = frozenset({Dialect.SQLITE})
BOTH = frozenset(Dialect)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        name: What people call it, in settings and in ``-- asyncmig:allow``.
        severity: How much what it finds matters.
        find: What finds it.
        dialects: Where it makes sense.
        on_request: Whether it is off unless somebody enables it.
    """

    name: str
    severity: Severity
    find: Find
    dialects: frozenset[Dialect] = BOTH
    on_request: bool = False
