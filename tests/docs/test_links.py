"""Every link from one page of the documentation to another has a page, and a heading there."""

from __future__ import annotations

import pytest

from tests.docs.markdown import PAGES, PROJECT, anchors, links

PROJECT_PAGES = (*PAGES, "CHANGELOG.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("page", PROJECT_PAGES)
def test_every_relative_link_resolves(page: str) -> None:
    """Nobody ends up nowhere."""
    origin = PROJECT / page
    broken = []
    for target in links(origin.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        found = (origin.parent / path).resolve() if path else origin
        if "://" in target:
            continue
        if not found.exists() or (
            anchor and anchor not in anchors(found.read_text(encoding="utf-8"))
        ):
            broken.append(target)

    assert [] == broken


def test_every_page_can_be_reached_from_the_index() -> None:
    """A page that nothing links to is a page that nobody reads."""
    index = PROJECT / "docs" / "index.md"
    linked = {
        str((index.parent / target.partition("#")[0]).resolve().relative_to(PROJECT))
        for target in links(index.read_text(encoding="utf-8"))
    }
    pages = {page for page in PAGES if page.startswith("docs/")} - {"docs/index.md"}

    assert set() == pages - linked
