"""What the rows of each tool say, with the corners that a real table seldom shows. Pure."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from asyncmig.adopt.siphash import siphash13
from asyncmig.adopt.tool import Applied, ForeignHistory, moment
from asyncmig.adopt.tools import TOOLS
from asyncmig.adopt.tools.graphile_migrate import hash_of
from asyncmig.foreign import ForeignTable
from tests.adopt.tables import EVERY
from tests.docs.markdown import PROJECT, section, table

if TYPE_CHECKING:
    from asyncmig.adopt.tool import Tool

Row = dict[str, str | None]

BY_NAME = {tool.name: tool for tool in TOOLS}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def said(name: str, rows: list[Row], **beside: list[Row]) -> ForeignHistory:
    """Return what rows of a tool say; columns that are not given are NULL."""
    tool = BY_NAME[name]
    return tool.interpret([dict.fromkeys(tool.columns) | row for row in rows], beside)


def keys(history: ForeignHistory) -> list[str]:
    """Return what is applied."""
    return [applied.key for applied in history.applied]


def test_the_tools_are_sorted_and_each_is_tried_on_a_database() -> None:
    """Their names are what ``--from`` takes."""
    names = [tool.name for tool in TOOLS]

    assert sorted(names) == names
    assert names == [made.tool for made in EVERY]


def test_the_page_lists_every_tool_with_its_tables() -> None:
    """What it says of locks and checksums is what is done."""
    rows = table(section((PROJECT / "docs/howto/adopt.md").read_text(), "## Which tools"))
    told = {row[0].split("`")[1]: row for row in rows}

    assert list(BY_NAME) == list(told)
    for name, row in told.items():
        tool = BY_NAME[name]
        assert tool.table in row[1]
        assert (tool.changed is not None) == bool(row[2])
        holds = bool(tool.locks(ForeignTable("public", "any", {}, "shop")))
        assert holds == (row[3] == "yes")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_two_tools_recognise_the_same_table(tool: Tool) -> None:
    """Else ``auto`` would have to guess, but for what stands beside a table."""
    found = ForeignTable("public", "any", dict.fromkeys(tool.columns, "text"), "shop")
    same_place = [
        other
        for other in TOOLS
        if {tool.table, *tool.other_tables} & {other.table, *other.other_tables}
        and (other.needs, other.excludes) in {((), ()), (tool.needs, tool.excludes)}
    ]

    assert [tool] == [other for other in same_place if other.recognises(found)]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_table_without_rows_says_nothing(tool: Tool) -> None:
    """Nobody has to adopt that."""
    assert tool.interpret([], {}).is_empty


def test_the_newest_row_of_goose_counts() -> None:
    """Its first releases appended a row for a way down; ids are compared as numbers."""
    rows: list[Row] = [
        {"id": "10", "version_id": "2", "is_applied": "f"},
        {"id": "9", "version_id": "2", "is_applied": "t"},
        {"id": "2", "version_id": "1", "is_applied": "1"},
        {"id": "1", "version_id": "0", "is_applied": "1"},
    ]

    assert ["1"] == keys(said("goose", rows))


def test_golang_migrate_has_a_number_below_zero_for_nothing() -> None:
    """After everything was taken down."""
    assert said("golang-migrate", [{"version": "-1", "dirty": "f"}]).is_empty
    assert ForeignHistory(through="7") == said("golang-migrate", [{"version": "7", "dirty": "0"}])


def _flyway(rank: int, kind: str, version: str | None, **more: str | None) -> Row:
    row: Row = {"installed_rank": str(rank), "type": kind, "version": version, "success": "t"}
    return {**row, "description": f"step {rank}", **more}


def test_the_events_of_flyway_are_folded_in_their_order() -> None:
    """Undone and deleted ones are gone, a schema is none, a baseline covers what is before it."""
    history = said(
        "flyway",
        [
            _flyway(10, "UNDO_SQL", "1.9"),
            _flyway(1, "SCHEMA", None),
            _flyway(2, "BASELINE", "1"),
            _flyway(3, "SQL", "1.10", checksum="5"),
            _flyway(4, "SQL", "1.9", checksum="6"),
            _flyway(5, "JDBC", "1.2", checksum="7"),
            _flyway(6, "SQL", "1.3"),
            _flyway(7, "DELETE", "1.3"),
            _flyway(8, "SQL", None, checksum="1"),
            _flyway(9, "SQL", None, checksum="2", description="step 8"),
        ],
    )

    assert ("1", ["1.2", "1.10", "R__step_8"]) == (history.baseline, keys(history))
    assert [None, "5", "2"] == [applied.checksum for applied in history.applied]


def test_a_baseline_of_atlas_covers_what_is_before_it() -> None:
    """What was settled by a person is applied, however many statements of it ran."""
    rows: list[Row] = [
        {"version": "1", "type": "1", "applied": "0", "total": "0"},
        {"version": "2", "type": "6", "applied": "1", "total": "4", "description": "two"},
    ]
    history = said("atlas", rows)

    assert ("1", None, ["2"]) == (history.baseline, history.trouble, keys(history))


def test_an_older_table_of_river_has_no_lines() -> None:
    """All of it is the main line then."""
    assert ["1", "10"] == keys(said("river", [{"version": "10"}, {"version": "1"}]))


def test_prisma_may_have_tried_more_than_once() -> None:
    """Only what was neither finished nor rolled back stops us."""
    rows: list[Row] = [
        {"migration_name": "1_one", "rolled_back_at": "x", "started_at": "1"},
        {"migration_name": "1_one", "finished_at": "2026-01-01T12:00:00Z", "started_at": "2"},
    ]
    history = said("prisma", rows)

    assert (None, [NOON]) == (history.trouble, [applied.at for applied in history.applied])


def test_the_applications_of_django_are_told_apart() -> None:
    """A bare file name is the project's only where it has one application."""
    rows: list[Row] = [
        {"id": "1", "app": "auth", "name": "0001_initial"},
        {"id": "2", "app": "shop", "name": "0001_initial"},
    ]
    other: Row = {"id": "3", "app": "blog", "name": "0001_initial"}
    alone = said("django", rows).applied
    together = said("django", [*rows, other]).applied

    assert ("auth.0001_initial", "auth_0001_initial") == alone[0].names
    assert "0001_initial" in alone[1].names
    assert ["0001_initial" in applied.names for applied in together] == [False] * 3


def test_the_path_of_asyncpg_trek_may_lead_back() -> None:
    """To an earlier revision, or to the beginning."""
    steps = [("initial", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")]
    rows: list[Row] = [{"from_revision": one, "to_revision": two} for one, two in steps]
    back: Row = {"from_revision": "d", "to_revision": "initial"}

    assert ["a", "d"] == keys(said("asyncpg-trek", rows))
    assert said("asyncpg-trek", [*rows, back]).is_empty


def test_a_row_of_drizzle_is_a_time_and_since_version_1_a_name() -> None:
    """Names of folders keep no milliseconds; only a name says where a row belongs."""
    rows: list[Row] = [
        {"hash": "y", "created_at": "1708710681721", "name": "20240223175121_b"},
        {"hash": "x", "created_at": "1708710600009.0"},
    ]
    old, new = said("drizzle", rows).applied

    assert (("1708710600009", "1708710600000"), "0") == (old.names, old.order)
    assert ("20240223175121_b", "20240223175121") == (new.names[0], new.order)


def test_a_lock_of_liquibase_that_nobody_holds_is_no_trouble() -> None:
    """Its row is always there."""
    free: list[Row] = [{"locked": "f", "lockedby": None}]

    assert said("liquibase", [], databasechangeloglock=free).is_empty


def test_versions_that_are_compared_as_text_are_those_of_the_files() -> None:
    """Here they are compared as numbers, so the formats spell them otherwise: `_` follows 9."""
    diesel = said("diesel", [{"version": "20240313"}, {"version": "initial"}])
    prisma = said("prisma", [{"migration_name": "20240313_a", "finished_at": "x"}])

    assert ["20240313000000", None] == [applied.version for applied in diesel.applied]
    assert ["20240313999999"] == [applied.order for applied in prisma.applied]


MOMENTS = {
    "2026-01-01T12:00:00.000000+00:00": NOON,
    "2026-01-01 12:00:00": NOON,
    "2026-01-01T13:00:00+01:00": NOON,
    "2026-01-01T12:00:00.000000000Z": NOON,
    "1767268800": NOON,
    "1767268800000": NOON,
    "1767268800000000": NOON,
    "1767268800000000000": NOON,
    "": None,
    "yesterday": None,
    "9" * 40: None,
}


@pytest.mark.parametrize("text", MOMENTS)
def test_a_time_is_read_as_it_was_kept(text: str) -> None:
    """SQLite keeps what it is given; what nobody can read is not known."""
    assert MOMENTS[text] == moment(text)


def test_the_hash_of_graphile_leaves_the_header_out() -> None:
    """It is that of the former hash, a line end, and the text without blanks around it."""
    header = b"--! Previous: sha1:abc\n--! Hash: sha1:def\n--! Message: a table\n\n"
    expected = hashlib.sha1(b"sha1:abc\nSELECT 1;\n", usedforsecurity=False).hexdigest()

    assert f"sha1:{expected}" == hash_of("sha1:abc", header + b"\r\nSELECT 1;\r\n\n")


def test_siphash_is_the_one_that_python_uses() -> None:
    """With a key of zeros; the hash of nothing is what Rust's ``DefaultHasher`` begins with."""
    script = "import sys; print(*[hash(bytes(range(n))) % 2**64 for n in range(1, 40)])"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert "siphash13" == sys.hash_info.algorithm
    assert list(map(int, told.stdout.split())) == [siphash13(bytes(range(n))) for n in range(1, 40)]
    assert 15130871412783076140 == siphash13(b"")


def test_a_home_made_name_may_have_an_ending() -> None:
    """A value is a version, or the name of a file."""
    from asyncmig.adopt.homemade import homemade

    rows: list[Row] = [{"step": "007"}, {"step": "008_users.up.sql"}, {"step": "Orders"}]
    history = homemade("steps", "step").interpret(rows, {})

    assert [
        Applied("007", version="007"),
        Applied("008_users.up.sql", names=("008_users",), order="008", name="008_users"),
        Applied("Orders", names=("Orders",), name="Orders"),
    ] == list(history.applied)
