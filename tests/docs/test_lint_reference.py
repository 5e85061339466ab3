"""The page about the linter says what each rule is, and its examples are found and not found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from asyncmig.lint.linter import lint_source
from asyncmig.lint.rules import RULES
from asyncmig.lint.selection import Selection
from asyncmig.lint.squawk_rules import DONE_BY_THE_RUNNER, HARMLESS, STYLE
from asyncmig.sql import Dialect
from tests.docs.markdown import PROJECT, fences, section, table
from tests.lint.examples import BASE
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from pathlib import Path

    from asyncmig.lint.rule import Rule

PAGE = (PROJECT / "docs" / "reference" / "lint.md").read_text(encoding="utf-8")
NAMES = {Dialect.POSTGRESQL: "PostgreSQL", Dialect.SQLITE: "SQLite"}
OTHER = {
    ("cannot-run-in-transaction", Dialect.SQLITE),
    ("not-sql", Dialect.SQLITE),
}
"""Rules whose example is for PostgreSQL alone."""
WITHOUT_EXAMPLE = {
    "builds-on-postponed",  # takes two files
    "version-gap",  # what they find is the name of a file
    "version-in-the-future",
}


def code(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def dialects_of(rule: Rule) -> list[Dialect]:
    """Return the dialects that its examples on the page are written in."""
    return [one for one in Dialect if one in rule.dialects and (rule.name, one) not in OTHER]


def test_every_rule_is_in_the_table() -> None:
    """With its severity, its dialects and its default, in the order of the code."""
    rows = table(PAGE.partition("\n## Rules\n")[2])

    described = [(code(row[0])[0], *row[1:]) for row in rows]

    assert [
        (
            rule.name,
            rule.severity.value,
            ", ".join(name for dialect, name in NAMES.items() if dialect in rule.dialects),
            "off" if rule.on_request else "on",
        )
        for rule in RULES
    ] == described


def test_every_rule_has_a_section() -> None:
    """In the order of the table."""
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)

    assert [rule.name for rule in RULES] == headings


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if rule.name not in WITHOUT_EXAMPLE],
    ids=lambda rule: rule.name,
)
def test_the_examples_of_a_rule_are_what_they_are_called(tmp_path: Path, rule: Rule) -> None:
    """The bad one is found by that rule, on each of its dialects; the good one is not."""
    blocks = [one for one in fences(section(PAGE, f"### {rule.name}")) if one.language == "sql"]
    found: list[tuple[str, str, bool]] = []
    for dialect in dialects_of(rule):
        for kind in ("bad", "good"):
            (text,) = (one for one in blocks if kind in one.words)
            folder = MigrationFolder(tmp_path / f"{dialect}-{kind}")
            folder.path.mkdir()
            folder.write("0001_base.sql", BASE)
            name = "R__b.sql" if "repeatable" in text.words else "0002_b.sql"
            folder.write(name, text.text)
            enabled = Selection(enable=frozenset({rule.name}), squawk=False)
            report = lint_source(folder.path, dialect, enabled)
            is_found = rule.name in {one.rule for one in report.findings}
            found.append((dialect.value, kind, is_found))

    expected = [
        (d.value, kind, kind == "bad") for d in dialects_of(rule) for kind in ("bad", "good")
    ]
    assert expected == found


def test_what_differs_from_squawk_is_described() -> None:
    """Which of its rules are off, off unless enabled, and notices."""
    rows = [code(row[0]) for row in table(section(PAGE, "## Squawk")) if "`" in row[0]]
    off, quiet = rows[:4], rows[4:6]

    assert DONE_BY_THE_RUNNER == {name for row in off for name in row}
    assert [STYLE, HARMLESS] == [set(row) for row in quiet]
