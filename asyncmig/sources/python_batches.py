"""The decorator of a Python migration in batches, read without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from asyncmig.migration import Batching
from asyncmig.sources.syntax import Function

if TYPE_CHECKING:
    from asyncmig.migration import Direction
    from asyncmig.sources.python_options import Attributes
    from asyncmig.sources.syntax import Module

_PACKAGE, _DECORATOR = "asyncmig", "batches"
_HINT = "write `@asyncmig.batches(size=1000)`, with plain numbers"
_ARGUMENTS = {
    "size": (int,),
    "target": (int, float),
    "pause": (int, float),
    "replica_lag": (int, float),
}
_CONTRADICTIONS = {
    "transaction": "each batch has a transaction of its own, which transaction = False takes away",
    "foreign_keys": "foreign keys stay on in batches: between two of them the application writes",
}


def read_batching(module: Module, direction: Direction, attributes: Attributes) -> Batching | None:
    """Return how a function runs in batches, ``None`` when it is not decorated so.

    Raises:
        InvalidMigrationError: The decorator is not written down with plain numbers, or makes no
            sense beside an option of the file.
    """
    function = module.bound.get(direction)
    if not isinstance(function, Function):
        return None
    found = next((d for d in function.decorator_list if _is_ours(module, d)), None)
    if found is None:
        return None
    _refuse_options(module, found, attributes)
    if not isinstance(found, ast.Call) or found.args:
        raise module.wrong_at(found, "batches takes its arguments by name", hint=_HINT)
    said = dict(_argument(module, keyword) for keyword in found.keywords)
    try:
        return Batching(**said)
    except ValueError as error:
        raise module.wrong_at(found, str(error), hint=_HINT) from None


def _is_ours(module: Module, decorator: ast.expr) -> bool:
    """Tell whether a decorator is ``asyncmig.batches``, under whatever names it was imported."""
    match decorator.func if isinstance(decorator, ast.Call) else decorator:
        case ast.Attribute(value=ast.Name(id=package), attr=name):
            return name == _DECORATOR and _imports(module.bound.get(package), None, package)
        case ast.Name(id=name):
            return _imports(module.bound.get(name), _DECORATOR, name)
        case _:
            return False


def _imports(statement: ast.stmt | None, name: str | None, bound: str) -> bool:
    """Tell whether a statement imports the package, or that name of it, and calls it ``bound``."""
    match statement:
        case ast.Import(names=aliases) if name is None:
            return any((a.name, a.asname or a.name) == (_PACKAGE, bound) for a in aliases)
        case ast.ImportFrom(module=package, names=aliases, level=0) if package == _PACKAGE:
            return any((a.name, a.asname or a.name) == (name, bound) for a in aliases)
        case _:
            return False


def _argument(module: Module, keyword: ast.keyword) -> tuple[str, Any]:
    """Return name and value of one argument.

    Raises:
        InvalidMigrationError: There is no such argument, or it is no plain number.
    """
    name, value = keyword.arg or "**", keyword.value
    if name not in _ARGUMENTS:
        known = ", ".join(_ARGUMENTS)
        raise module.wrong_at(value, f"batches has no argument {name}", hint=f"there are {known}")
    number = value.value if isinstance(value, ast.Constant) else ...
    is_number = isinstance(number, _ARGUMENTS[name]) and not isinstance(number, bool)
    if not is_number and not (number is None and name in {"pause", "replica_lag"}):
        what = "a whole number" if name == "size" else "a number of seconds"
        raise module.wrong_at(value, f"{name} is {what}, written down as such", hint=_HINT)
    return name, number


def _refuse_options(module: Module, decorator: ast.expr, attributes: Attributes) -> None:
    """Refuse what makes no sense in batches."""
    for name, sentence in _CONTRADICTIONS.items():
        if not getattr(attributes, name):
            hint = f"take `{name} = False` out, or the decorator"
            raise module.wrong_at(decorator, sentence, hint=hint)
