"""The files of maragudk's migrate: pairs in the order of their names."""

from __future__ import annotations

from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

MARAGUDK = Reading("maragudk")


def test_a_number_may_come_twice() -> None:
    """The names order them; the halves of a pair have the same one."""
    files = {
        "0002_c.up.sql": "E;",
        "0001_b.up.sql": "C;",
        "0001_b.down.sql": "D;",
        "0001_a.up.sql": "A;",
        "0001_a.down.sql": "B;",
    }

    first, second, third = load_files(files, reading=MARAGUDK)

    assert [("0001", "a"), ("0001.1", "b"), ("0002", "c")] == [
        (migration.key, migration.name) for migration in (first, second, third)
    ]
    assert ("A;", "B;") == (text_of(first.up), text_of(first.down))
    assert ("C;", "D;") == (text_of(second.up), text_of(second.down))
    assert None is third.down


def test_a_down_under_a_name_of_its_own_goes_with_the_last_up_of_its_number() -> None:
    """It is run when that is taken back."""
    names = ["1_a.up.sql", "1_b.up.sql", "1_bb.down.sql"]

    migrations = load_files({name: f"{name};" for name in names}, reading=MARAGUDK)

    assert [("a", False), ("b", True)] == [(m.name, m.down is not None) for m in migrations]


def test_what_is_named_otherwise_is_nothing_to_it() -> None:
    """Whole files, other endings, and other characters."""
    names = ["1-a.up.sql", "2_b.sql", "3_c.up.sql.bak", "4 d.up.sql", "5.e.up.sql"]

    assert [("1", "a")] == [
        (m.key, m.name) for m in load_files(dict.fromkeys(names, ""), reading=MARAGUDK)
    ]


def test_names_have_to_be_in_the_order_of_their_numbers() -> None:
    """Without a number there is none."""
    names = ["10_a.up.sql", "x.up.sql", "11_c.up.sql"]
    hint = "versions are compared as numbers here: begin it with one that keeps it in its place"

    assert [
        Complaint("migrations/x.up.sql: its name does not begin with a number", hint),
    ] == complaints(dict.fromkeys(names, ""), reading=MARAGUDK)
    [found] = complaints({"10_a.up.sql": "", "9_b.up.sql": ""}, reading=MARAGUDK)
    assert (
        "migrations/9_b.up.sql: version 9 comes behind 10 by the rules of maragudk "
        "(migrations/10_a.up.sql), and in front of it as a number" == found.message
    )
