"""From looks at a transaction's locks to a report: pure, so every corner can be laid out."""

from __future__ import annotations

from dataclasses import replace

from asyncmig.engines.postgres.sightings import (
    KINDS,
    Moment,
    Relation,
    Sighting,
    Sightings,
    mode_named,
    with_batch,
)
from asyncmig.locks import LockMode, LockReport, RelationKind, RelationReport

TABLE, INDEX = RelationKind.TABLE, RelationKind.INDEX
AEL, SHARE, ROW = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE, LockMode.ROW_EXCLUSIVE
BEFORE = {
    "1": Relation("a.users", TABLE, 10, 100),
    "2": Relation("a.users_pkey", INDEX, 10, 50),
    "3": Relation("a.events", RelationKind.PARTITIONED_TABLE, None, 0),
    "4": Relation("a.events_1", TABLE, 3, 30, parent="3"),
    "5": Relation("a.numbers", RelationKind.SEQUENCE, 1, 8),
}
MARKS: dict[str, tuple[str | None, int]] = {
    "1": ("11", 2),
    "2": ("12", 0),
    "3": (None, 0),
    "4": ("14", 0),
    "5": (None, 0),
}


def seen(*looks: tuple[Moment, list[Sighting]], held: list[Sighting] | None = None) -> Sightings:
    """Return what was seen after some looks; the migration began at 100 s."""
    sightings = Sightings(BEFORE, MARKS, held or [], 100.0)
    for moment, found in looks:
        sightings.add(found, moment)
    return sightings


def report(sightings: Sightings, **sizes: int) -> list[RelationReport]:
    """Return the report at 101 s; sizes are ``oid_1`` and so on."""
    known = {name.removeprefix("oid_"): size for name, size in sizes.items()}
    return list(sightings.report(known, now=101.0, wal_bytes=7, counts_scans=True).relations)


def test_the_statement_that_took_the_strongest_lock_first_is_remembered() -> None:
    """Neither a weaker one in front of it nor the same one behind it."""
    found = seen(
        (Moment(100.1, 1), [Sighting("1", ROW, "11", 2)]),
        (Moment(100.4, 2), [Sighting("1", ROW, "11", 2), Sighting("1", AEL, "11", 2)]),
        (Moment(100.6, 3), [Sighting("1", AEL, "11", 2)]),
    )

    expected = RelationReport("a.users", TABLE, AEL, rows=10, bytes=100, held_ms=600, line=2)
    assert [expected] == report(found)


def test_what_was_not_there_before_does_not_count() -> None:
    """Nobody else can be waiting for it."""
    assert [] == report(seen((Moment(100.1, 1), [Sighting("9", AEL, "19", 1)])))


def test_another_file_is_a_rewrite_unless_it_is_empty() -> None:
    """TRUNCATE gives a new file as well, and reads that; of a sequence no file is looked at."""
    moved = [Sighting("1", AEL, "21", 3), Sighting("2", AEL, "22", 0), Sighting("5", SHARE, "9", 0)]
    truncated, rewritten = Moment(100.1, 1, empties=True), Moment(100.1, 1)

    found = [
        {r.relation: (r.rewritten, r.scanned) for r in report(seen((moment, moved)))}
        for moment in (truncated, rewritten)
    ]

    nothing = (False, False)
    assert [
        {"a.users": nothing, "a.users_pkey": nothing, "a.numbers": nothing},
        {"a.users": (True, True), "a.users_pkey": (True, False), "a.numbers": nothing},
    ] == found


def test_a_rewrite_behind_a_truncate_is_one() -> None:
    """Each look is compared with the one before it."""
    found = seen(
        (Moment(100.1, 1, empties=True), [Sighting("1", AEL, "21", 2)]),
        (Moment(100.2, 2), [Sighting("1", AEL, "31", 2)]),
    )

    assert [True] == [relation.rewritten for relation in report(found)]


def test_an_index_is_never_scanned() -> None:
    """The server counts every look-up in one as a scan."""
    found = seen((Moment(100.1, 1), [Sighting("2", ROW, "12", 5)]))

    assert [False] == [relation.scanned for relation in report(found)]


def test_a_dropped_relation_is_no_rewritten_one() -> None:
    """It has no file any more."""
    found = seen((Moment(100.1, 1), [Sighting("1", AEL, None, 2)]))

    assert [False] == [relation.rewritten for relation in report(found)]


def test_the_larger_of_two_sizes_counts() -> None:
    """The estimate may be old; what was dropped or emptied has only that."""
    look = [Sighting("1", AEL, "11", 2), Sighting("4", AEL, None, 0)]
    found = seen((Moment(100.1, 1), look))

    assert {"a.users": 500, "a.events_1": 30} == {
        relation.relation: relation.bytes for relation in report(found, oid_1=500, oid_4=0)
    }


def test_a_partitioned_table_is_as_large_as_its_partitions() -> None:
    """It has no file of its own, and a lock on it is one on everything below."""
    found = seen((Moment(100.1, 1), [Sighting("3", AEL, None, 0)]))

    assert [30] == [relation.bytes for relation in report(found, oid_3=0)]


def test_a_lock_that_was_held_before_is_inherited_until_another_is_taken() -> None:
    """That it is taken once more cannot be seen; a weaker one that is new can."""
    held = [Sighting("1", AEL, "11", 2), Sighting("4", AEL, "14", 0)]
    look = [*held, Sighting("4", SHARE, "14", 1)]

    users, events = sorted(
        report(seen((Moment(100.5, 4), look), held=held)), key=lambda r: r.relation, reverse=True
    )

    assert (AEL, True, None, 1000) == (users.mode, users.inherited, users.line, users.held_ms)
    assert (SHARE, False, 4, 500) == (events.mode, events.inherited, events.line, events.held_ms)


def test_where_scans_are_not_counted_they_are_unknown() -> None:
    """Neither yes nor no."""
    found = seen((Moment(100.1, 1), [Sighting("1", AEL, "11", 9)]))

    told = found.report({}, now=101.0, wal_bytes=7, counts_scans=False)

    expected = RelationReport(
        "a.users", TABLE, AEL, scanned=None, rows=10, bytes=100, held_ms=900, line=1
    )
    assert LockReport((expected,), 7) == told


def test_the_strongest_lock_comes_first() -> None:
    """Then what was rewritten, what was scanned, what is large, and the alphabet."""
    look = [
        Sighting("2", AEL, "12", 0),
        Sighting("1", AEL, "11", 2),
        Sighting("5", SHARE, None, 0),
        Sighting("4", AEL, "24", 0),
    ]

    names = [relation.relation for relation in report(seen((Moment(100.1, 1), look)))]

    assert ["a.events_1", "a.users", "a.users_pkey", "a.numbers"] == names


def test_the_server_s_words_are_understood() -> None:
    """Modes as pg_locks spells them, kinds as pg_class does."""
    names = ["AccessShareLock", "ShareUpdateExclusiveLock", "AccessExclusiveLock"]

    assert [LockMode.ACCESS_SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE, AEL] == [
        mode_named(name) for name in names
    ]
    assert list(RelationKind) == [KINDS[letter] for letter in "rpiIvmSfc"]


def test_of_several_batches_the_worst_is_told() -> None:
    """Of each relation the strongest lock, and of equal ones the longest; the log adds up."""
    users = RelationReport("a.users", TABLE, SHARE, rows=10, bytes=100, held_ms=7, line=1)
    longer = replace(users, held_ms=9, bytes=200, rows=20)
    stronger = replace(users, mode=AEL, held_ms=1, scanned=True)
    orders = RelationReport("a.orders", TABLE, AEL, rewritten=True, held_ms=3)

    first = with_batch(None, LockReport((users,), 5))
    second = with_batch(first, LockReport((longer,), 6))
    third = with_batch(second, LockReport((orders, stronger), 7))
    last = with_batch(third, LockReport((replace(orders, rewritten=False),), None), is_last=True)

    seen_twice = replace(longer, rows=10)
    seen_thrice = replace(stronger, rows=10, bytes=200)
    assert [
        LockReport((users,), 5, 1),
        LockReport((seen_twice,), 11, 2),
        LockReport((orders, seen_thrice), 18, 3),
        LockReport((orders, seen_thrice), None, 3),
    ] == [first, second, third, last]
    assert 0 == with_batch(None, LockReport((), 0), is_last=True).batches


def test_a_batch_whose_scans_were_not_counted_leaves_them_unknown() -> None:
    """And one that holds a lock since before it counts less than one that took its own."""
    taken = RelationReport("a.users", TABLE, SHARE, scanned=None)
    held = RelationReport("a.users", TABLE, AEL, inherited=True, held_ms=50)

    found = with_batch(with_batch(None, LockReport((held,), 0)), LockReport((taken,), 0))

    assert LockReport((taken,), 0, 2) == found
