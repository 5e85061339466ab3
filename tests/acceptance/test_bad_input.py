"""Bad input: a sentence that helps, the right exit code, and a database that is untouched."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.bad_input import database, failing, folders, history, settings

if TYPE_CHECKING:
    from tests.acceptance.bad_input.case import Case
    from tests.acceptance.project import Project

CASES = (
    *settings.CASES,
    *database.CASES,
    *folders.CASES,
    *history.CASES,
    *failing.CASES,
)


def spelled(text: str | None, project: Project) -> str | None:
    """Return a text of the table as a pattern."""
    if text is None:
        return None
    text = text.replace("<address>", project.address).replace("<root>", str(project.root))
    return ".+".join(re.escape(part) for part in text.split("<any>"))


def masked(found: str | None, expected: str | None, project: Project) -> str | None:
    """Return the expected text if what was found fits it, else what was found."""
    pattern = spelled(expected, project)
    fits = found is not None and pattern is not None and re.fullmatch(pattern, found)
    return expected if fits else found


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

    if os.environ.get("RECORD"):
        with open("/tmp/h7/record.txt","a") as f:
            kind = "sqlite" if project.is_sqlite else "pg"
            e = json.loads(reported.stdout)["error"]
            f.write(f"\n### {case.name} [{kind}]  exit {told.exit_code} {'!!' if told.exit_code != reported.exit_code else ''} (guess {case.exit_code})\n{told.stdout}---\n{told.stderr}")
            f.write(f"{e and {k: v for k, v in e.items() if k not in ('message','hint')}}\n")
            if e and e['message'] not in told.stderr: f.write(f"MESSAGE {e['message']}\n")
            if before != project.dump(): f.write(f"CHANGED!!!\n{before}\n====\n{project.dump()}\n")
        assert before == project.dump()
        return
    error = json.loads(reported.stdout)["error"]
    place = case.file and (f"{case.file}:{case.line}:{case.column}".replace(":None", ""))
    expected = {
        "type": case.error,
        "message": case.message,
        "hint": case.hint,
        "version": case.version,
        "file": case.file,
        "line": case.line,
        "column": case.column,
    }
    assert expected == {
        name: masked(value, expected[name], project) if isinstance(value, str) else value
        for name, value in error.items()
    }
