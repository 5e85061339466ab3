"""The folder ``db/migrate`` of Rails, which is all Ruby: nothing in it can be read, only said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.sources.formats.parts import whole
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.bundle import File
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"[0-9]+_[_a-z0-9]*\.?[_a-z0-9]*\.rb")  # ActiveRecord::Migration


class Rails:
    """``VERSION_name.rb``: what they did is in the history, and from there on it goes in SQL."""

    tool = "rails"

    def is_sure(self, tree: Tree) -> bool:
        """Look for migrations in Ruby beside which there is nothing to run."""
        return any(map(_NAME.fullmatch, tree.names)) and not any(
            name.endswith((".sql", ".py")) for name in tree.names
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Refuse the folder."""
        found = [name for name in tree.names if _NAME.fullmatch(name)]
        if found:
            yield Place(tree.location.label).wrong(
                f"{len(found)} migrations of Rails in Ruby, which cannot be run here",
                hint=(
                    "let Rails apply them, adopt its history, and go on in a folder of your own; "
                    "`rails db:schema:dump` with structure.sql is what a fresh database begins with"
                ),
            )

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file; there is none."""
        return whole(text, file, context)
