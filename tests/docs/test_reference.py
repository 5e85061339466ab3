"""The reference says all that there is, and nothing that there is not."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, get_args

import pytest

import asyncmig
from asyncmig import errors, events
from asyncmig.cli.arguments import build_parser
from asyncmig.cli.commands import ENTRIES, load_command
from asyncmig.cli.output.exit_codes import ExitCode, exit_code_of
from asyncmig.engines.rows import COLUMNS
from asyncmig.history import RowState
from asyncmig.sources.formats import TOOLS
from asyncmig.sources.options import Options
from tests.docs.markdown import PROJECT, prose, section, table

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from enum import Enum

SHARED = {"files": "### Files", "database": "### Database", "output": "### Output"}
COMMANDS = [entry.name for entry in ENTRIES]


def page(name: str) -> str:
    """Return a page of the reference."""
    return (PROJECT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def code(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def options_of(parser: ArgumentParser) -> dict[str, set[str]]:
    """Return the options of a command by the title of their group, as the help shows them."""
    found: dict[str, set[str]] = {}
    for group in parser._action_groups:
        for action in group._group_actions:
            *short, last = action.option_strings or [""]
            shown = {*short, f"{last} {action.metavar}" if action.metavar else last}
            if action.option_strings:
                found.setdefault(group.title or "", set()).update(shown)
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_the_command_is_described(command: str) -> None:
    """The options of its own stand in its section, the shared ones above."""
    text = page("cli")
    parsed = options_of(build_parser(command, load_command(command)))
    shared = {title for title in parsed if title in SHARED}
    own = set().union(*(names for title, names in parsed.items() if title not in SHARED))

    described = {option for row in table(section(text, f"## {command}")) for option in code(row[0])}

    assert own == described
    for title in shared:
        rows = table(section(text, SHARED[title]))
        assert parsed[title] == {option for row in rows for option in code(row[0])}


def test_every_command_is_in_the_list() -> None:
    """The list at the top has the commands of the program, in its order of reading."""
    listed = [code(row[0])[0] for row in table(page("cli").partition("\n## ")[0])]

    assert sorted(COMMANDS) == sorted(listed)


def test_every_error_is_described_with_its_exit_code() -> None:
    """One row for each class of the tree; the number is what the command line exits with."""
    tree = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, errors.AsyncmigError)
    ]

    rows = table(section(page("errors"), "## The tree"))

    described = {code(row[0])[0]: int(row[1]) for row in rows}

    assert {kind.__name__: int(exit_code_of(kind.__new__(kind))) for kind in tree} == described


def test_every_exit_code_is_described() -> None:
    """Scripts rely on these numbers."""
    described = [int(row[0]) for row in table(section(page("errors"), "## Exit codes"))]

    assert [int(exit_code) for exit_code in ExitCode] == described


@pytest.mark.parametrize("event", get_args(events.Event), ids=lambda event: event.__name__)
def test_every_event_is_described_with_its_fields(event: type) -> None:
    """Its name in the logs, and every field in the order of the class."""
    text = section(page("events"), f"### {event.__name__}")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()

    logged, *fields = code(text)

    assert f"asyncmig.{name}" == logged
    assert [field.name for field in dataclasses.fields(event)] == fields


def test_every_public_name_is_described() -> None:
    """What `asyncmig.__all__` has, the page has."""
    words = {word for name in code(prose(page("api"))) for word in re.findall(r"\w+", name)}
    headings = set(re.findall(r"^## (\w+)$", page("api"), re.MULTILINE))

    assert set(asyncmig.__all__) - words - headings == set()


def test_every_method_of_the_migrator_is_described_with_its_signature() -> None:
    """Names, defaults, and which of them are keywords."""
    methods = {
        name: str(inspect.signature(function).replace(return_annotation=inspect.Signature.empty))
        for name, function in inspect.getmembers(asyncmig.Migrator)
        if inspect.iscoroutinefunction(function) and not name.startswith("_")
    }
    rows = table(section(page("api"), "## Migrator"))

    described = {code(row[0])[0] for row in rows if "(" in row[0]}

    assert {_without_types(name, signature) for name, signature in methods.items()} == described


def test_every_keyword_of_the_migrator_is_described() -> None:
    """In the order of the signature."""
    signature = inspect.signature(asyncmig.Migrator)
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    rows = table(section(page("api"), "## Migrator"))

    assert keywords == [code(row[0])[0] for row in rows if "(" not in row[0]]


@pytest.mark.parametrize(
    "name",
    ["RunReport", "StatusReport", "PlanReport", "RepairReport", "AdoptReport", "MigrationStatus"],
)
def test_every_field_of_a_report_is_described(name: str) -> None:
    """The fields in their order; properties follow behind them."""
    fields = [field.name for field in dataclasses.fields(getattr(asyncmig, name))]
    (row,) = (row for row in table(section(page("api"), "## Values")) if code(row[0]) == [name])

    assert fields == [word for word in code(row[1]) if not word.startswith(".")]


@pytest.mark.parametrize(
    "name", ["Direction", "Kind", "State", "RowState", "Problem", "OutOfOrder", "Changed"]
)
def test_every_member_of_an_enumeration_is_described(name: str) -> None:
    """The members in their order."""
    members: type[Enum] = getattr(asyncmig, name)
    (row,) = (row for row in table(section(page("api"), "## Values")) if code(row[0]) == [name])

    assert [member.name for member in members] == code(row[1])


def test_every_column_of_the_history_is_described() -> None:
    """In the order of the table, and every state that a row can have."""
    text = page("history-table")

    columns = [code(row[0])[0] for row in table(text.partition("\n## ")[0])]
    states = [code(row[0])[0] for row in table(section(text, "## States"))]

    assert (list(COLUMNS), [state.value for state in RowState]) == (columns, states)


def test_every_option_of_a_marker_is_described() -> None:
    """A file may say these things and no others."""
    rows = table(section(page("file-format"), "## SQL"))

    described = {code(row[0])[0].partition(":")[0] for row in rows}

    assert {field.name for field in dataclasses.fields(Options)} == described


def test_every_format_of_another_tool_is_described() -> None:
    """In the table, by what ``--format`` calls it."""
    rows = table(section(page("other-formats"), "## Tools"))

    assert set(TOOLS) == {tool for row in rows for tool in code(row[0])}


def _without_types(name: str, signature: str) -> str:
    """Return a signature as the page shows it."""
    spelled = re.sub(r"<(Direction|Phases)\.(\w+): '\w+'>", r"\1.\2", signature)
    spelled = re.sub(r": '[^']*'( = )?", lambda found: "=" if found[1] else "", spelled)
    return name + re.sub(r"\(self(, )?", "(", spelled)
