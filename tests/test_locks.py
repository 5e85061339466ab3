"""The values of a lock report, and what a policy says of them: all pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asyncmig.errors import SettingsError
from asyncmig.lock_policy import LockPolicy
from asyncmig.locks import (
    Hazard,
    LockMode,
    LockReport,
    RelationKind,
    RelationReport,
    Violation,
    hazards_in,
)
from asyncmig.sizes import bytes_in, size

USERS = RelationReport(
    "public.users",
    RelationKind.TABLE,
    LockMode.ACCESS_EXCLUSIVE,
    rewritten=True,
    scanned=True,
    rows=7,
    bytes=8192,
    held_ms=12,
    line=3,
)
ORDERS = RelationReport("public.orders", RelationKind.TABLE, LockMode.SHARE, held_ms=40)
INDEX = replace(USERS, relation="public.users_pkey", kind=RelationKind.INDEX)
READ = RelationReport(
    "public.read", RelationKind.TABLE, LockMode.ACCESS_SHARE, scanned=True, held_ms=90
)


def test_modes_are_ordered_and_say_what_they_block() -> None:
    """As the table of conflicts in the manual has it."""
    found = [(str(mode), mode.blocks_reads, mode.blocks_writes) for mode in sorted(LockMode)]

    assert [
        ("ACCESS SHARE", False, False),
        ("ROW SHARE", False, False),
        ("ROW EXCLUSIVE", False, False),
        ("SHARE UPDATE EXCLUSIVE", False, False),
        ("SHARE", False, True),
        ("SHARE ROW EXCLUSIVE", False, True),
        ("EXCLUSIVE", False, True),
        ("ACCESS EXCLUSIVE", True, True),
    ] == found


def test_a_report_is_a_row_of_plain_values() -> None:
    """For documents and logs, in the order of the contract."""
    assert {
        "held_ms": 12,
        "wal_bytes": 100,
        "batches": None,
        "relations": [
            {
                "relation": "public.users",
                "kind": "table",
                "mode": "ACCESS EXCLUSIVE",
                "blocks_reads": True,
                "blocks_writes": True,
                "rewritten": True,
                "scanned": True,
                "rows": 7,
                "bytes": 8192,
                "held_ms": 12,
                "line": 3,
                "inherited": False,
            }
        ],
    } == LockReport((USERS,), 100).as_row()


def test_the_time_is_that_of_the_longest_lock_that_blocks_anybody() -> None:
    """What lets everybody go on may be held for as long as it likes."""
    assert [40, 0] == [
        LockReport((USERS, ORDERS, READ), 0).held_ms,
        LockReport((READ,), 0).held_ms,
    ]


@pytest.mark.parametrize(
    ("relation", "hazards"),
    [
        (USERS, list(Hazard)),
        (INDEX, [Hazard.SCAN, Hazard.BLOCKS_WRITES, Hazard.BLOCKS_READS]),
        (ORDERS, [Hazard.BLOCKS_WRITES]),
        (READ, []),
        (replace(USERS, inherited=True), [Hazard.REWRITE, Hazard.SCAN]),
        (replace(ORDERS, scanned=None), [Hazard.BLOCKS_WRITES]),
    ],
)
def test_a_hazard_is_what_others_suffer_from(
    relation: RelationReport, hazards: list[Hazard]
) -> None:
    """A scan that lets them write is none, nor is a lock that was there before."""
    assert hazards == list(relation.hazards)


def test_a_policy_refuses_what_it_names_but_for_what_is_allowed() -> None:
    """Worst first; an index only where there is no table to blame."""
    report = LockReport((USERS, INDEX, ORDERS), 0)
    policy = LockPolicy(frozenset(Hazard), 100)

    found = policy.violations(report, frozenset({Hazard.SCAN, Hazard.BLOCKS_WRITES}))

    assert (Violation(Hazard.REWRITE, USERS), Violation(Hazard.BLOCKS_READS, USERS)) == found
    assert () == LockPolicy(frozenset(), 0).violations(report)
    only_index = LockReport((replace(USERS, bytes=99), INDEX), 0)
    blocked = LockPolicy(frozenset({Hazard.BLOCKS_READS}), 100)
    assert (Violation(Hazard.BLOCKS_READS, INDEX),) == blocked.violations(only_index)


@pytest.mark.parametrize(
    ("fail_on", "fail_over", "report", "expected"),
    [
        ((), 0, False, None),
        ((), 0, True, LockPolicy()),
        ("", "10MB", False, None),
        ("rewrite", "10MB", False, LockPolicy(frozenset({Hazard.REWRITE}), 10 * 1024**2)),
        (
            ["scan", "blocks-writes"],
            512,
            False,
            LockPolicy(frozenset({Hazard.SCAN, Hazard.BLOCKS_WRITES}), 512),
        ),
        ({Hazard.SCAN}, 1.0, True, LockPolicy(frozenset({Hazard.SCAN}), 1)),
    ],
)
def test_a_policy_is_spelled_as_words_and_a_size(
    fail_on: list[str] | str,
    fail_over: float | str,
    report: bool,  # noqa: FBT001 - a parameter of a test
    expected: LockPolicy | None,
) -> None:
    """Without a word nobody looks, unless a report is asked for."""
    assert expected == LockPolicy.of(fail_on, fail_over, report=report)


@pytest.mark.parametrize(
    ("fail_on", "fail_over", "sentence"),
    [
        (
            ["rewrite", "locks"],
            0,
            "fail_on takes rewrite, scan, blocks_writes, blocks_reads, not rewrite, locks",
        ),
        ((), "large", "fail_over is a size such as 10MB, not 'large'"),
        ((), -1, "fail_over is a size such as 10MB, not -1"),
    ],
)
def test_a_policy_that_makes_no_sense_is_a_sentence(
    fail_on: list[str], fail_over: float | str, sentence: str
) -> None:
    """Not a traceback."""
    with pytest.raises(SettingsError) as caught:
        LockPolicy.of(fail_on, fail_over, report=True)

    assert sentence == caught.value.message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rewrite"], {Hazard.REWRITE}),
        ([" scan ", "blocks-reads"], {Hazard.SCAN, Hazard.BLOCKS_READS}),
        ([], None),
        ([""], None),
        (["Rewrite"], None),
    ],
)
def test_hazards_are_named(words: list[str], expected: set[Hazard] | None) -> None:
    """Nothing else is guessed."""
    assert expected == hazards_in(words)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", 0),
        ("4096", 4096),
        ("512kB", 512 * 1024),
        (" 10 MB ", 10 * 1024**2),
        ("1.5gb", 3 * 1024**3 // 2),
        ("2TB", 2 * 1024**4),
        ("7b", 7),
        ("ten", None),
        ("-1", None),
        ("10 MiB", None),
        ("", None),
    ],
)
def test_a_size_is_a_number_with_or_without_a_unit(written: str, expected: int | None) -> None:
    """Bytes without one; a unit is 1024 of the one below, as PostgreSQL has it."""
    assert expected == bytes_in(written)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (8192, "8 kB"),
        (1536, "1.5 kB"),
        (12_900_000, "12 MB"),
        (3 * 1024**4, "3 TB"),
        (3000 * 1024**4, "3000 TB"),
    ],
)
def test_sizes_are_short(count: int, expected: str) -> None:
    """Two digits say enough."""
    assert expected == size(count)
