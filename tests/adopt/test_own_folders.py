"""The folder of each tool, read as it is, beside the history that the tool has of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator
from asyncmig.adopt.tools.flyway import crc32_of_lines
from asyncmig.adopt.tools.refinery import checksums
from tests.adopt.tables import (
    DBMATE,
    DIESEL,
    DRIZZLE,
    FLYWAY,
    GOLANG_MIGRATE,
    GOOSE,
    PRISMA,
    REFINERY,
    SQL_MIGRATE,
    SQLX,
    make_tables,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adopt.tables import Made

A, B, C = (f"CREATE TABLE {name} (id integer);\n" for name in "abc")
DOWN = "DROP TABLE a;\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A project that has used a tool.

    Attributes:
        made: Its table.
        files: What is in the folder; all but the last migration are applied.
        rows: What puts the rows into the table.
        states: What the status says after the adoption.
    """

    made: Made
    files: dict[str, str]
    rows: str
    states: dict[str, str]

    def __str__(self) -> str:
        """Return the name of the tool, for the name of a test."""
        return self.made.tool


_DRIZZLE = (
    "CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, "
    "created_at numeric)"
)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hash(text: str) -> str:
    return f"x'{hashlib.sha384(text.encode()).hexdigest()}'"


def _crc(text: str) -> int:
    return crc32_of_lines(text.encode())


FLYWAY_COLUMNS = (
    "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, "
    "checksum, installed_by, installed_on, execution_time, success) VALUES "
)
CASES = (
    Case(
        DBMATE,
        {
            "20240102090000_a.sql": f"-- migrate:up\n{A}-- migrate:down\n{DOWN}",
            "20240203090000_b.sql": f"-- migrate:up\n{B}-- migrate:down\n{DOWN}",
        },
        "INSERT INTO schema_migrations VALUES ('20240102090000')",
        {"20240102090000": "applied", "20240203090000": "pending"},
    ),
    Case(
        GOOSE,
        {
            "00001_a.sql": f"-- +goose Up\n{A}-- +goose Down\n{DOWN}",
            "00002_b.sql": f"-- +goose Up\n{B}-- +goose Down\n{DOWN}",
        },
        "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1)",
        {"00001": "applied", "00002": "pending"},
    ),
    Case(
        GOLANG_MIGRATE,
        {
            "000001_a.up.sql": A,
            "000001_a.down.sql": DOWN,
            "000002_b.up.sql": B,
            "000002_b.down.sql": DOWN,
        },
        "INSERT INTO schema_migrations VALUES (1, 0)",
        {"000001": "applied", "000002": "pending"},
    ),
    Case(
        SQLX,
        {
            "20240102090000_a.up.sql": A,
            "20240102090000_a.down.sql": DOWN,
            "20240203090000_b.up.sql": B,
            "20240203090000_b.down.sql": DOWN,
        },
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) "
        f"VALUES (20240102090000, 'a', 1, {_hash(A)}, 5)",
        {"20240102090000": "applied", "20240203090000": "pending"},
    ),
    Case(
        FLYWAY,
        {"V1__a.sql": A, "V1_1_10__b.sql": B, "V1.2__c.sql": C, "R__view.sql": "SELECT 1;\n"},
        f"{FLYWAY_COLUMNS}"
        f"(1, '1', 'a', 'SQL', 'V1__a.sql', {_crc(A)}, 'me', '2024-01-01', 1, 1), "
        f"(2, '1.1.10', 'b', 'SQL', 'V1_1_10__b.sql', {_crc(B)}, 'me', '2024-01-01', 1, 1), "
        f"(3, NULL, 'view', 'SQL', 'R__view.sql', {_crc('SELECT 1;')}, 'me', '2024-01-01', 1, 1)",
        {"1": "applied", "1.1.10": "applied", "1.2": "pending", "R__view": "applied"},
    ),
    Case(
        REFINERY,
        {"V1__a.sql": A, "V2__b.sql": B},
        "INSERT INTO refinery_schema_history VALUES "
        f"(1, 'a', '2024-01-01T00:00:00Z', '{min(checksums('a', 1, A.encode()))}')",
        {"1": "applied", "2": "pending"},
    ),
    Case(
        DIESEL,
        {
            "2024-01-02-090000_a/up.sql": A,
            "2024-01-02-090000_a/down.sql": DOWN,
            "2024-02-03-090000-0000_b/up.sql": B,
            "2024-02-03-090000-0000_b/down.sql": DOWN,
            "2024-03-04-090000_c/up.sql": C,
            "2024-03-04-090000_c/down.sql": DOWN,
        },
        "INSERT INTO __diesel_schema_migrations (version) VALUES "
        "('20240102090000'), ('202402030900000000')",
        {
            "20240102090000": "applied",
            "20240203090000.10000": "applied",
            "20240304090000": "pending",
        },
    ),
    Case(
        replace(DRIZZLE, sqlite=_DRIZZLE),
        {
            "meta/_journal.json": json.dumps(
                {
                    "entries": [
                        {"idx": idx, "when": 1708710681721 + idx, "tag": tag}
                        for idx, tag in enumerate(("0000_a", "0001_b", "extra"))
                    ]
                }
            ),
            "0000_a.sql": A,
            "0001_b.sql": B,
            "extra.sql": C,
        },
        "INSERT INTO __drizzle_migrations (hash, created_at) VALUES "
        f"('{_sha256(B)}', 1708710681722), ('{_sha256(A)}', 1708710681721.0)",
        {"0000": "applied", "0001": "applied", "0002": "pending"},
    ),
    Case(
        replace(DRIZZLE, sqlite=_DRIZZLE),
        {
            "20240223175121_a/migration.sql": A,
            "20240223175121_a/snapshot.json": "{}",
            "20240224000000_b/migration.sql": B,
            "20240224000000_b/snapshot.json": "{}",
        },
        "INSERT INTO __drizzle_migrations (hash, created_at) VALUES "
        f"('{_sha256(A)}', 1708710681721)",
        {"20240223175121": "applied", "20240224000000": "pending"},
    ),
    Case(
        PRISMA,
        {
            "migration_lock.toml": 'provider = "sqlite"\n',
            "20240102090000_a/migration.sql": A,
            "20240203090000_b/migration.sql": B,
        },
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name) VALUES "
        f"('x', '{hashlib.sha256(A.encode()).hexdigest()}', 1704186000000, '20240102090000_a')",
        {"20240102090000": "applied", "20240203090000": "pending"},
    ),
    Case(
        SQL_MIGRATE,
        {
            "20240102-a.sql": f"-- +migrate Up\n{A}-- +migrate Down\n{DOWN}",
            "20240203-b.sql": f"-- +migrate Up\n{B}-- +migrate Down\n{DOWN}",
        },
        "INSERT INTO gorp_migrations VALUES ('20240102-a.sql', '2024-01-02 10:00:00')",
        {"20240102": "applied", "20240203": "pending"},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_project_comes_over_as_it_is(case: Case, sqlite_url: str, tmp_path: Path) -> None:
    """Nothing in the folder is touched, and what is pending is what the tool would run next."""
    folder = tmp_path / "migrations"
    for name, text in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    await make_tables(sqlite_url, replace(case.made, rows=case.rows))
    migrator = Migrator(sqlite_url, folder, observer=None)
    report = await migrator.adopt()

    status = await migrator.status()
    assert case.states == {one.key: one.state.value for one in status.migrations}
    assert ((), (), ()) == (report.without_file, report.out_of_order, status.problems)
