"""The project's own code: importable while a command runs, and the setup function in it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from asyncmig.engines.settings import Setup


@contextmanager
def importable(root: Path) -> Generator[None]:
    """Put the project on ``sys.path`` while a command runs, and take it off again."""
    entry = str(root)
    if entry in sys.path:
        yield
        return
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def load_setup(reference: str) -> Setup:
    """Import the function that ``--setup module:function`` names.

    Raises:
        SettingsError: It cannot be imported, or is no function.
    """
    module_name, colon, name = reference.partition(":")
    if not (module_name and colon and name):
        raise SettingsError(
            f"the setup {reference!r} names no function", hint="write it as module:function"
        )
    try:
        module: Any = import_module(module_name)
    except Exception as error:
        raise SettingsError(
            f"the setup {reference!r} cannot be imported: {type(error).__name__}: {error}",
            hint=f"it is looked for from {sys.path[0] or '.'} on"
            if isinstance(error, ModuleNotFoundError)
            else f"the code of {module_name} raised that: try `python -c 'import {module_name}'`",
        ) from error
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        what = "is not a function" if found is not None else "does not exist"
        raise SettingsError(
            f"the setup {reference!r}: {name} {what}",
            hint=f"it was looked for in {getattr(module, '__file__', None) or module_name}",
        )
    return cast("Setup", found)
