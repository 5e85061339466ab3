"""The SQL of a run: cut once, off the event loop, before any of it runs."""

from __future__ import annotations

import pytest

from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.history import History
from asyncmig.migration import Migration, SqlScript
from asyncmig.plan import Step, make_plan
from asyncmig.request import Policy
from asyncmig.scripts import Scripts
from asyncmig.sql import Dialect
from tests.fake_engine import FakeDatabase, run_on
from tests.values import in_python, up, versioned


def steps_of(*migrations: Migration) -> tuple[Step, ...]:
    """Return the steps that apply them to an empty database."""
    return make_plan(migrations, History(), up(), Policy()).steps


async def test_a_script_is_kept_as_it_was_cut_until_it_is_taken() -> None:
    """Cutting takes longer than anything else that is done with a small one."""
    (step,) = steps_of(versioned(1, text="SELECT 1; SELECT 2"))
    assert isinstance(step.script, SqlScript)
    scripts = Scripts(Dialect.SQLITE)
    await scripts.look_through([step])
    expected = prepare(step.script, Dialect.SQLITE, step.key)
    assert [expected, None] == [scripts.take(step), scripts.take(step)]


async def test_what_was_seen_is_not_seen_again() -> None:
    """A plan that is made again, because the history moved, has mostly the same scripts."""
    (step,) = steps_of(versioned(1, text="SELECT 1"))
    scripts = Scripts(Dialect.SQLITE)
    await scripts.look_through([step])
    scripts.take(step)
    await scripts.look_through([step])
    assert scripts.take(step) is None


async def test_a_large_script_is_not_kept() -> None:
    """Its statements take as much memory as the script: it is cut again when it runs."""
    (step,) = steps_of(versioned(1, text="SELECT 1;\n" * 2000))
    scripts = Scripts(Dialect.SQLITE)
    await scripts.look_through([step])
    assert scripts.take(step) is None


async def test_many_scripts_are_kept_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that was taken makes room for one of a plan that is made again."""
    monkeypatch.setattr("asyncmig.scripts._ROOM", len("SELECT 1"))
    one, two = steps_of(versioned(1, text="SELECT 1"), versioned(2, text="SELECT 2"))
    (three,) = steps_of(versioned(3, text="SELECT 3"))
    scripts = Scripts(Dialect.SQLITE)
    await scripts.look_through([one, two])
    kept = [scripts.take(step) is not None for step in (one, two)]
    await scripts.look_through([three])
    assert [True, False, True] == [*kept, scripts.take(three) is not None]


async def test_python_is_nothing_to_cut() -> None:
    """It is imported when it runs."""
    (step,) = steps_of(in_python(1))
    scripts = Scripts(Dialect.SQLITE)
    await scripts.look_through([step])
    assert scripts.take(step) is None


async def test_what_cannot_run_safely_is_refused() -> None:
    """With its place, and before anything of the plan has run."""
    steps = steps_of(versioned(1, text="SELECT 1"), versioned(2, text="SELECT 'open"))
    with pytest.raises(InvalidMigrationError, match=r"2_v2\.sql:1:8: "):
        await Scripts(Dialect.SQLITE).look_through(steps)


async def test_a_run_hands_each_script_on_as_it_was_cut() -> None:
    """So that no engine has to cut it a second time."""
    files = [versioned(1, text="SELECT 1"), in_python(2), versioned(3, text="SELECT 3;\n" * 2000)]
    database = FakeDatabase()
    await run_on(database, files).execute(up())
    assert isinstance(files[0].up, SqlScript)
    assert [prepare(files[0].up, Dialect.SQLITE, "1"), None, None] == database.prepared
