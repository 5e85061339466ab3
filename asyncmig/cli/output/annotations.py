"""Findings in the formats of CI systems, which show them beside the line that they are about.

* GitHub: workflow commands, one line each
  (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
* GitLab: a Code Quality report (https://docs.gitlab.com/ci/testing/code_quality/).
* SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from asyncmig.lint.finding import Severity
from asyncmig.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.lint.finding import Finding


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


def github(findings: Sequence[Finding]) -> str:
    """Return a workflow command for each finding."""
    return "\n".join(_github_line(one) for one in findings)


def gitlab(findings: Sequence[Finding]) -> str:
    """Return a Code Quality report."""
    report = [
        {
            "description": _said(one),
            "check_name": one.rule,
            "fingerprint": fingerprint,
            "severity": _GITLAB[one.severity],
            "location": {"path": one.file, "lines": {"begin": one.line}},
        }
        for one, fingerprint in _with_fingerprints(findings)
    ]
    return json.dumps(report, indent=2)


def sarif(findings: Sequence[Finding]) -> str:
    """Return a SARIF log with one run."""
    rules = sorted({one.rule for one in findings})
    results = [
        {
            "ruleId": one.rule,
            "ruleIndex": rules.index(one.rule),
            "level": _SARIF[one.severity],
            "message": {"text": _said(one)},
            "locations": [_sarif_location(one)],
            "partialFingerprints": {"asyncmig/v1": fingerprint},
        }
        for one, fingerprint in _with_fingerprints(findings)
    ]
    driver = {
        "name": "asyncmig",
        "version": __version__,
        "rules": [{"id": rule} for rule in rules],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2)


WRITERS = {Format.GITHUB: github, Format.GITLAB: gitlab, Format.SARIF: sarif}

_GITLAB = {Severity.NOTICE: "info", Severity.WARNING: "major", Severity.ERROR: "critical"}
_SARIF = {Severity.NOTICE: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def _github_line(one: Finding) -> str:
    properties = {
        "file": one.file,
        "line": str(one.line),
        "col": str(one.column),
        "title": one.rule,
    }
    written = ",".join(
        f"{name}={value.translate(_IN_PROPERTY)}" for name, value in properties.items()
    )
    return f"::{one.severity} {written}::{_said(one).translate(_IN_MESSAGE)}"


def _sarif_location(one: Finding) -> dict[str, Any]:
    region = {"startLine": one.line, "startColumn": one.column}
    return {
        "physicalLocation": {"artifactLocation": {"uri": quote(one.file)}, "region": region},
    }


def _said(one: Finding) -> str:
    """Return the sentence with its advice."""
    return f"{one.message} ({one.hint})" if one.hint else one.message


def _with_fingerprints(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield each finding with what knows it again when lines were added above it.

    The second of the same kind in a file has another one.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    for one in findings:
        same = (one.rule, one.file, one.message)
        seen[same] += 1
        text = "\0".join((*same, str(seen[same])))
        yield one, hashlib.sha256(text.encode()).hexdigest()
