"""Setup hooks that cannot be called, or fail."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.acceptance.bad_input.case import Case, On, pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.project import Project


def module(name: str, text: str) -> Callable[[Project], None]:
    """Return what writes a module of the application, and has a migration to run."""

    def arrange(project: Project) -> None:
        (project.root / f"{name}.py").write_text(text, encoding="utf-8")
        project.opened.callback(sys.modules.pop, name, None)
        pending(project)

    return arrange


CASES = (
    Case(
        name="a setup hook in no module",
        command="up --setup nowhere:prepare",
        arrange=pending,
        exit_code=2,
        error="SettingsError",
        message=(
            "the setup 'nowhere:prepare' cannot be imported: ModuleNotFoundError: No "
            "module named 'nowhere'"
        ),
        hint="it is looked for from <root> on",
    ),
    Case(
        name="a setup hook without a function",
        on=On.SQLITE,
        command="up --setup shop",
        exit_code=2,
        error="SettingsError",
        message="the setup 'shop' names no function",
        hint="write it as module:function",
    ),
    Case(
        name="a setup hook that is not there",
        command="up --setup hook_absent:prepare",
        arrange=module("hook_absent", ""),
        exit_code=2,
        error="SettingsError",
        message="the setup 'hook_absent:prepare': prepare does not exist",
        hint="it was looked for in <root>/hook_absent.py",
    ),
    Case(
        name="a setup hook whose module raises",
        command="up --setup hook_broken:prepare",
        arrange=module("hook_broken", "1 / 0\n"),
        exit_code=2,
        error="SettingsError",
        message=(
            "the setup 'hook_broken:prepare' cannot be imported: ZeroDivisionError: "
            "division by zero"
        ),
        hint="the code of hook_broken raised that: try `python -c 'import hook_broken'`",
    ),
    Case(
        name="a setup hook that raises",
        command="up --setup hook_raises:prepare",
        arrange=module(
            "hook_raises", "async def prepare(connection):\n    raise LookupError('no such role')\n"
        ),
        exit_code=2,
        error="SettingsError",
        message="the setup hook failed: LookupError: no such role",
        hint="it runs in front of each migration",
    ),
    Case(
        name="a setup hook that is not async",
        command="up --setup hook_sync:prepare",
        arrange=module("hook_sync", "def prepare(connection):\n    pass\n"),
        exit_code=2,
        error="SettingsError",
        message="the setup hook is not async",
        hint="write it as `async def …(connection):`",
    ),
)
