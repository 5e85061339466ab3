"""What cannot run in a transaction is told in the words of the tool whose folder it is."""

from __future__ import annotations

import json

import pytest

from asyncmig.engines.statements import prepare
from asyncmig.errors import InvalidMigrationError
from asyncmig.migration import Direction, SqlScript
from asyncmig.sources.formats import TOOLS
from asyncmig.sources.reading import Reading
from asyncmig.sql import Dialect
from tests.sources.formats.test_atlas import signed
from tests.sources.formats.test_graphile import committed
from tests.sources.memory_folder import load_files

STAYS = "CREATE TABLE t (id int);\n"
OUTSIDE = "VACUUM;\n"
ENDS = "COMMIT;\nSELECT 1;\n"
JOURNAL = json.dumps({"entries": [{"idx": 0, "when": 1, "tag": "0000_a", "breakpoints": True}]})

MARKERS = {
    "asyncmig": "`-- migrate:up transaction:false`",
    "dbmate": "`-- migrate:up transaction:false`",
    "goose": "`-- +goose NO TRANSACTION`",
    "sqlx": "`-- no-transaction` as its first line",
    "sql-migrate": "`-- +migrate Up notransaction`",
    "tern": "`---- tern: disable-tx ----`",
    "diesel": "`run_in_transaction = false` in its metadata.toml",
    "flyway": "`executeInTransaction=false` in the .conf beside it",
    "atlas": "`-- atlas:txmode none` and an empty line at its top",
    "graphile-migrate": "`--! no-transaction` as its first line",
    "yoyo": "`-- transactional: false` at its top",
    "postgres-migrations": "`-- postgres-migrations disable-transaction`",
}
NO_MARKER = sorted({*TOOLS} - {*MARKERS, "rails"})  # of which nothing is run


def folder_of(tool: str, sql: str) -> dict[str, str]:
    """Return a folder of a tool that has one migration."""
    return {
        "asyncmig": {"1_a.sql": f"-- migrate:up\n{sql}"},
        "dbmate": {"1_a.sql": f"-- migrate:up\n{sql}"},
        "goose": {"1_a.sql": f"-- +goose Up\n{sql}"},
        "sql-migrate": {"1_a.sql": f"-- +migrate Up\n{sql}"},
        "tern": {"001_a.sql": sql},
        "diesel": {"1_a/up.sql": sql},
        "prisma": {"1_a/migration.sql": sql},
        "flyway": {"V1__a.sql": sql},
        "refinery": {"V1__a.sql": sql},
        "golang-migrate": {"1_a.up.sql": sql},
        "maragudk": {"1_a.up.sql": sql},
        "river": {"001_a.up.sql": sql},
        "drizzle": {"meta/_journal.json": JOURNAL, "0000_a.sql": sql},
        "yoyo": {"0001.a.sql": sql},
        "graphile-migrate": committed(sql),
        "atlas": signed({"1_a.sql": sql}),
    }.get(tool, {"1_a.sql": sql})


def hint_for(tool: str, files: dict[str, str], direction: Direction = Direction.UP) -> str:
    """Return the hint of the error for the one migration of such a folder."""
    (migration,) = load_files(files, reading=Reading(tool))
    script = migration.script(direction)
    assert isinstance(script, SqlScript)
    with pytest.raises(InvalidMigrationError) as caught:
        prepare(script, Dialect.POSTGRESQL, migration.key)
    return caught.value.hint


@pytest.mark.parametrize(("tool", "marker"), MARKERS.items())
def test_a_statement_that_wants_no_transaction_is_told_the_marker_of_the_tool(
    tool: str, marker: str
) -> None:
    """The one of asyncmig means nothing in the folder of another tool."""
    files = folder_of(tool, f"{STAYS}{OUTSIDE}")

    assert f"give it a file of its own with {marker}" == hint_for(tool, files)


@pytest.mark.parametrize("tool", NO_MARKER)
def test_without_a_marker_a_file_of_its_own_is_enough(tool: str) -> None:
    """What has nothing else in its file runs without a transaction."""
    files = folder_of(tool, f"{STAYS}{OUTSIDE}")

    assert "give it a file of its own" == hint_for(tool, files)
    (alone,) = load_files(folder_of(tool, OUTSIDE), reading=Reading(tool))
    assert not alone.up.transaction


@pytest.mark.parametrize(("tool", "marker"), MARKERS.items())
def test_a_commit_in_the_middle_is_told_the_marker_of_the_tool(tool: str, marker: str) -> None:
    """Nobody has to write a marker that the tool would not read."""
    expected = (
        f"take it out (the file is one transaction already), or run the file without: {marker}"
    )

    assert expected == hint_for(tool, folder_of(tool, f"{STAYS}{ENDS}"))


@pytest.mark.parametrize("tool", NO_MARKER)
def test_a_commit_in_the_middle_of_a_file_without_marker_is_where_to_split_it(tool: str) -> None:
    """Each file commits."""
    expected = "take it out (the file is one transaction already), or split the file"

    assert expected == hint_for(tool, folder_of(tool, f"{STAYS}{ENDS}"))


@pytest.mark.parametrize(
    ("tool", "between", "marker"),
    [
        ("asyncmig", "-- migrate:down\n", "`-- migrate:down transaction:false`"),
        ("goose", "-- +goose Down\n", "`-- +goose NO TRANSACTION`"),
        ("sql-migrate", "-- +migrate Down\n", "`-- +migrate Down notransaction`"),
        ("tern", "---- create above / drop below ----\n", "`---- tern: disable-tx ----`"),
    ],
)
def test_the_way_down_has_the_marker_of_the_way_down(tool: str, between: str, marker: str) -> None:
    """Where there is one for each."""
    files = folder_of(tool, f"{STAYS}{between}SELECT 1;\n{OUTSIDE}")

    assert f"give it a file of its own with {marker}" == hint_for(tool, files, Direction.DOWN)


@pytest.mark.parametrize(
    ("tool", "mark"),
    [
        ("asyncmig", {"1_a.sql": "-- migrate:up transaction:false\n"}),
        ("dbmate", {"1_a.sql": "-- migrate:up transaction:false\n"}),
        ("goose", {"1_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"}),
        ("sqlx", {"1_a.sql": "-- no-transaction\n"}),
        ("sql-migrate", {"1_a.sql": "-- +migrate Up notransaction\n"}),
        ("tern", {"001_a.sql": "---- tern: disable-tx ----\n"}),
        ("diesel", {"1_a/up.sql": "", "1_a/metadata.toml": "run_in_transaction = false\n"}),
        ("flyway", {"V1__a.sql": "", "V1__a.sql.conf": "executeInTransaction=false\n"}),
        ("atlas", {"1_a.sql": "-- atlas:txmode none\n\n"}),
        ("graphile-migrate", {"committed/000001-a.sql": "--! no-transaction\n"}),
        ("yoyo", {"0001.a.sql": "-- transactional: false\n"}),
        ("postgres-migrations", {"1_a.sql": "-- postgres-migrations disable-transaction\n"}),
    ],
)
def test_whoever_does_what_the_hint_says_has_no_transaction(
    tool: str, mark: dict[str, str]
) -> None:
    """The advice is what the format reads."""
    (name, head), *beside = mark.items()
    files = {name: f"{head}{STAYS}{OUTSIDE}", **dict(beside)}
    if tool == "atlas":
        files = signed(files)
    if tool == "graphile-migrate":
        files = committed(files[name])

    (migration,) = load_files(files, reading=Reading(tool))

    assert not migration.up.transaction
