"""What this repository shows to others is what its linter is content with."""

from __future__ import annotations

import pytest

from asyncmig.lint.linter import lint_source
from asyncmig.lint.selection import Selection
from asyncmig.sql import Dialect
from tests.docs.markdown import PROJECT


@pytest.mark.parametrize(
    ("folder", "dialect"),
    [
        ("migrations", Dialect.SQLITE),
        ("examples/fastapi_pool/migrations", Dialect.POSTGRESQL),
    ],
)
def test_our_own_migrations_are_clean(folder: str, dialect: Dialect) -> None:
    """Squawk has nothing to say either."""
    assert lint_source(PROJECT / folder, dialect, Selection()).findings == ()
