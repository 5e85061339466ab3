"""Ratios and their spread: one contestant beside another, round by round."""

from __future__ import annotations

import enum
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Relation(enum.StrEnum):
    """How a figure is read."""

    VALUE = "value"
    RATIO = "ratio"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and the least and the most that any of them came to."""

    median: float
    least: float
    most: float
    rounds: int


def spread(figures: Collection[float]) -> Spread | None:
    """Return the spread of the figures, or None without any."""
    if not figures:
        return None
    return Spread(statistics.median(figures), min(figures), max(figures), len(figures))


def compare(
    figures: Mapping[int, float],
    others: Mapping[int, float],
    relation: Relation = Relation.RATIO,
) -> Spread | None:
    """Compare two contestants by the rounds in which both of them have a figure.

    A ratio of medians would compare rounds that the machine was busy in with rounds that it was
    not; this is the median of the ratios.

    Args:
        figures: By round.
        others: What it is compared with, by round; what is beside the point for a ``VALUE``.
        relation: What to do with the two figures of a round.
    """
    match relation:
        case Relation.VALUE:
            return spread(figures.values())
        case Relation.RATIO:
            return spread([figures[n] / others[n] for n in figures if others.get(n)])
        case Relation.DIFFERENCE:
            return spread([figures[n] - others[n] for n in figures if n in others])
