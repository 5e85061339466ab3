"""Every snippet of every page works, in its order, in a scratch folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.markdown import PAGES, PROJECT, fences
from tests.docs.workshop import DATABASE, workshop

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet  # pytest does not export it


def _marked(page: str) -> ParameterSet:
    """Return a page as a parameter, marked if its snippets want a database."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    return pytest.param(page, marks=[pytest.mark.postgres] if DATABASE in text else [])


@pytest.mark.parametrize("page", [_marked(page) for page in PAGES])
def test_every_snippet_of_the_page_works(
    page: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What a reader copies does what the page says."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    database = request.getfixturevalue("postgres_url") if DATABASE in text else ""

    with workshop(page, tmp_path, database) as scratch:
        for fence in fences(text):
            try:
                scratch.execute(fence)
            except AssertionError as error:
                error.add_note(f"in {page}, line {fence.line}")
                raise
