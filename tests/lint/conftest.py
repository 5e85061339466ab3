"""A folder of migrations, linted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from asyncmig.lint.linter import lint_source
from asyncmig.lint.selection import Selection
from asyncmig.sql import Dialect
from tests.lint.examples import BASE
from tests.migration_folder import MigrationFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from asyncmig.lint.finding import Finding
    from asyncmig.lint.linter import LintReport

ALONE = Selection(squawk=False)
"""Our rules alone."""


@dataclass(frozen=True, slots=True)
class Linted:
    """A folder with two tables, to which files are added."""

    folder: MigrationFolder

    def __call__(
        self,
        files: Mapping[str, str],
        dialect: Dialect = Dialect.POSTGRESQL,
        selection: Selection = ALONE,
    ) -> LintReport:
        """Write the files, and lint them all."""
        for name, text in files.items():
            self.folder.write(name, text)
        return lint_source(self.folder.path, dialect, selection)

    def rules(
        self,
        text: str,
        dialect: Dialect = Dialect.POSTGRESQL,
        selection: Selection = ALONE,
    ) -> list[str]:
        """Return line, column and rule of what is found in a second migration."""
        return places(self({"0002_b.sql": text}, dialect, selection).findings)


def places(findings: Iterable[Finding]) -> list[str]:
    """Return line, column and rule of each finding."""
    return [f"{one.line}:{one.column} {one.rule}" for one in findings]


@pytest.fixture
def lint(tmp_path: Path) -> Linted:
    """Return a folder with a first migration."""
    folder = MigrationFolder(tmp_path / "migrations")
    folder.path.mkdir()
    folder.write("0001_a.sql", BASE)
    return Linted(folder)
