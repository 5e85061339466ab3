"""The failure stories name the tests that prove them, and those tests exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import PROJECT

PAGE = (PROJECT / "docs" / "explanation" / "failure-stories.md").read_text(encoding="utf-8")
STORIES = {
    int(story[1]): story[0]
    for story in re.finditer(r"^### (\d+)\. .*?(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
_DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def defined_in(folder: str) -> set[str]:
    """Return the names of the tests below a folder."""
    paths = (PROJECT / "tests" / folder).glob("**/test_*.py")
    return {name for path in paths for name in _DEFINED.findall(path.read_text(encoding="utf-8"))}


def named(text: str) -> set[str]:
    """Return the names of tests in a text."""
    return set(re.findall(r"`(test_\w+)`", text))


def test_every_story_is_told() -> None:
    """Twenty-four of them, in their order."""
    assert list(range(1, 25)) == list(STORIES)


@pytest.mark.parametrize("number", STORIES)
def test_every_story_has_its_tests(number: int) -> None:
    """They exist under these names, or the story says why there is none."""
    names = named(STORIES[number])

    assert set() == names - defined_in("")
    assert bool(names) != ("\nNo test: " in STORIES[number])


def test_every_test_of_a_story_is_on_the_page() -> None:
    """Who reads the page finds them all."""
    assert set() == defined_in("stories") - named(PAGE)
