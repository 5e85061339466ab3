"""graphile-migrate's folder: the chain of hashes, the placeholders, and what is not committed."""

from __future__ import annotations

import hashlib

import pytest

from asyncmig.migration import SqlScript
from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files, text_of

COMMIT = "files are committed by `graphile-migrate commit`; what is in current.sql is not run"
ANEW = "a file is missing, was added or was renamed: commit it anew"
GRAPHILE = Reading("graphile-migrate")


def hashed(body: str, previous: str = "") -> str:
    """Return the hash of a file, by its definition."""
    text = f"{previous}\n{body.strip()}".strip() + "\n"
    return "sha1:" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def committed(*bodies: str, folder: str = "committed/") -> dict[str, str]:
    """Write files as `graphile-migrate commit` does, one behind the other."""
    files: dict[str, str] = {}
    previous = ""
    for number, body in enumerate(bodies, 1):
        found = hashed(body, previous)
        head = f"--! Previous: {previous or '-'}\n--! Hash: {found}\n--! Message: a\n\n"
        files[f"{folder}{number:06}-a.sql"] = head + body
        previous = found
    return files


def test_what_is_committed_is_run() -> None:
    """What is in current.sql is being written, and fixtures are what it includes."""
    files = {**committed("A;\n", "B;\n"), "current.sql": "C;\n", "fixtures/d.sql": "D;\n"}

    migrations = load_files(files)

    assert [("000001", "a"), ("000002", "a")] == [(m.key, m.name) for m in migrations]
    path = "migrations/committed/000001-a.sql"
    assert SqlScript(files["committed/000001-a.sql"], path) == migrations[0].up
    assert [None, None] == [migration.down for migration in migrations]


def test_the_folder_of_what_is_committed_may_be_named_itself() -> None:
    """It means the same."""
    assert ["000001"] == [migration.key for migration in load_files(committed("A;\n", folder=""))]


def test_a_file_that_was_changed_is_refused() -> None:
    """Its hash is of its text, and of the hash in front of it."""
    files = committed("A;\n", "B;\n")
    files["committed/000002-a.sql"] += "C;\n"
    found = hashed("B;\nC;", hashed("A;"))

    assert [
        Complaint(
            "migrations/committed/000002-a.sql: it was changed after it was committed: its hash is "
            f"{found}",
            "put back what was committed, or say --! AllowInvalidHash in its first lines",
        )
    ] == complaints(files)


def test_a_file_may_say_that_it_was_changed() -> None:
    """Then its hash is what it was, for the file behind it."""
    files = committed("A;\n", "B;\n")
    head, body = files["committed/000001-a.sql"].split("\n\n")
    files["committed/000001-a.sql"] = f"{head}\n--! AllowInvalidHash\n\n{body}C;\n"

    assert ["000001", "000002"] == [migration.key for migration in load_files(files)]


def test_a_file_that_is_missing_breaks_the_chain() -> None:
    """The one behind it names a hash that nobody has."""
    files = committed("A;\n", "B;\n", "C;\n")
    del files["committed/000002-a.sql"]
    first = hashed("A;")

    assert [
        Complaint(
            "migrations/committed/000003-a.sql: it was written behind the hash "
            f"{hashed('B;', first)}, and the file in front of it has {first}",
            ANEW,
        )
    ] == complaints(files)


def test_the_first_file_has_none_in_front_of_it() -> None:
    """Nothing stands for a hash there."""
    files = committed("A;\n", "B;\n")
    del files["committed/000001-a.sql"]

    [found] = complaints(files)

    assert found.message.endswith("and there is no file in front of it")


def test_other_line_ends_are_no_change() -> None:
    """graphile-migrate stops at them."""
    files = committed("A;\n", "B;\n")

    windows = {name: text.replace("\n", "\r\n") for name, text in files.items()}

    assert load_files(files) == load_files(windows)


@pytest.mark.parametrize("missing", ["Previous", "Hash"])
def test_a_file_without_its_head_is_refused(missing: str) -> None:
    """Somebody wrote it by hand."""
    files = committed("A;\n")
    lines = files["committed/000001-a.sql"].splitlines(keepends=True)
    files["committed/000001-a.sql"] = "".join(line for line in lines if missing not in line)

    assert [
        Complaint(
            f"migrations/committed/000001-a.sql: there is no --! {missing}: in its first lines",
            COMMIT,
        )
    ] == complaints(files, reading=GRAPHILE)


def test_a_file_may_do_without_a_transaction() -> None:
    """When it says so in the first line that is no head."""
    files = committed("--! no-transaction\nA;\n", "A;\n--! no-transaction\n")

    assert [False, True] == [migration.up.transaction for migration in load_files(files)]


def test_placeholders_come_from_the_settings() -> None:
    """As whole words, with their colon or without; a cast is none, and the hash is of the file."""
    files = committed("A :OWNER :OWNERS x::OWNER;\n")
    reading = Reading("auto", {":OWNER": "app", "OTHER": "b"})

    [migration] = load_files(files, reading=reading)

    assert text_of(migration.up).endswith("\n\nA app :OWNERS x:app;\n")


def test_a_placeholder_that_nobody_set_is_refused() -> None:
    """graphile-migrate knows the name of the database and its owner by itself."""
    files = committed("GRANT ALL\nTO :DATABASE_OWNER;\n")

    [found] = complaints(files)

    assert found.message == (
        "migrations/committed/000001-a.sql:6:4: nobody said what :DATABASE_OWNER stands for"
    )
    assert 'placeholders = { DATABASE_OWNER = "…" } in the settings says it' == found.hint


def test_an_include_is_refused() -> None:
    """Committing puts it in its place; in a committed file it is only a comment."""
    [found] = complaints(committed("--!include a.sql\n"))

    assert found.message == (
        "migrations/committed/000001-a.sql:5:1: a.sql is not included here, nor by graphile-migrate"
    )


def test_a_folder_without_any_says_so() -> None:
    """What is in current.sql is no migration yet."""
    [found] = complaints({"current.sql": "A;\n", "committed/.gitkeep": ""})

    assert "no migrations in migrations" == found.message


def test_what_is_named_otherwise_is_nothing_to_graphile() -> None:
    """A name has a number, and then dashes, letters and digits only."""
    files = {**committed("A;\n"), "committed/notes.sql": "B;\n", "committed/2 b.sql": "C;\n"}

    assert ["000001"] == [migration.key for migration in load_files(files)]
