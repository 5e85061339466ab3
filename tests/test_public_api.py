"""What can be imported, what importing costs, and that all of it is documented."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import asyncmig

if TYPE_CHECKING:
    from types import ModuleType

HEAVY = ["aiosqlite", "anyio", "argparse", "asyncio", "asyncpg", "sqlite3", "structlog"]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(asyncmig.__path__, "asyncmig.")
    if module.name != "asyncmig.__main__"
)


def loaded_after(code: str) -> list[str]:
    """Return which heavy modules are loaded after that code, in an interpreter of its own."""
    program = f"{code}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    # A measurement of coverage would load sqlite3 itself.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=30,
        env=environment,
    )
    return [name for name in HEAVY if repr(name) in done.stdout]


def test_the_public_names_are_sorted() -> None:
    """One list, in the order of the interpreter's own sort; no name twice."""
    assert sorted(set(asyncmig.__all__)) == asyncmig.__all__


def test_every_public_name_can_be_imported() -> None:
    """And nothing else that looks public: dir() shows them all, loaded or not."""
    found = {name: getattr(asyncmig, name) for name in asyncmig.__all__}
    assert None not in found.values()
    modules = {name.split(".")[1] for name in MODULES}
    listed = [n for n in dir(asyncmig) if not n.startswith("_") and n not in modules]
    names = [n for n in asyncmig.__all__ if not n.startswith("_") and n not in modules]
    assert names == [n for n in listed if n not in {"TYPE_CHECKING", "annotations"}]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module, so that hasattr() and mistakes work as usual."""
    with pytest.raises(AttributeError, match=r"^module 'asyncmig' has no attribute 'upgrade'$"):
        _ = asyncmig.upgrade


def test_a_star_import_brings_the_public_names() -> None:
    """No more, no less."""
    names: dict[str, object] = {}
    exec("from asyncmig import *", names)  # noqa: S102 - there is no other way to star-import here
    assert asyncmig.__all__ == sorted(names.keys() - {"__builtins__"})


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import asyncmig", []),
        ("import asyncmig; asyncmig.__version__; asyncmig.errors; asyncmig.events", []),
        ("import asyncmig; asyncmig.Version, asyncmig.HistoryEntry, asyncmig.Step", []),
    ],
)
def test_importing_costs_next_to_nothing(code: str, loaded: list[str]) -> None:
    """No driver, no event loop, no logging library before it is used."""
    assert loaded == loaded_after(code)


@pytest.mark.parametrize(
    ("url", "other"),
    [("postgresql:///x", "aiosqlite"), ("sqlite:///x.db", "asyncpg")],
)
def test_a_driver_is_loaded_for_its_own_database_only(url: str, other: str) -> None:
    """A PostgreSQL service never loads a SQLite driver, nor the other way round."""
    assert other not in loaded_after(f"import asyncmig; asyncmig.Migrator({url!r})")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    """In a sentence at its top."""
    assert inspect.getdoc(importlib.import_module(name))


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name: str) -> None:
    """Classes, functions, and their methods and properties, in every module."""
    assert [] == _undocumented(importlib.import_module(name))


def _undocumented(module: ModuleType) -> list[str]:
    own = [
        value
        for value in vars(module).values()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]
    members = [
        member
        for value in own
        if inspect.isclass(value)
        for name, member in vars(value).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ]
    return [str(value) for value in [*own, *members] if not _has_words(value)]


def _has_words(value: object) -> bool:
    """Tell whether somebody wrote a docstring: that of a dataclass may be its signature."""
    written = value.__doc__ or ""
    return bool(written) and not written.startswith(f"{getattr(value, '__name__', '')}(")
