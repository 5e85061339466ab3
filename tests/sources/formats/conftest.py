"""Every folder that these tests read is shown to every format, whatever signs it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asyncmig.sources.formats import TOOLS, format_of, recognition, signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.sources.formats.base import FileFormat
    from asyncmig.sources.tree import Tree


@pytest.fixture(autouse=True)
def _no_sign_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare the signs of a folder with what is sure of it, each time that one is recognised."""
    candidates = recognition.candidates

    def compared(tree: Tree) -> Sequence[FileFormat]:
        sure = {tool for tool in TOOLS if format_of(tool).is_sure(tree)}
        assert sure <= {tool for tool in TOOLS if signs.is_given(tool, tree)}
        return candidates(tree)

    monkeypatch.setattr(recognition, "candidates", compared)
