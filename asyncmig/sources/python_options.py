"""The options of a Python migration: attributes of its module, read without running it."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from asyncmig.locks import Hazard, hazards_in
from asyncmig.migration import Limits, Phase
from asyncmig.sources.options import closest, limit_in
from asyncmig.sources.syntax import value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncmig.sources.syntax import Module

_UNKNOWN = object()
_NEAR = 0.915  # "transactional" is a slip, "translation" (0.909) is a word of its own
_LONGEST_TIMEOUT = 2_147_483
"""Seconds; PostgreSQL keeps idle_in_transaction_session_timeout as milliseconds in an int."""
_MOST_RETRIES = 999_999


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the module asks for.

    Attributes:
        transaction: ``False`` when it must not run in a transaction.
        foreign_keys: ``False`` when SQLite must not enforce foreign keys meanwhile.
        idle_timeout: Seconds that the connection may idle in the transaction; ``None`` for ever.
        lock_timeout: As in :class:`asyncmig.migration.Limits`, like those that follow.
        statement_timeout: In seconds; infinity for ``None``.
        retries: A number.
        retry: Whether it may be tried again.
        phase: When the way up may be applied.
        allow: What it may do to relations in use.
    """

    transaction: bool = True
    foreign_keys: bool = True
    idle_timeout: float | None = None
    lock_timeout: float | None = None
    statement_timeout: float | None = None
    retries: int | None = None
    retry: bool = False
    phase: Phase = Phase.PRE
    allow: frozenset[Hazard] = frozenset()

    @property
    def limits(self) -> Limits:
        """How long and how often it may try."""
        return Limits(self.lock_timeout, self.statement_timeout, retries=self.retries)


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the value of an option is written down.

    Attributes:
        read: Returns what a literal stands for, ``_UNKNOWN`` for nothing.
        what: What it is.
        example: One of them, as Python.
    """

    read: Callable[[object], object]
    what: str
    example: str


def read_attributes(module: Module) -> Attributes:
    """Read the options that a module sets.

    Raises:
        InvalidMigrationError: One is not written down as a value, or seems to be misspelt, or two
            of them make no sense together.
    """
    _check_spelling(module)
    said: dict[str, Any] = {}
    for name, reader in _READERS.items():
        statement = module.bound.get(name)
        if statement is None or _is_only_declared(statement):
            continue
        said[name] = reader.read(_literal(module, statement))
        if said[name] is _UNKNOWN:
            raise module.wrong_at(
                statement,
                f"{name} is an option: {reader.what}",
                hint=f"write `{name} = {reader.example}` at the left margin, or use another name",
            )
    attributes = Attributes(**said)
    _check_retries(module, attributes)
    return attributes


def _check_retries(module: Module, attributes: Attributes) -> None:
    """Refuse what sounds as if the file were tried again, when it is not."""
    if attributes.retry and not attributes.transaction:
        raise module.wrong_at(
            module.bound["retry"],
            "retry = True needs a transaction, which is rolled back in between",
            hint="leave it out, or take `transaction = False` out",
        )
    if attributes.retries and not attributes.retry:
        raise module.wrong_at(
            module.bound["retries"],
            "retries says how often, but nothing says that this file may run again",
            hint="write `retry = True` too, if what it does outside the database may be repeated",
        )


def _switch(value: object) -> object:
    return value if isinstance(value, bool) else _UNKNOWN


def _idle_timeout(value: object) -> object:
    if value is None:
        return None
    return float(value) if _is_number(value) and 0 < value <= _LONGEST_TIMEOUT else _UNKNOWN


def _limit(value: object) -> object:
    """Return the seconds of a limit; ``None`` means none at all, as in a keyword of Migrator."""
    if value is None:
        return math.inf
    if isinstance(value, str):
        return limit_in(value) or _UNKNOWN
    return float(value) if _is_number(value) and 0 < value <= _LONGEST_TIMEOUT else _UNKNOWN


def _count(value: object) -> object:
    is_count = isinstance(value, int) and _is_number(value) and 0 <= value <= _MOST_RETRIES
    return value if is_count else _UNKNOWN


def _phase(value: object) -> object:
    return next((phase for phase in Phase if phase.value == value), _UNKNOWN)


def _hazards(value: object) -> object:
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, tuple):
        return _UNKNOWN
    return hazards_in(map(str, cast("tuple[object, ...]", words))) or _UNKNOWN


_SWITCH = _Reader(_switch, "True or False", "False")
_LIMIT = _Reader(_limit, "seconds above 0, text such as '500ms', or None for no limit", "0.5")

_READERS = {
    "transaction": _SWITCH,
    "foreign_keys": _SWITCH,
    "idle_timeout": _Reader(
        _idle_timeout, f"seconds above 0, at most {_LONGEST_TIMEOUT}", example="30"
    ),
    "lock_timeout": _LIMIT,
    "statement_timeout": _LIMIT,
    "retries": _Reader(_count, "a whole number", example="20"),
    "retry": _Reader(_switch, "True or False", example="True"),
    "phase": _Reader(_phase, "'pre' or 'post'", example='"post"'),
    "allow": _Reader(
        _hazards, f"one or several of {', '.join(Hazard)}", example='("rewrite", "scan")'
    ),
}


def _is_only_declared(statement: ast.stmt) -> bool:
    """Tell whether it is ``name: type`` without a value."""
    return isinstance(statement, ast.AnnAssign) and statement.value is None


def _literal(module: Module, statement: ast.stmt) -> object:
    """Return the value that a statement at the left margin assigns, if it can be seen."""
    value = value_of(statement)
    return _value(value) if value is not None and statement in module.tree.body else _UNKNOWN


def _value(expression: ast.expr) -> object:
    """Return what a number, a string or a constant stands for, or several of them."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return tuple(map(_value, parts))
        case _:
            return _UNKNOWN


def _is_number(value: object) -> TypeGuard[float]:
    """Tell whether it is a number, which ``True`` is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_spelling(module: Module) -> None:
    """Refuse an assignment that only just misses the name of an option.

    An overlooked ``transactional = False`` runs inside a transaction what must not. Constants of
    the author's own are safe: only a plain value of the option's type, under a name in lower case
    that is nearly the option's, counts as a slip.
    """
    for name, statement in module.bound.items():
        meant = closest(name, _READERS, cutoff=_NEAR)
        if not meant or meant == name:
            continue
        if _READERS[meant].read(_literal(module, statement)) is not _UNKNOWN:
            raise module.wrong_at(
                statement, f"{name} is no option of a migration", hint=f"did you mean {meant}?"
            )
