"""golang-migrate's files: pairs, halves without the other one, and nothing else."""

from __future__ import annotations

import pytest

from asyncmig.errors import DuplicateVersionError, NoMigrationsError
from asyncmig.migration import SqlScript
from asyncmig.sources import find_problems
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, MemoryFolder, complaints, load_files, text_of

GOLANG_MIGRATE = Reading("golang-migrate")


def test_a_pair_is_all_of_two_files() -> None:
    """There are no markers: what looks like one of another tool is a comment."""
    up, down = "-- migrate:down\nA;\n", "-- +goose Up\nB;\n"

    [migration] = load_files({"001_users.up.sql": up, "1_.down.sql": down}, reading=GOLANG_MIGRATE)

    assert ("001", "users") == (migration.key, migration.name)
    assert SqlScript(up, "migrations/001_users.up.sql") == migration.up
    assert SqlScript(down, "migrations/1_.down.sql") == migration.down


def test_a_half_may_be_without_the_other() -> None:
    """To go up where there is only a down does nothing, and counts."""
    files = {"1_a.up.sql": "A;", "2_b.down.sql": "B;"}

    first, second = load_files(files, reading=GOLANG_MIGRATE)

    assert None is first.down
    assert ("", "B;") == (text_of(second.up), text_of(second.down))
    assert "migrations/2_b.down.sql" == second.path


def test_numbers_are_compared_as_numbers() -> None:
    """Zero is one of them."""
    names = ["10_a.up.sql", "9_a.up.sql", "0_a.up.sql", "20260101000000_a.up.sql"]

    migrations = load_files(dict.fromkeys(names, "A;"), reading=GOLANG_MIGRATE)

    assert ["0", "9", "10", "20260101000000"] == [migration.key for migration in migrations]


def test_what_is_named_otherwise_is_nothing_to_golang_migrate() -> None:
    """Neither whole files nor other words, other endings, or a number that is too large."""
    names = [
        "1_a.sql",
        "schema.sql",
        "1-a.up.sql",
        "1_a.UP.sql",
        "1_a.up.json",
        "1_a.up.sql.bak",
        f"{1 << 64}_a.up.sql",
    ]

    with pytest.raises(NoMigrationsError):
        load_files(dict.fromkeys(names, "A;"), reading=GOLANG_MIGRATE)


def test_two_ups_of_one_version_are_refused() -> None:
    """golang-migrate refuses them too, however the number is padded."""
    files = MemoryFolder({"1_a.up.sql": "", "01_b.up.sql": ""})

    [error] = find_problems(files, Dialect.SQLITE, GOLANG_MIGRATE)

    assert isinstance(error, DuplicateVersionError)


@pytest.mark.parametrize(
    ("text", "transaction"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (c);", False),
        ("-- why\nCREATE INDEX CONCURRENTLY i ON t (c);\nVACUUM t;\n", False),
        ("CREATE TABLE t ();\nCREATE INDEX CONCURRENTLY i ON t (c);", True),
    ],
)
def test_what_cannot_run_in_a_transaction_runs_without_one(text: str, *, transaction: bool) -> None:
    """golang-migrate sends a file as it is; only with nothing else in it that works."""
    [migration] = load_files({"1_a.up.sql": text}, reading=GOLANG_MIGRATE)

    assert transaction == migration.up.transaction


def test_migrations_in_python_stand_beside_the_others() -> None:
    """Who takes over a folder can go on in it."""
    files = {"1_a.up.sql": "A;", "2_b.py": "async def up(connection): ...\n", "gen.py": "!"}

    migrations = load_files(files, reading=GOLANG_MIGRATE)

    assert ["1", "2"] == [migration.key for migration in migrations]


def test_without_a_sign_of_golang_migrate_a_missing_up_is_an_error() -> None:
    """It may as well be forgotten; the hint says what to say if it is not."""
    hint = (
        "write 2_b.up.sql too; or say --format golang-migrate, which takes it for one that has "
        "nothing to apply"
    )

    assert [
        Complaint("migrations/2_b.down.sql: the down half of a pair without its up", hint)
    ] == complaints({"1_a.up.sql": "A;", "2_b.down.sql": "B;"})
