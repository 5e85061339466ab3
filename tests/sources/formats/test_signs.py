"""What a folder shows at a glance: enough to ask every format that could be sure, and few others.

Beside this, ``conftest.py`` compares the signs of each folder that any conformance suite reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncmig.sources.formats import TOOLS, format_of, recognition, signs
from asyncmig.sources.formats.recognition import candidates
from asyncmig.sources.location import locate
from asyncmig.sources.tree import Tree
from tests.sources.memory_folder import MemoryFolder

if TYPE_CHECKING:
    from asyncmig.sources.formats.base import FileFormat

NAMES = [
    *["1_a.sql", "2-b.sql", "3.sql", "V1__a.sql", "U2__b.sql", "B3__c.sql", "V4__d.rs", "R__v.sql"],
    *["1_a.up.sql", "1_a.down.sql", "1_a.rollback.sql", "seed.sql", "_7.sql", "1-a.up.sql"],
    *["2_b.py", "1_a.rb", "20260102_01_abcde-name.sql", "20260102_01_abcde.py", "1.a.py"],
    *["1700000000000_a.js", "17000000000001234-a.mts", "atlas.sum", "migration_lock.toml"],
    *["current.sql", "committed/000001-a.sql", "committed/notes", "000001-a.sql"],
    *["1_a/up.sql", "1_a/migration.sql", "1_a/snapshot.json", "meta/_journal.json", "m/V1__x.sql"],
]
LINES = [
    *[
        "-- migrate:up",
        "--migrate:down",
        "--\t migrate:up x:y",
        "-- +goose Up",
        "--  x +goose Down",
    ],
    *["-- +migrate Up", "-- +migrate\tDown", "---- create above / drop below ----"],
    *["---- tern: disable-tx ----", "-- no-transaction", "-- Add up migration script here"],
    *["-- UP  Migration", "--- - up\tmigration", "-- Down Migration", "-- depends: 0_b"],
    *["  --depends\t :", "-- transactional  : no", "--! Hash: a", "--! Previous: -"],
    *["-- postgres-migrations disable-transaction", "/* TEMPLATE: schema */", "VACUUM;"],
    *["from yoyo import step", "  import yoyo", "SELECT 1;", "", "CREATE INDEX CONCURRENTLY i;"],
]
contents = st.lists(st.sampled_from(LINES), max_size=4).map("\n".join)


def test_every_tool_has_a_sign() -> None:
    """One without would never be recognised."""
    nothing = Tree(locate(MemoryFolder({})))

    assert [] == [tool for tool in TOOLS if signs.is_given(tool, nothing)]


@given(st.dictionaries(st.sampled_from(NAMES), contents, max_size=5))
def test_a_sign_is_given_wherever_a_format_is_sure(files: dict[str, str]) -> None:
    """Whatever the files are called and whatever they say: nobody would ask it otherwise."""
    tree = Tree(locate(MemoryFolder(files)))
    sure = {tool for tool in TOOLS if format_of(tool).is_sure(tree)}

    assert sure <= {tool for tool in TOOLS if signs.is_given(tool, tree)}


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({"1_a.sql": "-- migrate:up\nA;\n-- migrate:down\nB;\n"}, ["asyncmig"]),
        ({"1_a.sql": "-- make it\nA;", "2_b.py": "async def up(connection): ..."}, []),
        ({"1_a.up.sql": "A;", "1_a.down.sql": "B;", "R__v.sql": "V;"}, ["golang-migrate"]),
        ({"1_a.sql": "-- +goose Up\nA;\n-- +goose Down\nB;\n"}, ["goose"]),
        ({"V1__a.sql": "A;", "R__v.sql": "V;"}, ["flyway", "refinery", "plain"]),
        ({"1_a/up.sql": "A;", "1_a/down.sql": "B;"}, ["diesel"]),
        ({"1_a/migration.sql": "A;"}, ["prisma", "drizzle"]),
        ({"1-a.sql": "A;"}, ["plain"]),
        ({"1_a.sql": "A;\n---- create above / drop below ----\nB;\n"}, ["tern"]),
        ({"1_a.rb": "", "2_b.rb": ""}, ["rails"]),
        ({"1_a.sql": "A;", "atlas.sum": "h1:"}, ["atlas"]),
        ({"1-a.sql": "-- migrate:up\nA;"}, ["asyncmig", "dbmate", "plain"]),
        ({"1_a.up.sql": "DROP TABLE /* TEMPLATE: schema */a;"}, ["golang-migrate", "river"]),
        ({"1_a.sql": "A;", "fixtures/a.sql": "B;"}, []),
    ],
)
def test_only_those_are_asked_who_may_be_meant(
    files: dict[str, str], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask is to import: a folder of ours pays for no other tool."""
    found: list[str] = []

    def noted(tool: str) -> FileFormat:
        found.append(tool)
        return format_of(tool)

    monkeypatch.setattr(recognition, "format_of", noted)
    candidates(Tree(locate(MemoryFolder(files))))

    assert asked == found
