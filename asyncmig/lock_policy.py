"""What a migration must not do to relations that others are using (PostgreSQL). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError
from asyncmig.locks import Hazard, LockReport, RelationReport, Violation, hazards_in
from asyncmig.sizes import bytes_in

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """What a migration must not do; with nothing in it, it is only looked at.

    Attributes:
        fail_on: What rolls a migration back, unless its file allows it.
        fail_over: Bytes from which on a relation counts.
    """

    fail_on: frozenset[Hazard] = field(default_factory=frozenset[Hazard])
    fail_over: int = 0

    @classmethod
    def of(
        cls, fail_on: Iterable[str] | str, fail_over: float | str, *, report: bool
    ) -> LockPolicy | None:
        """Return the policy that a caller spells out, ``None`` when there is no reason to look.

        Raises:
            SettingsError: There is no such hazard, or that is no size.
        """
        words = fail_on.split(",") if isinstance(fail_on, str) else list(fail_on)
        words = [word for word in words if word]
        hazards = hazards_in(words) if words else frozenset[Hazard]()
        if hazards is None:
            raise SettingsError(f"fail_on takes {', '.join(Hazard)}, not {', '.join(words)}")
        size = bytes_in(fail_over) if isinstance(fail_over, str) else int(fail_over)
        if size is None or size < 0:
            raise SettingsError(f"fail_over is a size such as 10MB, not {fail_over!r}")
        return cls(hazards, size) if report or hazards else None

    def violations(
        self, report: LockReport, allowed: frozenset[Hazard] = frozenset()
    ) -> tuple[Violation, ...]:
        """Return what is against the policy, worst first.

        An index is named only where no table is that the same holds for.

        Args:
            report: What was done.
            allowed: What the file of the migration says that it may do.
        """
        return tuple(
            Violation(hazard, relation)
            for hazard in Hazard
            if hazard in self.fail_on - allowed
            for relation in self._guilty(report, hazard)
        )

    def _guilty(self, report: LockReport, hazard: Hazard) -> list[RelationReport]:
        large = (r for r in report.relations if r.bytes >= self.fail_over)
        guilty = [relation for relation in large if hazard in relation.hazards]
        return [relation for relation in guilty if not relation.is_index] or guilty
