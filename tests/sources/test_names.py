"""What the name of a file says, and what is wrong with those that say nothing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.migration import Direction, Version
from asyncmig.sources.names import FileName, Language, Misnamed, parse_name

UP, DOWN = Direction.UP, Direction.DOWN


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("001_users.sql", FileName(Version("001"), "users")),
        ("000001_invoices.up.sql", FileName(Version("1"), "invoices", UP)),
        ("000001_invoices.down.sql", FileName(Version("1"), "invoices", DOWN)),
        (
            "20260822090000_lowercase.py",
            FileName(Version("20260822090000"), "lowercase", None, Language.PYTHON),
        ),
        ("R__totals.sql", FileName(None, "totals")),
        # as real projects call theirs
        ("0002_1.7.0_schema.up.sql", FileName(Version("2"), "1.7.0_schema", UP)),
        ("0035_2_1_0_schema.sql", FileName(Version("35"), "2_1_0_schema")),
        ("7_add..sql", FileName(Version("7"), "add.")),
        ("7_add users, and more (2).sql", FileName(Version("7"), "add users, and more (2)")),
        ("7_größe-Ändern-表.sql", FileName(Version("7"), "größe-Ändern-表")),
        ("7__twice.sql", FileName(Version("7"), "_twice")),
        ("7_shut_down.sql", FileName(Version("7"), "shut_down")),
        ("7_up.sql", FileName(Version("7"), "up")),
        ("7_add.sql.sql", FileName(Version("7"), "add.sql")),
        ("0_zero.sql", FileName(Version("0"), "zero")),
        ("2026_01_02_add.sql", FileName(Version("2026"), "01_02_add")),
    ],
)
def test_names_that_real_projects_use_are_read(file_name: str, expected: FileName) -> None:
    """Digits, an underscore, then anything."""
    assert expected == parse_name(file_name)


@pytest.mark.parametrize(
    "file_name",
    [
        "__init__.py",
        "_draft.sql",
        ".hidden.sql",
        ".001_a.sql.swp",
        "README.md",
        "atlas.sum",
        "001_a.sql.bak",
        "001_a.sql~",
        "001_a.pyc",
        "Makefile",
        "sql",
        "py",
    ],
)
def test_names_that_mean_no_migration_are_ignored(file_name: str) -> None:
    """A leading underscore or dot, and every other ending, is the author's business."""
    assert parse_name(file_name) is None


@pytest.mark.parametrize(
    ("file_name", "suggestion"),
    [
        ("3-add.sql", "3_add.sql"),
        ("3 add.sql", "3_add.sql"),
        ("3.add.up.sql", "3_add.up.sql"),
        ("3add.sql", "3_add.sql"),
        ("3-add.py", "3_add.py"),
        ("V3__add.sql", "3_add.sql"),
        ("v3_add.sql", "3_add.sql"),
        ("U3__add.sql", "3_add.down.sql"),
        ("0001.sql", "0001_NAME.sql"),
        ("0001_.sql", "0001_NAME.sql"),
        ("0001.up.sql", "0001_NAME.up.sql"),
        ("2026-01-02-add.sql", "20260102_add.sql"),
        ("20260102T030405_add.sql", "20260102030405_add.sql"),
        ("20260102-0304-add.sql", "202601020304_add.sql"),
        ("R_view.sql", "R__view.sql"),
        ("r__view.sql", "R__view.sql"),
        ("R-view.sql", "R__view.sql"),
        ("R__view.up.sql", "R__view.sql"),
        ("001_a.UP.sql", "001_a.up.sql"),
        ("001_a.down .sql", "001_a.down.sql"),
        ("001_a.SQL", "001_a.sql"),
        ("001_a.Up.Sql", "001_a.up.sql"),
        ("001_a.up.py", "001_a.py"),
    ],
)
def test_a_misnamed_file_is_told_the_name_it_should_have(file_name: str, suggestion: str) -> None:
    """The habits of other tools, and slips, lead to a guess that works."""
    found = parse_name(file_name)

    assert isinstance(found, Misnamed)
    assert suggestion == found.suggestion
    assert found.hint.startswith(f"did you mean {suggestion}? A migration is called VERSION_name")


@pytest.mark.parametrize(
    ("file_name", "sentence"),
    [
        ("add_users.sql", "this is not the name of a migration"),
        ("helpers.py", "this is not the name of a migration"),
        ("V1.2__add.sql", "this is not the name of a migration"),
        ("\N{ARABIC-INDIC DIGIT ONE}_arabic_digit.sql", "this is not the name of a migration"),
        ("²_superscript.sql", "this is not the name of a migration"),
        ("-1_negative.sql", "this is not the name of a migration"),
        ("R__.sql", "this is not the name of a migration"),
        ("R__view.down.sql", "a repeatable migration has no way down"),
        ("R__view.py", "a repeatable migration is written in SQL"),
        ("R__view.up.py", "a Python migration holds both directions in one file"),
        ("1_a\nb.sql", "the name has characters that cannot be written down"),
        ("1_a\x1b[31m.sql", "the name has characters that cannot be written down"),
        ("1_caf\udce9.sql", "the name has characters that cannot be written down"),
    ],
)
def test_a_misnamed_file_without_a_guess_is_told_the_form(file_name: str, sentence: str) -> None:
    """A `.sql` or `.py` that is no migration is never skipped in silence."""
    found = parse_name(file_name)

    assert Misnamed(sentence) == found
    assert found.hint.endswith("a file that is no migration begins with an underscore")


@given(st.text(min_size=1, max_size=30), st.sampled_from(["", ".sql", ".up.sql", ".py"]))
@example("R__up.", ".sql")
@example("1_.up", ".up.sql")
def test_every_suggestion_is_a_name(stem: str, ending: str) -> None:
    """Whoever renames the file as told has a migration."""
    found = parse_name(stem + ending)

    if isinstance(found, Misnamed) and found.suggestion:
        assert isinstance(parse_name(found.suggestion), FileName)


@given(
    st.integers(min_value=0).map(str),
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/."), min_size=1),
    st.sampled_from([None, UP, DOWN]),
)
def test_digits_underscore_anything_is_a_name(
    version: str, name: str, direction: Direction | None
) -> None:
    """No name is refused needlessly."""
    ending = f".{direction}.sql" if direction else ".sql"

    assert FileName(Version(version), name, direction) == parse_name(f"{version}_{name}{ending}")
