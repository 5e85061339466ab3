"""What can be typed, and what is said to what cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.cli.arguments import build_parser, find_command
from asyncmig.cli.commands import ALIASES, ENTRIES, HABITS, load_command
from asyncmig.cli.errors import UsageError
from asyncmig.cli.secrets import redacted

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NAMES = [entry.name for entry in ENTRIES]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_the_list_has_a_parser(name: str) -> None:
    """The list and the modules belong together."""
    usage = build_parser(name, load_command(name)).format_usage()

    assert f"asyncmig {name}" in usage


def test_the_alias_stamp_is_the_command_baseline() -> None:
    """Who comes from Alembic types `stamp`."""
    assert "baseline" == find_command("stamp")


def test_habits_lead_to_commands_that_exist() -> None:
    """A hint that names no command would be worse than none."""
    assert set() == {*HABITS.values(), *ALIASES.values()} - set(NAMES)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("upgrade", "up"),
        ("migrate", "up"),
        ("MIGRATE", "up"),
        ("rollback", "down"),
        ("downgrade", "down"),
        ("current", "status"),
        ("revision", "new"),
        ("makemigrations", "new"),
        ("stats", "status"),
        ("basline", "baseline"),
        ("stmap", "stamp"),
    ],
)
def test_an_unknown_command_is_answered_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    """Habits from other tools have answers of their own, misspellings the nearest name."""
    with pytest.raises(UsageError) as caught:
        find_command(typed)

    expected = (f"there is no command {typed!r}", f"did you mean `asyncmig {meant}`?")
    assert expected == (caught.value.message, caught.value.hint)


def test_a_command_that_is_like_none_is_answered_with_the_list() -> None:
    """A far-fetched guess would mislead."""
    with pytest.raises(UsageError) as caught:
        find_command("xyzzy")

    assert "`asyncmig --help` lists them" == caught.value.hint


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["up", "--databse", "sqlite:///a.db"],
            "`asyncmig up` has no option --databse",
            "did you mean --database?",
        ),
        (
            ["up", "--databse=sqlite:///a.db"],
            "`asyncmig up` has no option --databse",
            "did you mean --database?",
        ),
        (
            ["status", "--xyzzy"],
            "`asyncmig status` has no option --xyzzy",
            "`asyncmig status --help` lists them",
        ),
        (
            ["--database", "sqlite:///a.db", "up"],
            "the command comes first: asyncmig COMMAND --database …",
            "`asyncmig --help` lists the commands",
        ),
        (
            ["up", "head"],
            "`asyncmig up` does not take 'head'",
            "`asyncmig up --help` shows what it takes",
        ),
        (
            ["up", "postgresql://app:secret@db/shop"],
            "`asyncmig up` does not take 'postgresql://app:***@db/shop'",
            "a database is named with --database",
        ),
        (["new"], "`asyncmig new` needs NAME", "`asyncmig new --help` explains it"),
        (
            ["baseline"],
            "`asyncmig baseline` needs VERSION",
            "`asyncmig baseline --help` explains it",
        ),
        (["up", "--to"], "--to: a value is missing", "`asyncmig up --help` explains it"),
        (
            ["up", "--steps", "some"],
            "--steps: 'some' is not a whole number of at least 1",
            "`asyncmig up --help` explains it",
        ),
        (
            ["down", "--steps", "0"],
            "--steps: '0' is not a whole number of at least 1",
            "`asyncmig down --help` explains it",
        ),
        (
            ["up", "--to", "1", "--steps", "1"],
            "--steps: not allowed with argument --to",
            "`asyncmig up --help` explains it",
        ),
    ],
)
def test_what_cannot_be_understood_gets_one_sentence_and_a_remedy(
    bare: CommandLine, words: list[str], message: str, hint: str
) -> None:
    """Wrong usage exits with 2, and says the same to people and to programs."""
    told = bare(*words)
    document = bare.document(*words)

    assert (2, "", f"error: {message}\nhint: {hint}\n") == (
        told.exit_code,
        told.stdout,
        told.stderr,
    )
    assert ("UsageError", message, hint) == tuple(
        document["error"][key] for key in ("type", "message", "hint")
    )


def test_no_words_at_all_are_answered_with_the_help_and_2(bare: CommandLine) -> None:
    """A script that forgot its command must not go on."""
    told = bare()

    assert (2, "", True) == (told.exit_code, told.stdout, "usage: asyncmig COMMAND" in told.stderr)


def test_an_option_is_not_understood_by_its_beginning(bare: CommandLine) -> None:
    """What an abbreviation means would change with every new option."""
    assert 2 == bare("up", "--data", "sqlite:///a.db").exit_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://app:secret@db/shop", "postgresql://app:***@db/shop"),
        ("at postgresql://app:se/c@ret@db/shop there", "at postgresql://app:***@db/shop there"),
        (
            "postgresql://db/shop?password=secret&sslmode=off",
            "postgresql://db/shop?password=***&sslmode=off",
        ),
        ("postgresql://app@db:5432/shop", "postgresql://app@db:5432/shop"),
        ("sqlite:////tmp/app.db", "sqlite:////tmp/app.db"),
    ],
)
def test_the_password_of_a_url_is_masked(text: str, expected: str) -> None:
    """What was typed is repeated in messages, its password is not."""
    assert expected == redacted(text)
