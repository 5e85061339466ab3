"""Run the code of a Python migration: only the source that was read, only when its turn comes."""

from __future__ import annotations

import inspect
import itertools
import sys
import traceback
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from asyncmig.errors import InvalidMigrationError, MigrationFailedError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from asyncmig.engines.settings import Setup
    from asyncmig.migration import PythonScript
    from asyncmig.plan import Step

_numbers = itertools.count(1)


@contextmanager
def loaded(script: PythonScript) -> Generator[ModuleType]:
    """Make a module of the source that was read, for as long as the block runs.

    It is executed by :func:`function_of`. It stands in ``sys.modules`` under a name of its own
    meanwhile, because dataclasses and pickling look there, and leaves no trace afterwards.
    """
    module = ModuleType(f"asyncmig_migration_{next(_numbers)}")
    module.__file__ = script.path
    sys.modules[module.__name__] = module
    try:
        yield module
    finally:
        sys.modules.pop(module.__name__, None)


def function_of(module: ModuleType, script: PythonScript) -> Callable[[Any], Awaitable[object]]:
    """Execute the module and return its coroutine function.

    Importing may block: call it off the event loop.

    Raises:
        InvalidMigrationError: There is no such function, it is not ``async``, or it is not called
            as the text of the file says.
    """
    code = compile(script.source, script.path, "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - the migration is the user's own code
    function = getattr(module, script.function, None)
    if not inspect.iscoroutinefunction(function):
        name = script.function
        what = f"there is no `{name}`" if function is None else f"`{name}` is not async"
        message = f"{script.path}: {what} once the file has run"
        hint = f"write `async def {name}(connection):`, and let decorators keep it async"
        raise InvalidMigrationError(message, hint=hint, file=script.path)
    _refuse_misread(function, script)
    return function


def _refuse_misread(function: object, script: PythonScript) -> None:
    """Refuse a function that runs in batches where its text does not say so, or the reverse."""
    from asyncmig.batching import batching_of  # of no use to a run of SQL

    if batching_of(function) == script.batching:
        return
    name = script.function
    raise InvalidMigrationError(
        f"{script.path}: how `{name}` runs in batches cannot be seen in the text of the file",
        hint=f"write `@asyncmig.batches(size=1000)`, with plain numbers, above `async def {name}`",
        file=script.path,
    )


async def run_setup(setup: Setup | None, connection: object) -> None:
    """Call the application's hook with the driver's connection, if there is one.

    Raises:
        SettingsError: It raised; that is the cause.
    """
    if setup is None:
        return
    try:
        work: object = setup(connection)
        if inspect.isawaitable(work):
            await work
            return
    except Exception as error:
        message = f"the setup hook failed: {type(error).__name__}: {error}"
        raise SettingsError(message, hint="it runs in front of each migration") from error
    message = "the setup hook is not async"
    raise SettingsError(message, hint="write it as `async def …(connection):`")


def python_failed(step: Step, script: PythonScript, error: BaseException) -> MigrationFailedError:
    """Return the error for a Python migration that raised, pointing at its own last line."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == script.path), None)
    place = script.path if line is None else f"{script.path}:{line}"
    return MigrationFailedError(
        f"migration {step.key} failed at {place}: {type(error).__name__}: {error}",
        version=step.key,
        direction=step.direction,
        file=script.path,
        line=line,
        sqlstate=getattr(error, "sqlstate", None),
    )
