"""refinery's files: V and U with one number, in folders below as well."""

from __future__ import annotations

from asyncmig.migration import SqlScript, Version
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

REFINERY = Reading("refinery")


def test_v_and_u_are_migrations_with_a_version() -> None:
    """An unversioned one is applied once, in its place, like any other."""
    files = {"V1__initial.sql": "A;", "U3__late.sql": "C;", "V02__more.sql": "${b};"}

    migrations = load_files(files, reading=REFINERY)

    assert [("1", "initial"), ("02", "more"), ("3", "late")] == [
        (migration.key, migration.name) for migration in migrations
    ]
    assert SqlScript("${b};", "migrations/V02__more.sql") == migrations[1].up
    assert [None, None, None] == [migration.down for migration in migrations]


def test_folders_below_belong_to_it() -> None:
    """Every one of them, and errors name the file in it."""
    files = {"V2__b.sql": "", "old/V1__a.sql": "", "old/older/V0__z.sql": ""}

    migrations = load_files(files, reading=REFINERY)

    assert [Version("0"), Version("1"), Version("2")] == [m.version for m in migrations]
    assert "migrations/old/older/V0__z.sql" == migrations[0].path


def test_what_is_named_otherwise_is_nothing_to_refinery() -> None:
    """One underscore, an empty name, a small letter, a dash."""
    names = ["V1__a.sql", "V2_b.sql", "V3__.sql", "v4__d.sql", "V5__e-f.sql", "R__v.sql", "mod.rs"]

    assert ["1"] == [m.key for m in load_files(dict.fromkeys(names, ""), reading=REFINERY)]


def test_a_migration_in_rust_is_refused() -> None:
    """To leave it out would be to skip it."""
    hint = (
        "let refinery apply it and then adopt, or write what it does into a file of the same "
        "version in SQL"
    )

    assert [
        Complaint("migrations/V2__b.rs: a migration in Rust, which cannot be run here", hint)
    ] == complaints({"V1__a.sql": "", "V2__b.rs": ""})


def test_a_version_of_two_numbers_is_refused() -> None:
    """Its pattern allows it, and its parser does not."""
    assert [
        Complaint("migrations/V1.1__a.sql: refinery takes whole numbers for versions only")
    ] == complaints({"V1.1__a.sql": ""}, reading=REFINERY)
