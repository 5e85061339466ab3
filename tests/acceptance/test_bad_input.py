"""Bad input: a sentence that helps, the right exit code, and a database that is untouched."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.bad_input import (
    database,
    failing,
    failing_python,
    folders,
    history,
    hooks,
    python_files,
    settings,
)

if TYPE_CHECKING:
    from tests.acceptance.bad_input.case import Case
    from tests.acceptance.project import Project

CASES = (
    *settings.CASES,
    *hooks.CASES,
    *database.CASES,
    *folders.CASES,
    *python_files.CASES,
    *history.CASES,
    *failing.CASES,
    *failing_python.CASES,
)


def spelled(text: str, project: Project) -> str:
    """Return a text of the table for this project."""
    known = {"<address>": project.address, "<root>": str(project.root), "<url>": project.url}
    for placeholder, value in known.items():
        text = text.replace(placeholder, value)
    return text


def expected_error(case: Case, project: Project) -> dict[str, Any]:
    """Return the object that the document has as its error."""
    return {
        "type": case.error,
        "message": spelled(case.message, project),
        "hint": case.hint and spelled(case.hint, project),
        "version": case.version,
        "file": case.file and spelled(case.file, project),
        "line": case.line,
        "column": case.column,
    }


def masked(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return what was found, with ``<any>`` where the table says so and any text was found."""
    return {key: fitting(value, expected[key]) for key, value in found.items()}


def fitting(found: object, expected: object) -> object:
    """Return the expected text if what was found fits it, else what was found."""
    if not (isinstance(found, str) and isinstance(expected, str)):
        return found
    pattern = ".+".join(re.escape(part) for part in expected.split("<any>"))
    return expected if re.fullmatch(pattern, found) else found


def shown(error: dict[str, Any], case: Case) -> str:
    """Return what a person sees of an error."""
    place = ":".join(str(error[part]) for part in ("file", "line", "column") if error[part])
    is_told = not error["file"] or error["file"] in error["message"]
    lines = [f"error: {error['message']}" if is_told else f"error: {error['message']} ({place})"]
    lines += [case.excerpt, f"hint: {error['hint']}" if error["hint"] else ""]
    return "\n".join(filter(None, lines)) + "\n"


@pytest.mark.parametrize(
    ("url", "case"),
    [
        pytest.param(kind, case, id=f"{case.name}-{kind}")
        for case in CASES
        for kind in case.on.value
    ],
    indirect=["url"],
)
def test_bad_input_is_explained_and_changes_nothing(project: Project, case: Case) -> None:
    """Exit code, error class, sentence, place and remedy, for people and for programs."""
    case.arrange(project)
    words = shlex.split(case.command.replace("<url>", project.url))
    before = project.dump()

    told = project.call(*words)
    reported = project.call(*words, "--json")

    assert (case.exit_code, "", case.exit_code) == (
        told.exit_code,
        told.stdout,
        reported.exit_code,
    ), told.stderr
    expected = expected_error(case, project)
    error = json.loads(reported.stdout)["error"]
    assert expected == masked(error, expected)
    if "<any>" not in f"{case.message} {case.hint}":
        assert shown(error, case) in told.stderr
    assert before == project.dump()
