"""Whose folder is it? What is there tells, or a person does."""

from __future__ import annotations

import pytest

from asyncmig.errors import SettingsError
from asyncmig.sources import load
from asyncmig.sources.folder import read_folder
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect
from tests.sources.memory_folder import Complaint, MemoryFolder, complaints


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
    ],
)
def test_a_folder_is_recognised_by_what_only_one_tool_writes(
    files: dict[str, str], tool: str
) -> None:
    """Plain files are ours, and so are files that were converted."""
    assert tool == format_of(files)


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
