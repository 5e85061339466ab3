"""New files: the version that comes next, the name, and a text to begin with."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from asyncmig.errors import SettingsError
from asyncmig.migration import PythonScript, SqlScript, Version
from asyncmig.sources.names import FileName, Language, parse_name
from asyncmig.sources.scaffold import file_name, next_version, python_template, sql_template
from asyncmig.sql import Dialect
from tests.sources.memory_folder import load_file, text_of

NOW = datetime(2026, 8, 22, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))


def versions(*texts: str) -> list[Version]:
    """Return those versions."""
    return [Version(text) for text in texts]


@pytest.mark.parametrize(
    ("existing", "sequential", "expected"),
    [
        ([], False, "20260821233005"),
        (["0001", "0002"], False, "20260821233005"),
        (["20260821233004", "3"], False, "20260821233005"),
        (["20260821233005"], False, "20260821233006"),
        (["20270101000000"], False, "20270101000001"),
        ([], True, "0001"),
        (["2", "10", "9"], True, "11"),
        (["000008", "000009"], True, "000010"),
        (["0009", "0010", "11"], True, "12"),
        (["9999"], True, "10000"),
        (["20260821233005"], True, "20260821233006"),
    ],
)
def test_the_next_version_is_above_all_others(
    existing: list[str], *, sequential: bool, expected: str
) -> None:
    """A UTC timestamp, or the newest number plus one with as many digits."""
    found = next_version(versions(*existing), sequential=sequential, now=NOW)

    assert expected == found.text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("add users", "0001_add_users.sql"),
        ("  Add   USERS-table!  ", "0001_add_users_table.sql"),
        ("größe_Ändern 表", "0001_größe_ändern_表.sql"),
        ("../../etc/passwd", "0001_etc_passwd.sql"),
        ("v1.2: users", "0001_v1_2_users.sql"),
    ],
)
def test_words_turn_into_a_file_name(words: str, expected: str) -> None:
    """Letters and digits stay, all else turns into single underscores."""
    assert expected == file_name(Version("0001"), words)


def test_the_file_name_says_the_format() -> None:
    """What is written is what will be read."""
    python = file_name(Version("7"), "Move it", written_in=Language.PYTHON)
    repeatable = file_name(None, "Totals view")

    assert ("7_move_it.py", "R__totals_view.sql") == (python, repeatable)
    assert FileName(Version("7"), "move_it", None, Language.PYTHON) == parse_name(python)
    assert FileName(None, "totals_view") == parse_name(repeatable)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "'' makes no name"),
        (" -_- ", "' -_- ' makes no name"),
        pytest.param("表" * 100, "the name is too long for a file", id="long"),
    ],
)
def test_words_that_make_no_name_are_refused(words: str, message: str) -> None:
    """The command line asks for better ones."""
    with pytest.raises(SettingsError) as caught:
        file_name(Version("1"), words)

    assert message == str(caught.value)


def test_a_repeatable_in_python_is_refused() -> None:
    """Nothing would read it."""
    with pytest.raises(SettingsError) as caught:
        file_name(None, "view", written_in=Language.PYTHON)

    assert "a repeatable migration is written in SQL" == str(caught.value)


def test_the_sql_template_can_be_read() -> None:
    """It has both markers, so that nobody needs to remember them."""
    migration = load_file("1_a.sql", sql_template())

    assert "" == text_of(migration.up).strip()
    assert isinstance(migration.down, SqlScript)


def test_the_repeatable_template_can_be_read() -> None:
    """It has no way back."""
    assert load_file("R__a.sql", sql_template(repeatable=True)).down is None


@pytest.mark.parametrize(
    ("dialect", "driver"), [(Dialect.POSTGRESQL, "asyncpg"), (Dialect.SQLITE, "aiosqlite")]
)
async def test_the_python_template_can_be_read_but_not_run(dialect: Dialect, driver: str) -> None:
    """Forgotten unwritten, it stops the run instead of counting as applied."""
    text = python_template(dialect)
    migration = load_file("1_a.py", text)

    module: dict[str, object] = {}
    exec(compile(text, "1_a.py", "exec"), module)  # noqa: S102

    assert f"import {driver}\n" in text
    assert (
        PythonScript(text, "migrations/1_a.py", "up"),
        PythonScript(text, "migrations/1_a.py", "down"),
    ) == (
        migration.up,
        migration.down,
    )
    for function in ("up", "down"):
        with pytest.raises(NotImplementedError, match="write"):
            await module[function](None)  # type: ignore[operator]
