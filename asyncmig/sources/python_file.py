"""From the text of a Python file to the scripts of its directions, without running it.

Reading a folder must not execute what is not pending: a migration of last year may import a module
that is gone. So the text is parsed, and what can be known without running it is checked.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from asyncmig.migration import Direction, PythonScript
from asyncmig.sources.python_batches import read_batching
from asyncmig.sources.python_options import read_attributes
from asyncmig.sources.syntax import Function, Module, is_generator, takes_one_argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.errors import InvalidMigrationError
    from asyncmig.migration import Batching
    from asyncmig.sources.place import Text


def read_python(text: Text) -> Mapping[Direction, PythonScript]:
    """Return the script of each direction that a Python file defines.

    A function that is imported, assigned or decorated is taken on trust here, and checked when it
    runs.

    Raises:
        InvalidMigrationError: The text is not Python, has no ``async def up(connection)``, or sets
            an option to something that is not written down as a value.
    """
    module = Module.parse(text)
    directions = [direction for direction in Direction if module.defines(direction)]
    if Direction.UP not in directions:
        raise _no_up(module)
    attributes = read_attributes(module)
    batchings = {way: read_batching(module, way, attributes) for way in directions}
    for direction in directions:
        _check_function(module, direction, batchings[direction])
    return {
        direction: PythonScript(
            source=text.script,
            path=text.place.path,
            function=direction.value,
            transaction=attributes.transaction,
            foreign_keys=attributes.foreign_keys,
            idle_timeout=attributes.idle_timeout,
            limits=attributes.limits,
            retry=attributes.retry,
            phase=attributes.phase,
            allow=attributes.allow,
            batching=batchings[direction],
        )
        for direction in directions
    }


def _check_function(module: Module, direction: Direction, batching: Batching | None) -> None:
    """Refuse a plain definition that could not be awaited with what it is going to get."""
    function = module.bound.get(direction)
    if not isinstance(function, Function):
        return
    if len(function.decorator_list) > (0 if batching is None else 1):
        return
    what = "connection" if batching is None else "batch"
    hint = f"write `async def {direction}({what}):`"
    if isinstance(function, ast.FunctionDef):
        raise module.wrong_at(function, f"{direction} is not async", hint=hint)
    if is_generator(function):
        raise module.wrong_at(
            function, f"{direction} yields, so it cannot be awaited", hint="take the yield out"
        )
    if not takes_one_argument(function.args):
        raise module.wrong_at(
            function, f"{direction} is called with one argument, the {what}", hint=hint
        )


def _no_up(module: Module) -> InvalidMigrationError:
    """Return the error for a file that cannot be applied, and look for what was meant as ``up``."""
    hint = "write `async def up(connection):`"
    for statement in module.tree.body:
        if isinstance(statement, Function) and statement.name in _OTHER_NAMES:
            return module.wrong_at(
                statement, "there is no `up`", hint=f"{hint} instead of {statement.name}"
            )
        if isinstance(statement, ast.ClassDef) and _has_method(statement, Direction.UP):
            return module.wrong_at(
                statement,
                f"there is no `up` but in class {statement.name}",
                hint=f"{hint} outside of the class",
            )
    return module.text.place.wrong("there is no `up`", hint=hint)


_OTHER_NAMES = {"upgrade", "migrate", "forward", "forwards", "apply", "run", "step"}


def _has_method(definition: ast.ClassDef, name: str) -> bool:
    """Tell whether a class defines a method of that name itself."""
    return any(isinstance(part, Function) and part.name == name for part in definition.body)
