"""Findings, for people and for the document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from asyncmig.cli.output.console import Paint
from asyncmig.lint.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.cli.output.console import Stream
    from asyncmig.cli.output.document import Row
    from asyncmig.lint.finding import Finding
    from asyncmig.lint.linter import LintReport

_COLOURS = {Severity.ERROR: Paint.RED, Severity.WARNING: Paint.YELLOW, Severity.NOTICE: Paint.DIM}


def findings_text(findings: Iterable[Finding], stream: Stream) -> list[str]:
    """Return the lines about each finding: where, what, and what to do."""
    lines: list[str] = []
    for one in findings:
        severity = stream.paint(one.severity.value, _COLOURS[one.severity])
        lines.append(f"{one.location}: {severity}: {one.rule}: {one.message}")
        if one.hint:
            lines.append(f"  hint: {one.hint}")
    return lines


def summary(report: LintReport) -> list[str]:
    """Return how many of each there are, and what was left out."""
    counts = Counter(one.severity for one in report.findings)
    parts = [
        f"{counts[severity]} {severity.value}{'' if counts[severity] == 1 else 's'}"
        for severity in reversed(Severity)
        if counts[severity]
    ]
    looked = f"{report.migrations} migration{'' if report.migrations == 1 else 's'}"
    return [f"{', '.join(parts) or 'nothing found'} in {looked}", *_notes(report.notes)]


def row_of_finding(finding: Finding) -> Row:
    """Return a finding for the document."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint or None,
        "version": finding.version,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
    }


def _notes(notes: Sequence[str]) -> list[str]:
    return [f"note: {note}" for note in notes]
