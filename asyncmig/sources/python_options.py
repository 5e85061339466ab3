"""The options of a Python migration: attributes of its module, read without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from asyncmig.sources.options import closest
from asyncmig.sources.syntax import value_of

if TYPE_CHECKING:
    from asyncmig.sources.syntax import Module

_SWITCHES = ("transaction", "foreign_keys")
_IDLE_TIMEOUT = "idle_timeout"
_UNKNOWN = object()
_NEAR = 0.915  # "transactional" is a slip, "translation" (0.909) is a word of its own
_LONGEST_TIMEOUT = 2_147_483
"""Seconds; PostgreSQL keeps idle_in_transaction_session_timeout as milliseconds in an int."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the module asks for.

    Attributes:
        transaction: ``False`` when it must not run in a transaction.
        foreign_keys: ``False`` when SQLite must not enforce foreign keys meanwhile.
        idle_timeout: Seconds that the connection may idle in the transaction; ``None`` for ever.
    """

    transaction: bool = True
    foreign_keys: bool = True
    idle_timeout: float | None = None


def read_attributes(module: Module) -> Attributes:
    """Read the options that a module sets.

    Raises:
        InvalidMigrationError: One is not written down as a value, or seems to be misspelt.
    """
    _check_spelling(module)
    return Attributes(
        transaction=_switch(module, "transaction"),
        foreign_keys=_switch(module, "foreign_keys"),
        idle_timeout=_idle_timeout(module),
    )


def _switch(module: Module, name: str) -> bool:
    """Return an option that is on unless the module says ``False``."""
    statement = module.bound.get(name)
    if statement is None:
        return True
    value = _literal(module, statement)
    if not isinstance(value, bool):
        raise module.wrong_at(
            statement,
            f"{name} is an option: True or False",
            hint=f"write `{name} = False` at the left margin, or use another name",
        )
    return value


def _idle_timeout(module: Module) -> float | None:
    """Return the time-out in seconds, ``None`` when the module sets none."""
    statement = module.bound.get(_IDLE_TIMEOUT)
    if statement is None:
        return None
    value = _literal(module, statement)
    if value is None:
        return None
    if not _is_number(value) or not 0 < value <= _LONGEST_TIMEOUT:
        raise module.wrong_at(
            statement,
            f"{_IDLE_TIMEOUT} is an option: seconds above 0, at most {_LONGEST_TIMEOUT}",
            hint=f"write `{_IDLE_TIMEOUT} = 30` at the left margin, or use another name",
        )
    return float(value)


def _literal(module: Module, statement: ast.stmt) -> object:
    """Return the value that a statement at the left margin assigns, if it can be seen."""
    value = value_of(statement)
    return _value(value) if value is not None and statement in module.tree.body else _UNKNOWN


def _value(expression: ast.expr) -> object:
    """Return what a number, a string or a constant stands for."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
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
        meant = closest(name, (*_SWITCHES, _IDLE_TIMEOUT), cutoff=_NEAR)
        if not meant or meant == name:
            continue
        value = _literal(module, statement)
        if isinstance(value, bool) if meant in _SWITCHES else _is_number(value):
            raise module.wrong_at(
                statement, f"{name} is no option of a migration", hint=f"did you mean {meant}?"
            )
