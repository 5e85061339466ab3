"""What pytest said of one server, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the tests went on one server.

    Attributes:
        version: The server's, such as ``14.23``.
        exit_code: pytest's; 0 is "all passed".
        passed: How many tests passed.
        failed: How many did not, in their fixtures neither.
        skipped: How many did not run.
        seconds: How long all of it took.
    """

    version: str
    exit_code: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def outcome_of(version: str, exit_code: int, report: Path) -> Outcome:
    """Return what a report of pytest (``--junit-xml``) says; nothing ran if there is none."""
    if not report.exists():
        return Outcome(version=version, exit_code=exit_code)
    suites = list(ET.parse(report).iter("testsuite"))  # noqa: S314 - pytest wrote it just now

    def total(name: str) -> int:
        return sum(int(suite.attrib[name]) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return Outcome(
        version=version,
        exit_code=exit_code,
        passed=total("tests") - failed - skipped,
        failed=failed,
        skipped=skipped,
        seconds=sum(float(suite.attrib["time"]) for suite in suites),
    )


def table(outcomes: Iterable[Outcome]) -> str:
    """Return one line for each server."""
    lines = [
        "| PostgreSQL | passed | failed | skipped | time | pytest's exit code |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, outcomes)])


def _row(outcome: Outcome) -> str:
    cells = (
        outcome.version,
        outcome.passed,
        outcome.failed,
        outcome.skipped,
        f"{outcome.seconds:.0f} s",
        outcome.exit_code,
    )
    return f"| {' | '.join(map(str, cells))} |"
