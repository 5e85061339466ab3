"""Which rules are applied, to which migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import InvalidMigrationError, SettingsError, UnknownVersionError
from asyncmig.lint import Severity, lint_migrations
from asyncmig.lint.selection import Selection

if TYPE_CHECKING:
    from tests.lint.conftest import Linted

FILES = {
    "0002_b.sql": "UPDATE users SET name = '';\n",
    "0003_c.up.sql": "UPDATE users SET name = '';\n",
    "0003_c.down.sql": "SELECT 1;\n",
    "R__d.sql": "UPDATE users SET name = '';\n",
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("2", "0002"),
        ("0002", "0002"),
        ("0002_b.sql", "0002"),
        ("0003_c.down.sql", "0003"),
        ("R__d", "R__d"),
        ("R__d.sql", "R__d"),
    ],
)
def test_a_migration_is_named_by_version_or_file(lint: Linted, word: str, expected: str) -> None:
    """The others are read, and not reported on."""
    report = lint(FILES, selection=Selection(squawk=False, only=(word,)))

    assert (1, [expected]) == (report.migrations, [one.version for one in report.findings])


def test_no_migration_at_all_may_be_chosen(lint: Linted) -> None:
    """A branch that changes none has nothing to be told."""
    report = lint(FILES, selection=Selection(squawk=False, only=()))

    assert (0, ()) == (report.migrations, report.findings)


def test_a_migration_that_is_not_there_is_an_error(lint: Linted) -> None:
    """Linting nothing would look like success."""
    with pytest.raises(UnknownVersionError, match="there is no version 0009"):
        lint(FILES, selection=Selection(only=("0009",)))


def test_a_rule_that_is_disabled_is_silent(lint: Linted) -> None:
    """In every file."""
    without = Selection(squawk=False, disable=frozenset({"write-without-where"}))

    assert lint(FILES, selection=without).findings == ()


def test_a_rule_that_does_not_exist_is_an_error(lint: Linted) -> None:
    """A slip would leave the rule as it was, with nobody the wiser."""
    with pytest.raises(SettingsError) as caught:
        lint(FILES, selection=Selection(disable=frozenset({"emty"})))

    assert ("there is no rule 'emty'", "did you mean empty?") == (
        caught.value.message,
        caught.value.hint,
    )


def test_findings_are_counted_from_a_severity_on(lint: Linted) -> None:
    """A notice is less than a warning, which is less than an error."""
    report = lint(
        {"0002_b.sql": "BEGIN;\nDELETE FROM users;\nCOMMIT;\n", "0003_c.sql": "VACUUM;\n"}
    )

    counts = {severity.value: len(report.at_least(severity)) for severity in Severity}

    assert {"notice": 3, "warning": 2, "error": 1} == counts


async def test_the_library_lints_off_the_event_loop(lint: Linted) -> None:
    """The guards of these tests refuse a blocking call in the loop."""
    lint.folder.write("0002_b.sql", FILES["0002_b.sql"])

    report = await lint_migrations(
        lint.folder.path, dialect="postgresql", selection=Selection(squawk=False)
    )

    assert ["write-without-where"] == [one.rule for one in report.findings]


async def test_a_dialect_that_does_not_exist_is_a_value_error(lint: Linted) -> None:
    """As of any enumeration."""
    with pytest.raises(ValueError, match="oracle"):
        await lint_migrations(lint.folder.path, dialect="oracle")


async def test_a_file_that_cannot_be_read_is_an_error(lint: Linted) -> None:
    """There is nothing to lint in it."""
    lint.folder.write("0002_b.sql", "-- migrate:down\nSELECT 1;\n")

    with pytest.raises(InvalidMigrationError):
        await lint_migrations(lint.folder.path, dialect="sqlite")
