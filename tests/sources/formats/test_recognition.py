"""Whose folder is it? What is there tells, or a person does."""

from __future__ import annotations

import pytest

from asyncmig.errors import SettingsError
from asyncmig.sources import load
from asyncmig.sources.folder import read_folder
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, MemoryFolder, complaints

ALONE = "CREATE INDEX CONCURRENTLY i ON t (c);\n"


def format_of(files: dict[str, str]) -> str:
    """Return the tool that a folder is recognised as."""
    return read_folder(MemoryFolder(files), Dialect.POSTGRESQL).format


@pytest.mark.parametrize(
    ("files", "tool"),
    [
        ({"1_a.sql": "A;"}, "asyncmig"),
        ({"1_a.sql": "-- migrate:up\nA;"}, "asyncmig"),
        ({"1_a.sql": "-- +goose Up\nA;"}, "goose"),
        ({"1_a.sql": "-- migrate:up\n-- +goose Up\nA;"}, "asyncmig"),
        ({"1_a.up.sql": "-- +goose Up\nA;"}, "asyncmig"),
        ({"1_a/up.sql": "A;"}, "diesel"),
        ({"1_a/migration.sql": "A;"}, "prisma"),
        ({"migration_lock.toml": "", "1_a/migration.sql": "A;"}, "prisma"),
        ({"1_a.sql": "A;", "fixtures/a.sql": "B;"}, "asyncmig"),
        ({"1-a.sql": "A;", "2-b.sql": "B;"}, "plain"),
        ({"1_a.up.sql": "A;", "1_a.down.sql": "B;"}, "asyncmig"),
        ({"1_a.up.sql": ALONE}, "golang-migrate"),
        ({"1_a.up.sql": "A;", "1_a.down.sql": "VACUUM;"}, "golang-migrate"),
        ({"1_a.up.sql": ALONE, "2_b.sql": "B;"}, "asyncmig"),
        ({"1_a.up.sql": f"-- migrate:up transaction:false\n{ALONE}"}, "asyncmig"),
        ({"1_a.up.sql": "DROP TABLE /* TEMPLATE: schema */a;"}, "river"),
        ({"1_a.sql": f"-- no-transaction\n{ALONE}"}, "sqlx"),
        ({"1_a.sql": "A;\n-- no-transaction"}, "asyncmig"),
        ({"1_a.up.sql": f"-- no-transaction\n{ALONE}"}, "sqlx"),
        ({"1_a.up.sql": f"-- no-transaction\n{ALONE}", "2_b.up.sql": ALONE}, "golang-migrate"),
        ({"1_a.sql": "-- Add migration script here\nA;"}, "sqlx"),
        ({"1_a.down.sql": "-- Add down migration script here", "1_a.up.sql": ""}, "sqlx"),
        ({"1_a.sql": "-- +migrate Up\nA;"}, "sql-migrate"),
        ({"1_a.sql": "A;\n---- create above / drop below ----\nB;"}, "tern"),
        ({"1_a.sql": "---- tern: disable-tx ----\nA;"}, "tern"),
        ({"V1__a.sql": "A;"}, "flyway"),
        ({"V1.2__a.sql": "A;", "R__v.sql": "V;"}, "flyway"),
        ({"B1__a.sql": "A;"}, "flyway"),
        ({"V1.sql": "A;", "V1_1.sql": "B;"}, "plain"),
        ({"V1.sql": "A;", "V1_1__b.sql": "B;"}, "flyway"),
        ({"V1__a.sql": "A;", "U1__a.sql": "B;"}, "flyway"),
        ({"more/V1__a.sql": "A;"}, "flyway"),
        ({"R__v.sql": "V;"}, "asyncmig"),
        ({"U1__a.sql": "A;"}, "refinery"),
        ({"1-a.sql": "-- migrate:up\nA;"}, "dbmate"),
        ({"1-a.sql": "-- migrate:up\nA;", "2_b.sql": "B;"}, "asyncmig"),
        ({"1-a.sql": "-- migrate:up\nA;", "seed.sql": "B;"}, "asyncmig"),
        ({"1-a.sql": "-- Up Migration\nA;"}, "node-pg-migrate"),
        ({"1_a.sql": "-- Up Migration\nA;", "R__b.sql": "B;"}, "asyncmig"),
        ({"1_a.sql": "-- depends: 0_b\nA;"}, "yoyo"),
        ({"1.a.sql": "A;", "2.b.py": "from yoyo import step\n"}, "yoyo"),
        ({"1_a.sql": "A;", "2_b.py": "async def up(connection): ..."}, "asyncmig"),
        ({"1.a.sql": "A;", "1.a.rollback.sql": "B;"}, "yoyo"),
        ({"1-a.sql": "-- postgres-migrations disable-transaction\nA;"}, "postgres-migrations"),
        ({"committed/000001.sql": "--! Previous: -\n--! Hash: a\n\nA;"}, "graphile-migrate"),
        ({"000001-a.sql": "--! Previous: -\n--! Hash: a\n\nA;"}, "graphile-migrate"),
        ({"1_a.sql": "A;", "atlas.sum": "h1:"}, "atlas"),
        ({"1_a.sql": "-- +goose Up\nA;", "atlas.sum": "h1:"}, "goose"),
        ({"1_a.up.sql": "A;", "1_a.down.sql": "B;", "atlas.sum": "h1:"}, "asyncmig"),
        ({"0000_a.sql": "A;", "meta/_journal.json": "{}"}, "drizzle"),
        ({"1_a/migration.sql": "A;", "1_a/snapshot.json": "{}"}, "drizzle"),
        ({"1_a.rb": ""}, "rails"),
        ({"1_a.rb": "", "2_b.sql": "B;"}, "asyncmig"),
    ],
)
def test_a_folder_is_recognised_by_what_only_one_tool_writes(
    files: dict[str, str], tool: str
) -> None:
    """Plain files are ours, and so are files that were converted."""
    assert tool == format_of(files)


def test_files_of_ours_are_not_passed_over_for_those_of_flyway() -> None:
    """A file that was given a name of Flyway's is misnamed among ours."""
    [found] = complaints({"1_a.sql": "A;", "V2__b.sql": "B;"})

    assert "migrations/V2__b.sql: this is not the name of a migration" == found.message


def test_rust_among_the_files_makes_them_those_of_refinery() -> None:
    """Flyway would pass over it."""
    [found] = complaints({"V1__a.sql": "A;", "V2__b.rs": ""})

    assert "migrations/V2__b.rs: a migration in Rust, which cannot be run here" == found.message


def test_a_u_that_undoes_nothing_means_one_thing_to_flyway_and_another_to_refinery() -> None:
    """Flyway never runs it, and refinery applies it."""
    assert [
        Complaint(
            "migrations means one thing by the rules of flyway and another by those of refinery",
            "say whose it is: --format flyway or --format refinery",
        )
    ] == complaints({"V1__a.sql": "A;", "U2__b.sql": "B;"})


def test_a_folder_that_means_two_things_is_refused() -> None:
    """Which of them is meant, nobody can guess."""
    files = {
        "1_a.sql": "-- migrate:up\nA;\n-- migrate:down\nB;\n",
        "2_b.sql": "-- +goose Up\nA;\n-- +goose Down\nB;\n",
    }

    assert [
        Complaint(
            "migrations means one thing by the rules of asyncmig and another by those of goose",
            "say whose it is: --format asyncmig or --format goose",
        )
    ] == complaints(files)


def test_a_format_that_nobody_knows_is_a_wrong_setting() -> None:
    """The sentence lists what there is."""
    with pytest.raises(SettingsError, match="there is no format 'gose'") as caught:
        load(MemoryFolder({"1_a.sql": ""}), Dialect.SQLITE, Reading("gose"))

    assert caught.value.hint.startswith("one of auto, asyncmig, ")
