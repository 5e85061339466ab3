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
from tests.acceptance.bad_input.failing_python import PYTHON

if TYPE_CHECKING:
    from tests.acceptance.bad_input.case import Case
    from tests.acceptance.project import Project

PASSWORD = re.compile("s3cr3t|s3#|cr@3t")  # of the URLs in the table, and pieces of one
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
    assert not PASSWORD.search(told.stderr + reported.stderr + reported.stdout)
    assert before == project.dump()


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["up", "--dry-run"], 2, "`asyncmig up` has no option --dry-run"),
        (["up", "--to", "7"], 2, "there is no version 7 (known: 001, 002)"),
        (["up"], 1, "migration 002 failed at migrations/002_posts.py:4: ValueError: no title"),
        (["up", "--database", "sqlite:///migrations"], 5, "the database migrations is a folder"),
    ],
)
def test_a_process_ends_without_a_traceback(
    project: Project, words: list[str], exit_code: int, message: str
) -> None:
    """What the others see inside this process holds for a whole one, with logs and all."""
    del project.environment["ASYNCMIG_LOG_FORMAT"]
    raises = "async def up(connection):\n    pass\n\n    raise ValueError('no title')\n"
    project.migrations.write("002_posts.py", raises)

    told = project.run(*words)

    assert (exit_code, "", False) == (told.exit_code, told.stdout, "Traceback" in told.stderr)
    assert f"error: {message}" in told.stderr.splitlines()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_premature_commit_on_postgresql_leaves_a_trace_and_one_question(
    project: Project,
) -> None:
    """It cannot be prevented there; no later run goes on before a person has looked."""
    commits = PYTHON.format("await connection.execute('COMMIT')")
    project.migrations.write("002_posts.py", commits)

    lost = project.document("up")["error"]
    asked = project.document("up")["error"]
    settled = project.call("repair", "--mark", "2", "--yes")
    again = project.call("up")

    assert ("TransactionLostError", "002", "migrations/002_posts.py") == (
        lost["type"],
        lost["version"],
        lost["file"],
    )
    assert ("IncompleteMigrationError", "002") == (asked["type"], asked["version"])
    assert "`asyncmig repair --mark 002` if its changes are there" in asked["hint"]
    assert (0, 0) == (settled.exit_code, again.exit_code)
