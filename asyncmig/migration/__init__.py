"""What a migration is: a version, a name, and the two ways it can go.

Values only. Nothing here reads a file or talks to a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.migration.batching import Batching
    from asyncmig.migration.kind import Direction, Kind, Phase
    from asyncmig.migration.migration import Migration
    from asyncmig.migration.script import (
        MARKER,
        Limits,
        LongScript,
        LongText,
        Part,
        PythonScript,
        Script,
        SqlScript,
    )
    from asyncmig.migration.version import Version, key_of

_HOMES = {
    "Batching": "batching",
    "Direction": "kind",
    "Kind": "kind",
    "Limits": "script",
    "LongScript": "script",
    "LongText": "script",
    "MARKER": "script",
    "Migration": "migration",
    "Part": "script",
    "Phase": "kind",
    "PythonScript": "script",
    "Script": "script",
    "SqlScript": "script",
    "Version": "version",
    "key_of": "version",
}

__all__ = [
    "MARKER",
    "Batching",
    "Direction",
    "Kind",
    "Limits",
    "LongScript",
    "LongText",
    "Migration",
    "Part",
    "Phase",
    "PythonScript",
    "Script",
    "SqlScript",
    "Version",
    "key_of",
]

__getattr__ = names_of(__name__, _HOMES)
