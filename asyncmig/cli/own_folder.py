"""What goes by the names of asyncmig's own format has no business in a folder of another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError
from asyncmig.sources.formats.recognition import candidates
from asyncmig.sources.location import locate
from asyncmig.sources.reading import AUTO, MAYBE_OURS
from asyncmig.sources.tree import Tree

if TYPE_CHECKING:
    from asyncmig.cli.settings import Settings


def require_own_folder(settings: Settings, because: str) -> None:
    """Refuse the folder of another tool.

    Args:
        settings: Which folder, and whose it is said to be.
        because: Why it has to be asyncmig's own, as the end of a sentence.

    Raises:
        SettingsError: It is another tool's.
    """
    said = settings.reading.format
    tools = [said] if said != AUTO else _tools_of(settings.source)
    if tools and MAYBE_OURS.isdisjoint(tools):
        raise SettingsError(
            f"{settings.source} is a folder of {tools[0]}, and {because}",
            hint=f"go on there as {tools[0]} has it",
        )


def _tools_of(source: str) -> list[str]:
    return [candidate.tool for candidate in candidates(Tree(locate(source)))]
