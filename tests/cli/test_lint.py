"""`asyncmig lint`: what is looked at, what is said, and what the exit code is."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from asyncmig.lint import squawk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

REBUILD = "CREATE TABLE u (id INTEGER);\nINSERT INTO u SELECT * FROM users;\n"
WARNED = """\
migrations/003_copy.sql:2:1: warning: copy-by-position: the columns of u are filled by their \
place, whatever they are called
  hint: write the names, in the INSERT and in the SELECT
"""


def git(folder: Path, *words: str) -> None:
    """Run git, as somebody with a name."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)  # noqa: S607


def settings(cli: CommandLine, lint: str, *, database: str = "sqlite:///app.db") -> None:
    """Write the project's file."""
    text = f'[tool.asyncmig]\ndatabase = "{database}"\n[tool.asyncmig.lint]\n{lint}\n'
    (cli.root / "pyproject.toml").write_text(text)


def test_a_clean_folder_is_said_to_be_clean(cli: CommandLine) -> None:
    """The dialect is that of the configured database, which is not asked."""
    told = cli("lint")

    assert (0, "nothing found in 3 migrations\n", "") == (told.exit_code, told.stdout, told.stderr)
    assert not (cli.root / "app.db").exists()


def test_findings_are_listed_with_place_and_advice(cli: CommandLine) -> None:
    """And the exit code is that of a check that found something."""
    cli.migrations.write("003_copy.sql", REBUILD)

    told = cli("lint")

    expected = f"{WARNED}1 warning in 4 migrations\n"
    assert (3, expected, "") == (told.exit_code, told.stdout, told.stderr)


def test_quiet_leaves_the_summary_out(cli: CommandLine) -> None:
    """Nothing at all is printed where nothing is found."""
    assert "" == cli("lint", "--quiet").stdout
    cli.migrations.write("003_copy.sql", REBUILD)

    assert cli("lint", "-q").stdout == WARNED


def test_the_document_has_the_findings(cli: CommandLine) -> None:
    """The whole of each, and nothing of a database."""
    cli.migrations.write("003_copy.sql", REBUILD)

    document = cli.document("lint")

    assert {
        "format": 1,
        "command": "lint",
        "database": None,
        "current": None,
        "pending": None,
        "migrations": [],
        "lock_wait_ms": 0,
        "error": None,
        "findings": [
            {
                "rule": "copy-by-position",
                "severity": "warning",
                "message": "the columns of u are filled by their place, whatever they are called",
                "hint": "write the names, in the INSERT and in the SELECT",
                "version": "003",
                "file": "migrations/003_copy.sql",
                "line": 2,
                "column": 1,
            }
        ],
        "notes": [],
    } == document


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("BEGIN;\nSELECT 1;\nCOMMIT;\n", [3, 0, 0, 0]),
        (REBUILD, [3, 3, 0, 0]),
        ("VACUUM;\n", [3, 3, 3, 0]),
    ],
    ids=["notice", "warning", "error"],
)
def test_what_fails_is_a_matter_of_severity(cli: CommandLine, text: str, codes: list[int]) -> None:
    """From notice to never; warning by default."""
    cli.migrations.write("003_x.sql", text)

    found = [
        cli("lint", "--fail-on", word).exit_code for word in ("notice", "warning", "error", "never")
    ]

    assert (codes, codes[1]) == (found, cli("lint").exit_code)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["003"], 3),
        (["migrations/003_copy.sql"], 3),
        (["2", "R__totals"], 0),
        (["--disable", "copy-by-position"], 0),
        (["2", "--enable", "irreversible", "--fail-on", "notice"], 0),
        (["3", "--disable", "copy-by-position", "--enable", "irreversible"], 0),
        (["--enable", "irreversible", "--fail-on", "notice", "3"], 3),
    ],
)
def test_migrations_and_rules_are_chosen(cli: CommandLine, words: list[str], codes: int) -> None:
    """By version or file, and by name."""
    cli.migrations.write("003_copy.sql", REBUILD)

    assert codes == cli("lint", *words).exit_code


def test_the_project_says_what_to_look_for(cli: CommandLine) -> None:
    """Options are laid on top: a rule that is enabled by one is not disabled by the file."""
    cli.migrations.write("003_copy.sql", REBUILD)
    settings(cli, 'disable = ["copy-by-position"]\nenable = ["irreversible"]\nfail-on = "notice"')

    found = cli.document("lint", "--enable", "copy-by-position")["findings"]

    assert ["irreversible", "copy-by-position"] == [one["rule"] for one in found]
    assert ["irreversible"] == [one["rule"] for one in cli.document("lint")["findings"]]
    assert (3, 0) == (cli("lint").exit_code, cli("lint", "--disable", "irreversible").exit_code)


@pytest.mark.parametrize(
    ("lint", "message"),
    [
        ('disabled = ["empty"]', "has no key 'disabled'"),
        ('disable = "empty"', "disable in [tool.asyncmig.lint] is a list of rules, not 'empty'"),
        ("disable = [7]", "disable in [tool.asyncmig.lint] is a list of rules, not [7]"),
        ('disable = ["emty"]', "there is no rule 'emty'"),
        ('fail-on = "warn"', "'warn' is not one of notice, warning, error, never"),
        ('squawk = "no"', "squawk in [tool.asyncmig.lint] is true or false, not 'no'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_sentence(
    cli: CommandLine, lint: str, message: str
) -> None:
    """Not heard, it would be a check that is not done."""
    settings(cli, lint)

    told = cli("lint")

    assert (2, True) == (told.exit_code, message in told.stderr)


def test_a_section_that_is_none_is_a_sentence(cli: CommandLine) -> None:
    """It was meant to say something."""
    (cli.root / "pyproject.toml").write_text(
        '[tool.asyncmig]\ndatabase = "sqlite:///app.db"\nlint = true\n'
    )

    told = cli("lint")

    assert (2, True) == (told.exit_code, "lint in [tool.asyncmig]" in told.stderr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fail-on", "none"], "--fail-on: 'none' is not one of notice, warning, error, never"),
        (["--output", "xml"], "--output: 'xml' is not one of text, github, gitlab, sarif"),
        (["--json", "--output", "sarif"], "--json and --output are two answers to one question"),
        (["--against", "main", "3"], "VERSION and --against both say which migrations"),
        (["9"], "there is no version 9"),
        (["--enable", "everything"], "there is no rule 'everything'"),
    ],
)
def test_words_that_make_no_sense_are_a_sentence(
    cli: CommandLine, words: list[str], message: str
) -> None:
    """With exit code 2: nothing was looked at."""
    told = cli("lint", *words)

    assert (2, True) == (told.exit_code, message in told.stderr)


def test_a_file_that_cannot_be_read_is_an_error(cli: CommandLine) -> None:
    """`check` says all that is wrong with the files; to the linter there is nothing to read."""
    cli.migrations.write("003_x.sql", "-- migrate:down\nSELECT 1;\n")

    told = cli("lint")

    assert (2, True) == (told.exit_code, "migrations/003_x.sql:1:1" in told.stderr)


def test_against_a_branch_only_what_is_new_or_changed_is_looked_at(cli: CommandLine) -> None:
    """Committed or not; what the other branch has got since then is its own affair."""
    for name in ("003_old.sql", "004_edited.sql"):
        cli.migrations.write(name, REBUILD)
    git(cli.root, "init")
    git(cli.root, "add", ".")
    git(cli.root, "commit", "-m", "first")
    git(cli.root, "checkout", "-b", "feature")
    cli.migrations.write("004_edited.sql", f"{REBUILD}SELECT 1;\n")
    git(cli.root, "commit", "-am", "edit")
    git(cli.root, "checkout", "main")
    cli.migrations.write("003_old.sql", f"{REBUILD}SELECT 2;\n")
    git(cli.root, "commit", "-am", "theirs")
    git(cli.root, "checkout", "feature")
    cli.migrations.write("005_new.sql", REBUILD)
    cli.migrations.write("notes.txt", "no migration\n")

    document = cli.document("lint", "--against", "main")

    assert ["004", "005"] == [one["version"] for one in document["findings"]]


def test_against_a_branch_without_a_common_commit_everything_that_differs_counts(
    cli: CommandLine,
) -> None:
    """A shallow clone knows no place where the branches parted."""
    git(cli.root, "init")
    git(cli.root, "commit", "--allow-empty", "-m", "first")
    git(cli.root, "checkout", "--orphan", "other")
    cli.migrations.write("003_copy.sql", REBUILD)
    git(cli.root, "add", ".")
    git(cli.root, "commit", "-m", "second")

    assert "1 warning in 4 migrations\n" in cli("lint", "--against", "main").stdout


def test_squawk_is_asked_about_postgresql(cli: CommandLine) -> None:
    """Unless an option or the project says no."""
    cli.migrations.write("003_drop.sql", "DROP INDEX i;\n")
    postgres = "postgresql://nowhere/shop"

    settings(cli, "squawk = true", database=postgres)
    with_squawk = cli("lint"), cli("lint", "--no-squawk")
    settings(cli, "squawk = false", database=postgres)

    assert [3, 0, 0] == [*(told.exit_code for told in with_squawk), cli("lint").exit_code]
    assert "squawk/require-concurrent-index-deletion" in with_squawk[0].stdout


def test_what_squawk_itself_is_told_is_heard(cli: CommandLine) -> None:
    """Its own configuration, from the working directory on, and its own comments."""
    settings(cli, "", database="postgresql://nowhere/shop")
    cli.migrations.write("003_drop.sql", "DROP INDEX i;\n")
    (cli.root / ".squawk.toml").write_text(
        'excluded_rules = ["require-concurrent-index-deletion"]\n'
    )
    by_file = cli("lint").exit_code
    (cli.root / ".squawk.toml").unlink()
    cli.migrations.write(
        "003_drop.sql", "-- squawk-ignore require-concurrent-index-deletion\nDROP INDEX i;\n"
    )

    assert (0, 0) == (by_file, cli("lint").exit_code)


def test_without_squawk_a_note_says_how_to_get_it(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the summary, in the document, and on stderr where stdout is for a machine."""
    monkeypatch.setattr(squawk, "find_squawk", lambda: None)

    told = cli("lint", "--dialect", "postgresql")
    annotated = cli("lint", "--dialect", "postgresql", "--output", "github")

    note = f"note: {squawk.MISSING}\n"
    assert (0, f"nothing found in 3 migrations\n{note}") == (told.exit_code, told.stdout)
    assert ("", note) == (annotated.stdout, annotated.stderr)
    assert [squawk.MISSING] == cli.document("lint", "--dialect", "postgresql")["notes"]


def test_check_lints_on_request(cli: CommandLine) -> None:
    """With the project's settings, and what both would say is said by the check alone."""
    cli.migrations.write("003_copy.sql", REBUILD)
    cli.migrations.write("004_vacuum.sql", "VACUUM;\n")
    settings(cli, "")

    told, document = cli("check", "--lint"), cli.document("check", "--lint")

    assert (3, True) == (
        told.exit_code,
        told.stdout.endswith(f"{WARNED}1 warning in 5 migrations\n"),
    )
    assert (["004"], ["003"]) == (
        [one["version"] for one in document["errors"]],
        [one["version"] for one in document["findings"]],
    )


def test_check_with_lint_of_a_clean_folder_is_content(cli: CommandLine) -> None:
    """Both say so."""
    told = cli("check", "--lint")

    expected = "migrations: no mistakes\nnothing found in 3 migrations\n"
    assert (0, expected) == (told.exit_code, told.stdout)


def test_check_does_not_lint_what_cannot_be_read(cli: CommandLine) -> None:
    """The mistake is said, and nothing else."""
    cli.migrations.write("003_x.sql", "-- migrate:down\nSELECT 1;\n")

    told, document = cli("check", "--lint"), cli.document("check", "--lint")

    assert (3, False, 1) == (told.exit_code, "findings" in document, len(document["errors"]))


def test_an_allowance_in_the_file_is_heard(cli: CommandLine) -> None:
    """And a leftover of one is found."""
    cli.migrations.write(
        "003_copy.sql", REBUILD.replace("INSERT", "-- asyncmig:allow copy-by-position\nINSERT")
    )

    assert 0 == cli("lint").exit_code
    assert json.loads(cli("lint", "--json").stdout)["findings"] == []
