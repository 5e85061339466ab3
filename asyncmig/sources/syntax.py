"""What can be seen in the syntax tree of a Python migration: names, and what they are bound to.

Every walk here is over statements or by a stack, never recursive over expressions: a constant put
together from a thousand strings is deeper than the interpreter's stack.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from asyncmig.errors import InvalidMigrationError
    from asyncmig.sources.place import Text

_TRIES = 10
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file, parsed.

    Attributes:
        text: What was parsed.
        tree: The syntax tree.
        bound: For every name of the module the statement that binds it last; ``*`` stands for
            the names of a star import.
    """

    text: Text
    tree: ast.Module
    bound: Mapping[str, ast.stmt]

    @classmethod
    def parse(cls, text: Text) -> Module:
        """Parse the text of a file.

        Raises:
            InvalidMigrationError: It is not Python, as this interpreter understands it.
        """
        try:
            tree = _tree(text)
        except SyntaxError as error:
            raise text.place.wrong(
                f"this is not Python: {error.msg}", line=error.lineno, column=error.offset
            ) from None
        except (RecursionError, MemoryError):
            raise text.place.wrong("this is nested too deeply for Python") from None
        return cls(text, tree, dict(_bindings(tree.body)))

    def defines(self, name: str) -> bool:
        """Tell whether the module has, or may have, something of that name."""
        statement = self.bound.get(name)
        return "*" in self.bound if statement is None else not is_none(statement)

    def wrong_at(
        self, node: ast.stmt | ast.expr, sentence: str, *, hint: str
    ) -> InvalidMigrationError:
        """Return the error for something wrong at that statement or expression."""
        line = self.text.script.split("\n")[node.lineno - 1]
        column = len(line.encode()[: node.col_offset].decode()) + 1  # ast counts bytes
        return self.text.place.wrong(sentence, hint=hint, line=node.lineno, column=column)


def _tree(text: Text) -> ast.Module:
    """Parse, again if need be.

    Up to 3.11.7 and 3.12.1 all threads share a counter of the parser (python/cpython#106905), and
    one that is switched to in the middle makes it wrong: of a hundred runners in one process, one
    would fail because of another.
    """
    for _ in range(_TRIES - 1):
        with suppress(SystemError):
            return ast.parse(text.script, filename=text.place.path)
    return ast.parse(text.script, filename=text.place.path)


def value_of(statement: ast.stmt) -> ast.expr | None:
    """Return what ``name = value`` assigns; ``None`` for any other statement."""
    match statement:
        case ast.Assign(targets=[ast.Name()], value=value):
            return value
        case ast.AnnAssign(value=value):
            return value
        case _:
            return None


def is_none(statement: ast.stmt) -> bool:
    """Tell whether the statement assigns ``None``, as in ``down = None``."""
    value = value_of(statement)
    return isinstance(value, ast.Constant) and value.value is None


def is_generator(function: ast.AsyncFunctionDef) -> bool:
    """Tell whether the function itself yields, and not only a function inside it."""
    inside: list[ast.AST] = list(function.body)
    while inside:
        node = inside.pop()
        if isinstance(node, ast.Yield):
            return True
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            inside.extend(ast.iter_child_nodes(node))
    return False


def takes_one_argument(parameters: ast.arguments) -> bool:
    """Tell whether the function can be called with one positional argument."""
    positional = len(parameters.posonlyargs) + len(parameters.args)
    required = positional - len(parameters.defaults)
    takes_it = positional > 0 or parameters.vararg is not None
    return takes_it and required <= 1 and None not in parameters.kw_defaults


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that statements bind, with the statement, in their order."""
    for statement in body:
        yield from ((name, statement) for name in _names(statement))
        yield from _bindings(_inner(statement))


def _names(statement: ast.stmt) -> list[str]:
    """Return the names that one statement binds itself."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case ast.Assign(targets=targets):
            return [name.id for target in targets for name in _assigned(target)]
        case ast.AnnAssign(value=None):
            return []
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return [name.id for name in _assigned(target)]
        case _:
            return []


def _assigned(target: ast.expr) -> Iterator[ast.Name]:
    """Yield the names in the target of an assignment."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node


def _inner(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements inside an ``if``, ``try`` or the like: they bind names of the module."""
    if isinstance(statement, Function | ast.ClassDef):
        return
    for node in ast.iter_child_nodes(statement):
        if isinstance(node, ast.stmt):
            yield node
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from node.body
