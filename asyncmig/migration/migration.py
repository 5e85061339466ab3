"""One change of the schema or the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.migration.kind import Direction, Kind
from asyncmig.migration.version import key_of

if TYPE_CHECKING:
    from asyncmig.migration.kind import Phase
    from asyncmig.migration.script import Script
    from asyncmig.migration.version import Version


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the schema or the data.

    Attributes:
        version: Its place in the order; ``None`` for a repeatable migration.
        name: What the file calls it.
        checksum: Of the text that ``up`` runs, as :func:`checksum` spells it.
        up: What applies it.
        down: What reverts it; ``None`` when the author wrote nothing.
    """

    version: Version | None
    name: str
    checksum: str
    up: Script
    down: Script | None = None

    @property
    def kind(self) -> Kind:
        """Repeatable when there is no version, else versioned."""
        return Kind.REPEATABLE if self.version is None else Kind.VERSIONED

    @property
    def key(self) -> str:
        """The identity in messages and documents: the version, or ``R__name``."""
        return key_of(self.version, self.name)

    @property
    def phase(self) -> Phase:
        """When it may be applied."""
        return self.up.phase

    @property
    def path(self) -> str:
        """Where the part that applies it was read."""
        return self.up.path

    def script(self, direction: Direction) -> Script | None:
        """Return what runs in that direction, ``None`` when there is nothing to go down with."""
        return self.up if direction is Direction.UP else self.down
