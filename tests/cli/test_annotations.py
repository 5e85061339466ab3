"""Findings in the formats of CI systems, also with the characters that these use themselves."""

from __future__ import annotations

import json
from dataclasses import replace

from asyncmig.cli.output.annotations import github, gitlab, sarif
from asyncmig.lint import Finding, Severity
from asyncmig.version import __version__

FINDING = Finding(
    rule="squawk/ban-drop-table",
    severity=Severity.WARNING,
    message="50% of users,\r\nor: all",
    hint="do not",
    version="007",
    file="migrations/7%,a:ö #1.sql",
    line=3,
    column=5,
)
PLAIN = replace(FINDING, rule="empty", message="nothing", hint="", file="a.sql", line=1, column=1)


def test_github_gets_a_command_for_each_finding() -> None:
    """Per cent and line ends are escaped, in the properties colons and commas too."""
    found = github([FINDING, replace(PLAIN, severity=Severity.ERROR)])

    assert [
        (
            "::warning file=migrations/7%25%2Ca%3Aö #1.sql,line=3,col=5,title=squawk/ban-drop-table"
            "::50%25 of users,%0D%0Aor: all (do not)"
        ),
        "::error file=a.sql,line=1,col=1,title=empty::nothing",
    ] == found.split("\n")


def test_github_gets_nothing_when_nothing_is_found() -> None:
    """Not even an empty command."""
    assert github([]) == ""


def test_gitlab_gets_a_code_quality_report() -> None:
    """A list of objects, each with a fingerprint of its own."""
    first, second = json.loads(gitlab([FINDING, replace(PLAIN, severity=Severity.NOTICE)]))

    assert {
        "description": "50% of users,\r\nor: all (do not)",
        "check_name": "squawk/ban-drop-table",
        "fingerprint": first["fingerprint"],
        "severity": "major",
        "location": {"path": "migrations/7%,a:ö #1.sql", "lines": {"begin": 3}},
    } == first
    assert ("info", True) == (second["severity"], first["fingerprint"] != second["fingerprint"])


def test_a_finding_is_known_again_when_it_has_moved() -> None:
    """The fingerprint is that of the rule, the file and the sentence; the second has another."""
    former = json.loads(gitlab([PLAIN]))
    later = json.loads(gitlab([replace(PLAIN, line=9), replace(PLAIN, line=12)]))

    prints = [one["fingerprint"] for one in (*former, *later)]
    assert (True, 2) == (prints[0] == prints[1], len(set(prints)))


def test_sarif_has_one_run_with_its_rules() -> None:
    """Version 2.1.0: rules by index, a URI for the file, columns in characters."""
    log = json.loads(sarif([FINDING, replace(PLAIN, severity=Severity.NOTICE)]))

    (run,) = log["runs"]
    first, second = run["results"]
    assert ("2.1.0", "unicodeCodePoints") == (log["version"], run["columnKind"])
    assert {
        "name": "asyncmig",
        "version": __version__,
        "rules": [{"id": "empty"}, {"id": "squawk/ban-drop-table"}],
    } == run["tool"]["driver"]
    assert {
        "ruleId": "squawk/ban-drop-table",
        "ruleIndex": 1,
        "level": "warning",
        "message": {"text": "50% of users,\r\nor: all (do not)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "migrations/7%25%2Ca%3A%C3%B6%20%231.sql"},
                    "region": {"startLine": 3, "startColumn": 5},
                }
            }
        ],
        "partialFingerprints": first["partialFingerprints"],
    } == first
    assert ("note", 0) == (second["level"], second["ruleIndex"])


def test_every_format_is_ascii_where_it_is_json() -> None:
    """No encoding of a pipe can break it."""
    assert all(text.isascii() for text in (gitlab([FINDING]), sarif([FINDING])))
