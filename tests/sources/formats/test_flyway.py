"""Flyway's files: what a name says, what a script says, and what cannot be followed."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript, Version
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

FLYWAY = Reading("flyway")


@pytest.mark.parametrize(
    ("file_name", "version", "name"),
    [
        ("V1__create_users.sql", "1", "create_users"),
        ("V1_10__a.sql", "1.10", "a"),
        ("V2026.01.02__a.SQL", "2026.01.02", "a"),
        ("V7.sql", "7", ""),
        ("V7__.sql", "7", ""),
        ("V1___a__b.sql", "1", "_a__b"),
    ],
)
def test_a_version_is_of_several_numbers(file_name: str, version: str, name: str) -> None:
    """Underscores and dots are the same in it; two underscores end it."""
    [migration] = load_files({file_name: "A;"}, reading=FLYWAY)

    assert (Version(version), version, name) == (
        migration.version,
        migration.key,
        migration.name,
    )


def test_versions_are_ordered_by_their_numbers_and_repeatables_come_last() -> None:
    """1.10 follows 1.9, and 1 is 1.0."""
    names = ["R__b.sql", "V1_10__a.sql", "V2__a.sql", "V1_9__a.sql", "R__a.sql", "V1__a.sql"]

    migrations = load_files(dict.fromkeys(names, ""))

    assert ["1", "1.9", "1.10", "2", "R__a", "R__b"] == [m.key for m in migrations]


def test_the_same_version_twice_is_refused() -> None:
    """However it is written, and in whatever folder."""
    [found] = complaints({"V1__a.sql": "", "more/V1_0__b.sql": ""})

    assert (
        "version 1 is claimed by 2 files: migrations/V1__a.sql, migrations/more/V1_0__b.sql"
        == found.message
    )


def test_an_undo_is_the_way_down_of_its_version() -> None:
    """One without a versioned migration is never run."""
    files = {"V1__a.sql": "A;", "U1__b.sql": "B;", "U2__c.sql": "C;"}

    [migration] = load_files(files, reading=FLYWAY)

    assert "a" == migration.name
    assert SqlScript("B;", "migrations/U1__b.sql") == migration.down


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["V1__a.sql", "V2__b.sql", "B2__all.sql", "V3__c.sql"], ["V1", "V2", "V3"]),
        (["B2__all.sql", "V3__c.sql"], ["B2", "V3"]),
        (["B2__all.sql", "B1__some.sql", "V3__c.sql"], ["B2", "V3"]),
        (["B1__some.sql", "V2__b.sql", "V3__c.sql", "B3__all.sql"], ["B1", "V2", "V3"]),
        (["B2__all.sql", "V2__b.sql", "U2__b.sql"], ["V2"]),
        (["B2__all.sql", "U2__b.sql", "R__v.sql"], ["B2", "R__v.sql"]),
    ],
)
def test_a_baseline_stands_for_versioned_files_that_are_gone(
    names: list[str], expected: list[str]
) -> None:
    """Where they are there they lead to the same, on a database with a history as well."""
    migrations = load_files(dict.fromkeys(names, ""), reading=FLYWAY)

    files = [migration.path.removeprefix("migrations/") for migration in migrations]
    assert expected == [file.partition("__")[0] if file[0] != "R" else file for file in files]


def test_folders_below_belong_to_it() -> None:
    """But for those that begin with a dot."""
    files = {"V1__a.sql": "", "2026/08/V2__b.sql": "", ".trash/V3__c.sql": ""}

    migrations = load_files(files)

    assert ["migrations/V1__a.sql", "migrations/2026/08/V2__b.sql"] == [
        migration.path for migration in migrations
    ]


def test_what_is_named_otherwise_is_nothing_to_flyway() -> None:
    """As long as nobody asks it to validate names."""
    names = ["V1__a.sql", "V2_b.sql", "Vx__c.sql", "V3-d.sql", "v4__e.sql", "R1__f.sql", "R_g.sql"]

    assert ["1"] == [m.key for m in load_files(dict.fromkeys(names, ""), reading=FLYWAY)]


@pytest.mark.parametrize(
    ("name", "ending"),
    [("V2__b.java", "java"), ("R__b.kt", "kt"), ("V1_2__b.sh", "sh"), ("V2__b.py", "py")],
)
def test_a_migration_in_another_language_is_refused(name: str, ending: str) -> None:
    """To leave it out would be to skip it."""
    hint = (
        "let Flyway apply it and then adopt, or write what it does into a file of the same version "
        "in SQL"
    )

    assert [
        Complaint(f"migrations/{name}: a migration in {ending}, which cannot be run", hint)
    ] == complaints({"V1__a.sql": "", name: ""})


@pytest.mark.parametrize("name", ["beforeMigrate.sql", "afterMigrate__grants.sql"])
def test_a_callback_is_refused(name: str) -> None:
    """Flyway would run it with these migrations; those of other commands are left out."""
    hint = (
        "what it does for the connection belongs into --setup, what it does to the schema into "
        "a repeatable migration"
    )

    assert [
        Complaint(f"migrations/{name}: a callback, which asyncmig does not run", hint)
    ] == complaints({"V1__a.sql": "", name: "", "afterClean.sql": "", "beforeUndo.sql": ""})


def test_placeholders_are_filled_in_whatever_their_case() -> None:
    """Everywhere in the file; a value is not looked at again."""
    text = "-- ${Schema}\nA '${schema}' '${flyway:filename}' '${flyway:table}' $body$ $x {y} $1;"
    reading = Reading("flyway", {"SCHEMA": "${schema}"})

    [migration] = load_files({"V1__a.sql": text}, reading=reading)

    assert (
        "-- ${schema}\nA '${schema}' 'V1__a.sql' 'flyway_schema_history' $body$ $x {y} $1;"
        == text_of(migration.up)
    )


@pytest.mark.parametrize(
    ("placeholder", "hint"),
    [
        (
            "${flyway:defaultSchema}",
            (
                "Flyway asks the database for it, and files are read without one: "
                'set "flyway:defaultSchema" in [tool.asyncmig.placeholders]'
            ),
        ),
        (
            "${owner}",
            (
                'set "owner" in [tool.asyncmig.placeholders]; if it is meant as it stands, '
                "write placeholderReplacement=false into a .conf beside the file, or say "
                "--format refinery if it is a file of refinery"
            ),
        ),
    ],
)
def test_a_placeholder_without_a_value_is_refused_where_it_stands(
    placeholder: str, hint: str
) -> None:
    """As Flyway does, in comments too."""
    assert [
        Complaint(
            f"migrations/V1__a.sql:2:4: there is no value for the placeholder {placeholder}",
            hint,
            2,
            4,
        )
    ] == complaints({"V1__a.sql": f"A;\n-- {placeholder}\n"})


def test_the_conf_beside_a_script_says_how_to_run_it() -> None:
    """Comments and blank lines are nothing in it."""
    conf = "# long\n\nexecuteInTransaction = false\nplaceholderReplacement=False\n"
    files = {"V1__a.sql": "A '${x}';", "V1__a.sql.conf": conf, "V2__b.sql": "B;"}

    first, second = load_files(files)

    assert SqlScript("A '${x}';", "migrations/V1__a.sql", transaction=False) == first.up
    assert SqlScript("B;", "migrations/V2__b.sql") == second.up


def test_a_script_may_have_an_encoding_of_its_own() -> None:
    """What is run is the same text."""
    files: dict[str, str | bytes] = {
        "V1__a.sql": "A 'größe';\r\n".encode("latin-1"),
        "V1__a.sql.conf": "encoding=ISO-8859-1",
    }

    [migration] = load_files(files)

    assert "A 'größe';\n" == text_of(migration.up)


def test_a_script_that_should_not_execute_is_none() -> None:
    """It is as if the file were not there."""
    files = {"V1__a.sql": "", "V2__b.sql": "", "V2__b.sql.conf": "shouldExecute=false"}

    assert ["1"] == [migration.key for migration in load_files(files)]


@pytest.mark.parametrize(
    ("conf", "message", "line"),
    [
        ("a=b", ":1: Flyway has no setting `a=b` for a script", 1),
        ("\nencoding", ":2: Flyway has no setting `encoding` for a script", 2),
        ("shouldExecute=${env}==prod", ": shouldExecute is '${env}==prod'", None),
        ("encoding=klingon", ": there is no encoding 'klingon'", None),
    ],
)
def test_a_conf_that_cannot_be_followed_is_refused(
    conf: str, message: str, line: int | None
) -> None:
    """The script would run in another way than it was written for."""
    [found] = complaints({"V1__a.sql": "", "V1__a.sql.conf": conf})

    assert (f"migrations/V1__a.sql.conf{message}", line) == (found.message, found.line)


def test_a_script_that_is_not_in_its_encoding_is_refused() -> None:
    """With the name of the encoding."""
    files: dict[str, str | bytes] = {"V1__a.sql": b"\xff", "V1__a.sql.conf": "encoding=US-ASCII"}

    assert [Complaint("migrations/V1__a.sql: the file is not in ascii")] == complaints(files)


@pytest.mark.parametrize(
    ("text", "transaction"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (c);", False),
        ("VACUUM t;", False),
        ("ALTER TYPE t ADD VALUE 'x';", True),
        ("CREATE TABLE t ();", True),
    ],
)
def test_what_cannot_run_in_a_transaction_runs_without_one(text: str, *, transaction: bool) -> None:
    """Flyway finds it out by itself too."""
    [migration] = load_files({"V1__a.sql": text})

    assert transaction == migration.up.transaction
