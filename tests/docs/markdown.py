"""The fenced blocks of a Markdown page, and what their info strings say is to be done with them.

============================  =====================================================================
```` ```sh ````               is run; it has to succeed
```` ```sh exit=6 ````        is run, and has to exit with that code
```` ```sh background ````    is started, and stopped at the end of the page
```` ```text ````, ``json``   is what the ``sh`` or ``python`` in front of it prints
```` ```python ````           is run, with ``await`` at the top level
```` ```sql title="a.sql" ```` is written to that file, whatever the language
```` ```yaml ````             is parsed, with or without a title
```` ```… illustration ````   is for people alone
============================  =====================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
PAGES = tuple(
    str(page.relative_to(PROJECT))
    for page in (
        PROJECT / "README.md",
        *sorted(PROJECT.glob("docs/**/*.md")),
        *sorted(PROJECT.glob("examples/*/README.md")),
    )
)

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="(?P<title>[^"]*)"')
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block.

    Attributes:
        language: The first word of its info string.
        title: The file that it is, empty when it is none.
        words: The other words of the info string.
        text: What is inside.
        line: Where it begins.
    """

    language: str
    title: str
    words: frozenset[str]
    text: str
    line: int

    @property
    def exit_code(self) -> int:
        """What the command has to exit with."""
        found = next((word for word in self.words if word.startswith("exit=")), "exit=0")
        return int(found.removeprefix("exit="))


def fences(page: str) -> Iterator[Fence]:
    """Yield the fenced blocks of a page in their order."""
    for match in _FENCE.finditer(page):
        title = _TITLE.search(match["info"])
        language, *words = _TITLE.sub("", match["info"]).split() or [""]
        line = page.count("\n", 0, match.start()) + 1
        found = title["title"] if title else ""
        yield Fence(language, found, frozenset(words), match["text"], line)


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page)


def links(page: str) -> list[str]:
    """Return the targets of the links of a page."""
    return [match["target"] for match in _LINK.finditer(_CODE.sub("", prose(page)))]


def anchors(page: str) -> set[str]:
    """Return what the headings of a page can be linked by, as GitHub names them."""
    headings = (match["text"] for match in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def section(page: str, heading: str) -> str:
    """Return a page from a heading to the next one of the same level or above.

    Raises:
        ValueError: There is no such heading.
    """
    level = heading.index(" ")
    start = f"\n{page}".index(f"\n{heading}\n")
    rest = page[start + len(heading) :]
    end = re.search(rf"^#{{1,{level}}} ", _FENCE.sub(lambda m: " " * len(m[0]), rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str) -> list[list[str]]:
    """Return the cells of every row of every table in a text, but the headers."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rules = [index for index, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    not_body = {*rules, *(index - 1 for index in rules)}
    return [row for index, row in enumerate(cells) if index not in not_body]
