"""Where settings come from: flag, environment, pyproject.toml, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asyncmig.cli.given import Given, as_seconds, as_whole_number
from asyncmig.cli.pyproject import Project
from asyncmig.cli.settings import LogFormat, Settings, Sources, read_settings, require_database
from asyncmig.errors import SettingsError
from asyncmig.request import Changed, OutOfOrder
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


def settings(
    root: Path,
    *,
    flags: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
    section: dict[str, Any] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Read settings from what is given."""
    project = Project(root, root / "pyproject.toml" if section is not None else None, section)
    return read_settings(Sources(flags or {}, environ or {}, project), cwd or root)


FLAG = {"database": "sqlite:///flag.db"}
OURS = {"ASYNCMIG_DATABASE": "sqlite:///ours.db"}
THEIRS = {"DATABASE_URL": "sqlite:///theirs.db"}
SECTION = {"database": "sqlite:///section.db"}


@pytest.mark.parametrize(
    ("flags", "environ", "section", "expected"),
    [
        (FLAG, OURS | THEIRS, SECTION, ("sqlite:///flag.db", "--database")),
        ({}, OURS | THEIRS, SECTION, ("sqlite:///ours.db", "ASYNCMIG_DATABASE")),
        ({}, THEIRS, SECTION, ("sqlite:///theirs.db", "DATABASE_URL")),
        ({}, {}, {}, (None, "")),
        ({}, {}, None, (None, "")),
        ({}, {"DATABASE_URL": ""}, SECTION, ("", "DATABASE_URL")),
        ({"database": ""}, THEIRS, SECTION, ("", "--database")),
        ({}, OURS | {"DATABASE_URL": ""}, SECTION, ("sqlite:///ours.db", "ASYNCMIG_DATABASE")),
    ],
)
def test_the_database_comes_from_the_first_that_names_one(
    tmp_path: Path,
    flags: dict[str, object],
    environ: dict[str, str],
    section: dict[str, Any] | None,
    expected: tuple[str | None, str],
) -> None:
    """An empty value is an answer too: a secret that is missing must not look like success."""
    found = settings(tmp_path, flags=flags, environ=environ, section=section)

    assert expected == (found.database, found.database_from)


def test_every_setting_has_a_flag_a_variable_and_a_key(tmp_path: Path) -> None:
    """All three places speak of the same settings."""
    values = {
        "database": "sqlite:///app.db",
        "source": "package:shop.migrations",
        "format": "flyway",
        "placeholders": "owner=app, zone=",
        "table": "versions",
        "schema": "ops",
        "search-path": "shop, public",
        "connect-timeout": "5",
        "wait-timeout": "2m",
        "lock-timeout": "500ms",
        "statement-timeout": "1m",
        "retries": "3",
        "budget": "2h",
        "busy-timeout": "1.5s",
        "out-of-order": "apply",
        "changed": "warn",
        "single-transaction": "true",
        "lock-report": "true",
        "fail-on": "scan,rewrite",
        "fail-over": "10MB",
        "setup": "shop.db:setup",
        "direct-url": "postgresql://db/shop",
        "dialect": "sqlite",
        "log-format": "json",
    }
    environ = {f"ASYNCMIG_{key.upper().replace('-', '_')}": v for key, v in values.items()}

    found = [
        settings(tmp_path, flags=dict(values)),
        settings(tmp_path, environ=environ),
        settings(tmp_path, section=dict(values)),
    ]

    for each in found:
        expected = Settings(
            project=each.project,
            database="sqlite:///app.db",
            database_from=each.database_from,
            source="package:shop.migrations",
            reading=Reading("flyway", {"owner": "app", "zone": ""}),
            table="versions",
            schema="ops",
            search_path="shop, public",
            connect_timeout=5.0,
            wait_timeout=120.0,
            lock_timeout=0.5,
            statement_timeout=60.0,
            retries=3,
            budget=7200.0,
            busy_timeout=1.5,
            out_of_order=OutOfOrder.APPLY,
            changed=Changed.WARN,
            single_transaction=True,
            lock_report=True,
            fail_on=("rewrite", "scan"),
            fail_over=10 * 1024**2,
            setup="shop.db:setup",
            direct_url="postgresql://db/shop",
            dialect=Dialect.SQLITE,
            log_format=LogFormat.JSON,
            log_format_from=each.log_format_from,
        )
        assert expected == each


def test_a_flag_wins_over_the_environment_and_that_over_the_section(tmp_path: Path) -> None:
    """The order is the same for every setting; an empty variable is none."""
    section = {"table": "section", "schema": "section", "lock-timeout": 3, "changed": "warn"}
    environ = {"ASYNCMIG_TABLE": "environ", "ASYNCMIG_SCHEMA": "environ", "ASYNCMIG_CHANGED": ""}

    found = settings(tmp_path, flags={"table": "flag"}, environ=environ, section=section)

    expected = ("flag", "environ", 3.0, Changed.WARN)
    assert expected == (found.table, found.schema, found.lock_timeout, found.changed)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        ("30", 30.0),
        ("30s", 30.0),
        ("500ms", 0.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        (" 1.5 s ", 1.5),
    ],
)
def test_a_duration_is_a_number_with_or_without_a_unit(written: object, seconds: float) -> None:
    """Seconds without a unit; no unit is guessed."""
    assert seconds == as_seconds(Given(written, "--wait-timeout"))


@pytest.mark.parametrize("written", ["", "soon", "-1", "5 min", "inf", "1e3", True, -1, [], "٣"])
def test_what_is_no_duration_is_refused_with_its_origin(written: object) -> None:
    """The message says where the value stands."""
    with pytest.raises(SettingsError) as caught:
        as_seconds(Given(written, "ASYNCMIG_WAIT_TIMEOUT"))

    expected = f"ASYNCMIG_WAIT_TIMEOUT: {str(written)!r} is not a duration (30, 30s, 500ms, 2m)"
    assert expected == caught.value.message


@pytest.mark.parametrize("written", [20, "20"])
def test_a_number_is_written_with_or_without_quotes(written: object) -> None:
    """As TOML and the environment have it."""
    assert 20 == as_whole_number(Given(written, "--retries"))


@pytest.mark.parametrize("written", ["", "many", "-1", "1.5", "٣", True, -1, 1.0, []])
def test_what_is_no_number_is_refused_with_its_origin(written: object) -> None:
    """The message says where the value stands."""
    with pytest.raises(SettingsError) as caught:
        as_whole_number(Given(written, "ASYNCMIG_RETRIES"))

    expected = f"ASYNCMIG_RETRIES: {str(written)!r} is not a whole number of at least 0"
    assert expected == caught.value.message


@pytest.mark.parametrize("word", ["none", "forever"])
def test_a_wait_can_be_without_limit(tmp_path: Path, word: str) -> None:
    """Both words mean no limit."""
    keys = ("wait-timeout", "lock-timeout", "statement-timeout", "budget")
    found = settings(tmp_path, flags=dict.fromkeys(keys, word))

    limits = (found.wait_timeout, found.lock_timeout, found.statement_timeout, found.budget)
    assert (None, None, None, None) == limits


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("rewrite", ("rewrite",)),
        (" scan, rewrite", ("rewrite", "scan")),
        (["scan", "blocks-writes"], ("blocks_writes", "scan")),
        ("nothing", ()),
        ([], ()),
    ],
)
def test_hazards_are_words_or_a_list(
    tmp_path: Path, written: object, expected: tuple[str, ...]
) -> None:
    """A word takes back what the project refuses."""
    assert expected == settings(tmp_path, flags={"fail-on": written}).fail_on


@pytest.mark.parametrize(
    ("written", "expected"),
    [(True, True), ("on", True), ("1", True), (False, False), ("No", False), ("off", False)],
)
def test_a_switch_is_on_or_off(tmp_path: Path, written: object, *, expected: bool) -> None:
    """As TOML, the environment and people have it."""
    assert expected is settings(tmp_path, section={"lock-report": written}).lock_report


def test_a_size_is_a_number_too(tmp_path: Path) -> None:
    """Of bytes, in TOML."""
    assert 4096 == settings(tmp_path, section={"fail-over": 4096}).fail_over


def test_placeholders_are_a_table_too(tmp_path: Path) -> None:
    """In TOML, where a value may hold a comma."""
    found = settings(tmp_path, section={"placeholders": {"zones": "a,b", "copies": 2}})

    assert {"zones": "a,b", "copies": "2"} == found.reading.placeholders


PLACEHOLDERS = "--placeholders: 'a' is not NAME=VALUE, with commas between several"
FAIL_OVER = "fail-over in [tool.asyncmig] of {file}: '-1' is not a size (4096, 512kB, 10MB)"


@pytest.mark.parametrize(
    ("flags", "section", "message"),
    [
        ({"lock-timeout": "0"}, None, "--lock-timeout 0 would mean no limit to PostgreSQL"),
        ({"budget": "0ms"}, None, "--budget 0 would mean no limit to PostgreSQL"),
        ({"connect-timeout": "0"}, None, "--connect-timeout: '0' is not a duration of more than 0"),
        (
            {"out-of-order": "ignore"},
            None,
            "--out-of-order: 'ignore' is not one of error, apply, warn",
        ),
        ({"source": " "}, None, "--source is empty"),
        (
            {"fail-on": "rewrite,locks"},
            None,
            (
                "--fail-on: 'rewrite,locks' is not one or several of rewrite, scan, blocks_writes, "
                "blocks_reads, or nothing"
            ),
        ),
        ({}, {"fail-on": 3}, "fail-on in [tool.asyncmig] of {file}: '3' is not a list of words"),
        (
            {"placeholders": "a"},
            None,
            "--placeholders: 'a' is not NAME=VALUE, with commas between several",
        ),
        ({"fail-over": "big"}, None, "--fail-over: 'big' is not a size (4096, 512kB, 10MB)"),
        ({}, {"fail-over": -1}, FAIL_OVER),
        ({}, {"fail-over": True}, FAIL_OVER.replace("-1", "True")),
        ({"lock-report": "maybe"}, None, "--lock-report: 'maybe' is not true or false"),
        ({}, {"table": 3}, "table in [tool.asyncmig] of {file}: '3' is not a string"),
        ({}, {"database": 3}, "database in [tool.asyncmig] of {file}: '3' is not a database URL"),
        ({}, {"databse": "x"}, "[tool.asyncmig] in {file} has no key 'databse'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_where_it_stands(
    tmp_path: Path, flags: dict[str, object], section: dict[str, Any] | None, message: str
) -> None:
    """One sentence, with the flag or the key and its file."""
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, flags=flags, section=section)

    assert message.format(file=tmp_path / "pyproject.toml") == caught.value.message


def test_an_unknown_key_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    """A misspelled key would be a setting that is not heard."""
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, section={"lock-timout": "2s"})

    assert "did you mean 'lock-timeout'?" == caught.value.hint


def test_paths_of_the_section_are_relative_to_its_file(tmp_path: Path) -> None:
    """In a folder below, the same files and the same database are meant."""
    below = tmp_path / "src" / "shop"
    section = {"database": "sqlite:///data/app.db?busy_timeout=1", "source": "db/migrations"}

    found = settings(tmp_path, section=section, cwd=below)

    expected = (f"sqlite:///{tmp_path}/data/app.db?busy_timeout=1", "../../db/migrations")
    assert expected == (found.database, found.source)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////abs/app.db",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory",
        "postgresql:///shop",
    ],
)
def test_other_databases_of_the_section_stay_as_they_are(tmp_path: Path, url: str) -> None:
    """Only the path of a relative file depends on where the section stands."""
    found = settings(tmp_path, section={"database": url}, cwd=tmp_path / "below")

    assert url == found.database


def test_paths_of_flags_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    """As in every other program."""
    flags = {"database": "sqlite:///app.db", "source": "sql"}

    found = settings(tmp_path, flags=dict(flags), section={}, cwd=tmp_path / "below")

    assert ("sqlite:///app.db", "sql") == (found.database, found.source)


def test_the_default_source_is_beside_the_section(tmp_path: Path) -> None:
    """Without a section it is in the working directory."""
    below = tmp_path / "below"
    sections: list[dict[str, Any] | None] = [{}, None]
    found = [settings(tmp_path, section=section, cwd=below) for section in sections]

    assert ["../migrations", "migrations"] == [each.source for each in found]


@pytest.mark.parametrize(
    ("environ", "message", "hint"),
    [
        ({}, "no database is named", "give --database URL"),
        (
            {"ASYNCMIG_DATABSE": "x"},
            "no database is named",
            "ASYNCMIG_DATABSE is set, but the name is ASYNCMIG_DATABASE; give",
        ),
        (
            {"DATABASE_URL": ""},
            "DATABASE_URL is empty, so there is no database",
            "a secret that did not arrive?",
        ),
    ],
)
def test_without_a_database_nothing_begins(
    tmp_path: Path, environ: dict[str, str], message: str, hint: str
) -> None:
    """There is no built-in database."""
    with pytest.raises(SettingsError) as caught:
        require_database(settings(tmp_path, environ=environ), environ)

    assert (message, True) == (caught.value.message, caught.value.hint.startswith(hint))


def test_secrets_are_not_in_the_repr_of_settings(tmp_path: Path) -> None:
    """A traceback or a debugger shows settings."""
    url = "postgresql://app:hunter2@db/shop"

    shown = repr(settings(tmp_path, flags={"database": url, "direct-url": url}))

    assert "hunter2" not in shown


def test_only_the_nearest_pyproject_counts(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project without a section does not get the database of the one around it."""
    inner = cli.root / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'inner'\n")
    monkeypatch.chdir(inner)

    assert (2, "no database is named") == (
        cli("status").exit_code,
        cli.document("status")["error"]["message"],
    )


def test_a_pyproject_without_a_word_about_us_is_not_parsed(bare: CommandLine) -> None:
    """What is wrong with it is not ours to judge, and a parser takes time to import."""
    (bare.root / "pyproject.toml").write_text("[tool.other\n")

    error = bare.document("status")["error"]

    assert "no database is named" == error["message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[tool.asyncmig\n", "cannot be read"),
        ("[tool]\nasyncmig = 3\n", "is not a section"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_broken_pyproject_is_an_error_that_names_it(
    bare: CommandLine, content: str | bytes, message: str
) -> None:
    """Going on without it could mean another database."""
    file = bare.root / "pyproject.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    error = bare.document("status")["error"]

    assert ("SettingsError", str(file), True) == (
        error["type"],
        error["file"],
        message in error["message"],
    )
