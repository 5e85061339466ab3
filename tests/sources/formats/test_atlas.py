"""Atlas's folder: its sum, its directives, its checkpoints."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

AGAIN = "if the files are as they should be, `atlas migrate hash` writes it again"
ATLAS = Reading("atlas")
FILES = {
    "20220318104614_team_A.sql": "CREATE TABLE t_a (id int);\n",
    "20220318104615_team_B.sql": "CREATE TABLE t_b (id int);\n",
}


def encoded(digest: bytes) -> str:
    """Write a digest as the sum does."""
    return "h1:" + base64.b64encode(digest).decode()


def summed(files: Mapping[str, str], *, ignored: frozenset[str] = frozenset()) -> str:
    """Write the sum of files, by its definition: each line is of everything up to its end."""
    running, lines = b"", ""
    for name, text in sorted(files.items()):
        running += name.encode()
        if name not in ignored:
            running += text.encode()
            lines += f"{name} {encoded(hashlib.sha256(running).digest())}\n"
    total = lines.replace(" h1:", "").replace("\n", "")
    return f"{encoded(hashlib.sha256(total.encode()).digest())}\n{lines}"


def signed(files: Mapping[str, str]) -> dict[str, str]:
    """Put the sum beside the files."""
    return {**files, "atlas.sum": summed(files)}


def test_a_file_is_a_migration_with_no_way_down() -> None:
    """What is in front of the first underscore is the version."""
    migrations = load_files(signed(FILES))

    keys = [(migration.key, migration.name) for migration in migrations]
    assert [("20220318104614", "team_A"), ("20220318104615", "team_B")] == keys
    path = "migrations/20220318104614_team_A.sql"
    assert SqlScript("CREATE TABLE t_a (id int);\n", path) == migrations[0].up


def test_a_name_with_a_dash_has_its_number_for_a_version() -> None:
    """To Atlas all of it is the version, if there is no underscore."""
    [migration] = load_files(signed({"20230710111950-cas-backend.sql": "A;\n"}))

    assert ("20230710111950", "cas-backend") == (migration.key, migration.name)


def test_other_line_ends_are_no_change() -> None:
    """Git writes the one or the other; Atlas itself would stop."""
    files = signed(FILES)

    windows = {name: text.replace("\n", "\r\n") for name, text in files.items()}

    assert load_files(files) == load_files(windows)


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        ({"20220318104614_team_A.sql": "B;\n"}, 2, "20220318104614_team_A.sql was changed after"),
        (
            {"20220318104615_team_B.sql": None},
            3,
            "it lists 20220318104615_team_B.sql, which is not",
        ),
        ({"20220318104614_x.sql": "X;\n"}, 3, "it does not list 20220318104614_x.sql"),
        ({"20220318104616_c.sql": "C;\n"}, 4, "it does not list 20220318104616_c.sql"),
        ({"atlas.sum": "h1:abc\n"}, 1, "its first line is not the sum of the others"),
        ({"atlas.sum": "h1:abc\na.sql\n"}, 2, "this is not a line of it"),
    ],
)
def test_files_that_are_not_what_the_sum_says_are_refused(
    change: dict[str, str | None], line: int, sentence: str
) -> None:
    """One that was changed, one that is gone, one that came in between or behind."""
    changed = {**signed(FILES), **change}

    [found] = complaints({name: text for name, text in changed.items() if text is not None})

    assert found.message.startswith(f"migrations/atlas.sum:{line}: {sentence}")
    assert AGAIN == found.hint


def test_a_folder_without_a_sum_is_refused() -> None:
    """Atlas stops there too."""
    sentence = "migrations/atlas.sum: there is none, and Atlas would not run without it"

    assert [Complaint(sentence, AGAIN)] == complaints({"1_a.sql": "A;\n"}, reading=ATLAS)


def test_a_file_may_be_left_out_of_the_sum() -> None:
    """Only its name counts then."""
    files = {"1_a.sql": "-- atlas:sum ignore\n\nA;\n", "2_b.sql": "B;\n"}
    files["atlas.sum"] = summed(files, ignored=frozenset({"1_a.sql"}))
    files["1_a.sql"] += "C;\n"

    assert ["1", "2"] == [migration.key for migration in load_files(files)]


@pytest.mark.parametrize(
    ("head", "transaction"),
    [
        ("-- atlas:txmode none\n\n", False),
        ("-- a comment\n-- atlas:nolint\n-- atlas:txmode none\n\n", False),
        ("-- atlas:txmode file\n\n", True),
        ("-- atlas:txmode none\n", True),
        ("\n-- atlas:txmode none\n\n", True),
    ],
)
def test_a_file_may_do_without_a_transaction(head: str, *, transaction: bool) -> None:
    """In its head: comments at its very top, with an empty line behind them."""
    [migration] = load_files(signed({"1_a.sql": f"{head}A;\n"}))

    assert transaction is migration.up.transaction


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("-- atlas:delimiter //\nA; B //\nC //\n", "-- atlas:delimiter //\nA; B ;\nC ;\n"),
        (
            "-- atlas:delimiter \\n\\n\nA\n\nB 'x\n\ny'\n\n",
            "-- atlas:delimiter \\n\\n\nA\n;\nB 'x\n\ny'\n;\n",
        ),
        ("-- atlas:delimiter -- end\nA\n-- end\n", "-- atlas:delimiter -- end\nA\n;-- end\n"),
        ("-- a\n-- atlas:delimiter //\n\nA;\n", "-- a\n-- atlas:delimiter //\n\nA;\n"),
    ],
)
def test_a_delimiter_becomes_a_semicolon(text: str, run: str) -> None:
    """Where the first line says that it is one; no line moves."""
    [migration] = load_files(signed({"1_a.sql": text}))

    assert run == text_of(migration.up)


def test_a_checkpoint_is_left_out_where_what_it_sums_up_is_there() -> None:
    """Everything from the first file on makes the same schema."""
    point = "-- atlas:checkpoint\n\nA;\nB;\n"
    files = {"1_a.sql": "A;\n", "2_b.sql": "B;\n", "3_point.sql": point, "4_c.sql": "C;\n"}

    assert ["1", "2", "4"] == [migration.key for migration in load_files(signed(files))]


def test_a_checkpoint_in_front_of_everything_is_where_it_begins() -> None:
    """What it sums up was deleted."""
    files = {"3_point.sql": "-- atlas:checkpoint v1\n\nA;\n", "4_c.sql": "C;\n"}

    assert ["3", "4"] == [migration.key for migration in load_files(signed(files))]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "-- atlas:txtar\n\n-- checks.sql --\nA;\n-- migration.sql --\nB;\n",
            (
                "atlas:txtar bundles files with checks that only Atlas runs: write its SQL into a "
                "file of its own"
            ),
        ),
        (
            "-- atlas:import a.sql\nA;\n",
            "atlas:import belongs into a schema, and in a migration nothing would be imported",
        ),
        ("-- atlas:txmode all\n\nA;\n", "Atlas has no atlas:txmode all"),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, sentence: str) -> None:
    """A bundle has checks in it which nobody would make."""
    [found] = complaints(signed({"1_a.sql": text}))

    assert f"migrations/1_a.sql:1:1: {sentence}" == found.message


def test_a_version_that_is_no_number_is_refused() -> None:
    """Atlas takes any text."""
    [found] = complaints(signed({"first.sql": "A;\n"}))

    assert "migrations/first.sql: its name does not begin with a number" == found.message
