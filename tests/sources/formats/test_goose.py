"""goose's files: its annotations, its names, and what cannot be followed."""

from __future__ import annotations

import pytest

from asyncmig.migration import SqlScript, Version
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_file, load_files, text_of

FILE = "migrations/00001_users.sql"
GOOSE = Reading("goose")


def test_up_and_down_are_what_follows_their_annotations() -> None:
    """The comments that bracket a statement stay in it, and mean nothing to the server."""
    text = (
        "-- users\n-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() AS $$ a; $$;\n"
        "-- +goose StatementEnd\nA;\n\n-- +goose down\nB;\n"
    )

    migration = load_file("00001_users.sql", text)

    assert Version("1") == migration.version
    assert "users" == migration.name
    assert text[text.index("-- +goose Stat") : text.index("-- +goose down")] == text_of(
        migration.up
    )
    assert SqlScript("B;\n", FILE, first_line=9) == migration.down


@pytest.mark.parametrize("place", ["", "-- +goose Up\n"])
def test_no_transaction_is_for_both_directions(place: str) -> None:
    """The annotation counts for the file, wherever it stands."""
    head = (
        "-- +goose Up\n-- +goose NO TRANSACTION\n"
        if place
        else ("-- +goose NO TRANSACTION\n-- +goose Up\n")
    )

    migration = load_file("1_a.sql", f"{head}A;\n-- +goose Down\nB;\n")

    assert migration.down is not None
    assert (False, False) == (migration.up.transaction, migration.down.transaction)


def test_what_is_named_otherwise_is_nothing_to_goose() -> None:
    """A schema beside the migrations, a test in Go, a name without an underscore."""
    files = {"00002_a.sql": "-- +goose Up\nA;\n", "schema.sql": "S;", "embed.go": "", "3.sql": ""}

    assert ["00002"] == [migration.key for migration in load_files(files)]


def test_a_migration_in_go_is_refused() -> None:
    """To leave it out would be to skip it."""
    files = {"1_a.sql": "-- +goose Up\n", "2_b.go": "package x", "2_b_test.go": "package x"}
    hint = (
        "let goose apply it and then adopt, or write what it does into a file of the same version "
        "in SQL or Python"
    )

    assert [
        Complaint("migrations/2_b.go: a migration in Go, which cannot be run here", hint)
    ] == complaints(files)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("-- +goose Upp\nA;\n", 1, "goose has no annotation `-- +goose Upp`"),
        ("-- see +goose Up\n", 1, "goose has no annotation `-- see +goose Up`"),
        ("A;\n-- +goose Up\n", 1, "a statement in front of -- +goose Up, which goose never runs"),
        ("-- +goose Up\nA;\n-- +goose Up\n", 3, "a second half begins, after that on line 1"),
    ],
)
def test_what_goose_refuses_is_refused(text: str, line: int, sentence: str) -> None:
    """With the line, as everything that is wrong in a file."""
    [found] = complaints({"1_a.sql": text}, reading=GOOSE)

    assert (f"migrations/1_a.sql:{line}:1: {sentence}", line) == (found.message, found.line)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CREATE TABLE a ();\n", "there is no -- +goose Up"),
        ("-- +goose Down\nB;\n", "there is no -- +goose Up in front of -- +goose Down"),
    ],
)
def test_a_file_without_up_is_refused(text: str, sentence: str) -> None:
    """Nothing of it would ever be applied."""
    hint = "write it in front of what applies the migration"

    assert [Complaint(f"migrations/1_a.sql: {sentence}", hint)] == complaints(
        {"1_a.sql": text}, reading=GOOSE
    )


def test_the_environment_comes_in_where_the_file_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between ENVSUB ON and OFF, and nowhere else; a placeholder wins over the environment."""
    monkeypatch.setenv("REGION", "eu")
    monkeypatch.delenv("NOBODY", raising=False)
    text = (
        "-- +goose Up\nA '$REGION';\n-- +goose ENVSUB ON\nB '${REGION} ${NOBODY:-x} $$ ${ZONE}';\n"
        "-- +goose ENVSUB OFF\nC '${REGION}';\n"
    )

    [migration] = load_files({"1_a.sql": text}, reading=Reading("goose", {"ZONE": "a"}))

    assert "B 'eu x $ a';" in text_of(migration.up)
    assert "A '$REGION';" in text_of(migration.up)
    assert "C '${REGION}';" in text_of(migration.up)


def test_a_variable_that_must_be_set_says_why() -> None:
    """The reason is the author's."""
    text = "-- +goose Up\n-- +goose ENVSUB ON\nA '${ASYNCMIG_NOBODY_SETS_THIS:?name the region}';\n"

    [found] = complaints({"1_a.sql": text})

    assert (
        "migrations/1_a.sql: ${ASYNCMIG_NOBODY_SETS_THIS} is not set: name the region"
        == found.message
    )


def test_what_cannot_run_in_a_transaction_runs_without_one() -> None:
    """Alone in its file, though the file says nothing: as nearly everybody writes it."""
    text = "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (c);\n-- +goose Down\nDROP TABLE t;\n"

    migration = load_file("1_a.sql", text)

    assert migration.down is not None
    assert (False, True) == (migration.up.transaction, migration.down.transaction)
