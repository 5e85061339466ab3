"""The files of River: golang-migrate's pairs, with a place for the name of a schema.

Rules: riverqueue/river, ``rivermigrate/river_migrate.go`` (``applyMigrations()``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.sources.formats.golang_migrate import GolangMigrate
from asyncmig.sources.names import is_half
from asyncmig.sources.place import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.migration import Direction, Script
    from asyncmig.sources.bundle import File
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_SCHEMA = re.compile(re.escape("/* TEMPLATE: schema */"))


class River(GolangMigrate):
    """Pairs with ``/* TEMPLATE: schema */`` in front of the names of tables."""

    tool = "river"

    def is_sure(self, tree: Tree) -> bool:
        """Look for the template."""
        return any(is_half(name) and _SCHEMA.search(head) for name, head in tree.heads.items())

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Put in the placeholder ``schema``; without it the tables are where search_path says.

        It never stays: some stand in string literals, where nothing is a comment.
        """
        schema = context.placeholders.get("schema", "").replace('"', '""')
        prefix = f'"{schema}".' if schema else ""
        script = _SCHEMA.sub(lambda _: prefix, text.script)
        return super().read(Text(script, text.place), file, context)
