"""tern's files: both directions in one, a number for each, and templates that are refused."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

TERN = Reading("tern")
LINE = "---- create above / drop below ----"
MARKER = "---- tern: disable-tx ----"
FILE = "migrations/001_users.sql"


def test_the_line_is_between_the_directions() -> None:
    """What is above applies, what is below takes back."""
    [migration] = load_files({"001_users.sql": f"A;\n\n{LINE}\n\nB;\n"})

    assert ("001", "users") == (migration.key, migration.name)
    assert SqlScript("A;\n\n", FILE) == migration.up
    assert SqlScript("\n\nB;\n", FILE, first_line=3) == migration.down


@pytest.mark.parametrize("below", ["", f"\n{LINE}", f"\n{LINE}\n\n"])
def test_without_anything_below_there_is_no_way_back(below: str) -> None:
    """It is irreversible, as tern says."""
    [migration] = load_files({"1_a.sql": f"A;{below}"}, reading=TERN)

    assert None is migration.down


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MARKER}\nA;\n{LINE}\nB;\n", (False, True)),
        (f"A;\n{LINE}\n{MARKER}\nB;\n", (True, False)),
        (f" {MARKER}\nA;\n{LINE}\nB; {MARKER}\n", (True, True)),
    ],
)
def test_the_marker_counts_for_its_half(text: str, expected: tuple[bool, bool]) -> None:
    """In a line of its own, anywhere in it."""
    [migration] = load_files({"1_a.sql": text})

    assert migration.down is not None
    assert expected == (migration.up.transaction, migration.down.transaction)


def test_folders_below_are_for_templates_alone() -> None:
    """And what has no number is nothing to tern."""
    files = {"1_a.sql": f"A;\n{LINE}\n", "shared/1_v1.sql": "V;", "tern.conf": "", "x.sql": ""}

    assert ["1"] == [migration.key for migration in load_files(files)]


def test_a_template_is_refused_where_it_stands() -> None:
    """Only Go could make SQL of it."""
    expected = Complaint(
        "migrations/1_a.sql:2:1: a Go template, which asyncmig does not fill in",
        "write into the file what it makes: `tern print-migrations` shows that",
        2,
        1,
    )

    assert [expected] == complaints({"1_a.sql": f'A;\n{{{{ template "shared/v.sql" . }}}}\n{LINE}'})


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (
            ["1_a.sql", "3_b.sql"],
            Complaint(
                "migrations: there is no migration 2, and tern numbers them without a gap",
                "a merge may have lost it, or given it another number",
            ),
        ),
        (["0_a.sql", "1_b.sql"], Complaint("migrations/0_a.sql: tern counts from 1 on")),
    ],
)
def test_numbers_go_from_one_on_without_a_gap(names: list[str], complaint: Complaint) -> None:
    """Files are counted; another number would be another migration."""
    assert [complaint] == complaints(dict.fromkeys(names, "A;"), reading=TERN)


def test_a_file_that_applies_nothing_is_refused() -> None:
    """As tern does: the line was most likely put in the wrong place."""
    assert [
        Complaint("migrations/1_a.sql: there is nothing to apply, which tern refuses")
    ] == complaints({"1_a.sql": f"-- later\n{LINE}\nB;\n"})
