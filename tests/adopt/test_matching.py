"""What another tool says, laid beside the files. Pure."""

from __future__ import annotations

from asyncmig.adopt.files import MigrationFile
from asyncmig.adopt.matching import Matching, match
from asyncmig.adopt.tool import Applied, ForeignHistory
from asyncmig.migration import Migration, SqlScript, Version
from tests.values import repeatable, versioned

FILES = [MigrationFile(versioned(number)) for number in (1, 2, 3)]


def matched(
    history: ForeignHistory,
    files: list[MigrationFile] = FILES,
    mapped: dict[str, str] | None = None,
) -> Matching:
    """Match without checksums."""
    return match(history, files, None, mapped or {})


def versions(found: Matching) -> list[str]:
    """Return the versions of the files that are matched."""
    return [one.file.migration.key for one in found.matched]


def revision(number: int, name: str, parents: str | None = None) -> MigrationFile:
    """Return a file that was made of a revision of alembic."""
    revises = "" if parents is None else f"-- alembic: revises {parents}\n"
    return MigrationFile(versioned(number), f"-- alembic: revision {name}\n{revises}".encode())


def test_a_number_stands_for_every_file_up_to_it() -> None:
    """golang-migrate keeps one; it may be newer than the files of an older image."""
    found, ahead = matched(ForeignHistory(through="2")), matched(ForeignHistory(through="9"))

    assert (["1", "2"], (), ()) == (versions(found), found.missing, found.ahead)
    assert (["1", "2", "3"], ["9"]) == (versions(ahead), [one.key for one in ahead.ahead])


def test_a_number_without_a_file_lost_it() -> None:
    """What it ran last is gone, though there are newer files."""
    found = matched(ForeignHistory(through="2"), [FILES[0], FILES[2]])

    assert (["1"], ["2"]) == (versions(found), [one.key for one in found.missing])


def test_leading_zeros_make_no_other_version() -> None:
    """And the files come in their order, whatever that of the rows is."""
    rows = tuple(Applied(text, version=text) for text in ("003", "0001"))

    found = matched(ForeignHistory(rows))

    assert (["1", "3"], [FILES[1]]) == (versions(found), list(found.late))


def test_a_name_comes_before_a_version() -> None:
    """A folder's name counts where each migration has one; a bare name only if it is alone."""
    paths = ("m/20240101_init/migration.sql", "m/2_same.up.sql", "m/3_same.up.sql")
    files = [
        MigrationFile(
            Migration(Version(str(number)), path[2:].partition(".")[0][2:], "", SqlScript("", path))
        )
        for number, path in enumerate(paths, start=1)
    ]
    rows = tuple(Applied(name, names=(name,)) for name in ("20240101_init", "3_same", "same"))

    found = matched(ForeignHistory(rows), files)

    assert (["1", "3"], ["same"]) == (versions(found), [one.key for one in found.missing])


def test_a_person_has_the_last_word() -> None:
    """``--map`` wins over names and versions."""
    rows = (Applied("1", version="1"), Applied("Init", names=("Init",)))

    assert ["2", "3"] == versions(matched(ForeignHistory(rows), mapped={"1": "3", "Init": "2"}))


def test_repeatables_are_matched_by_their_names() -> None:
    """They have no place in the order, and are never late."""
    files = [*FILES, MigrationFile(repeatable("totals")), MigrationFile(repeatable("other"))]
    rows = (Applied("R__totals", names=("totals",), repeatable=True),)

    found = matched(ForeignHistory(rows), files)

    assert (["R__totals"], ()) == (versions(found), found.late)


def test_several_change_sets_of_a_file_are_one_match() -> None:
    """Of a file that lost one of them nobody can tell."""
    rows = tuple(Applied(f"1::{n}", names=("1_v1",)) for n in range(3))

    assert ["1"] == versions(matched(ForeignHistory(rows)))


def test_a_revision_stands_for_all_before_it() -> None:
    """The first line of a file says which it was; a person may say it instead."""
    files = [revision(1, "aa"), revision(2, "bb"), revision(3, "cc")]
    by_comment = matched(ForeignHistory(heads=("bb",)), files)
    by_map = matched(ForeignHistory(heads=("zz",)), mapped={"zz": "2"})

    assert (["1", "2"], ["1", "2"]) == (versions(by_comment), versions(by_map))


def test_a_revision_may_stand_in_the_name_of_a_file() -> None:
    """As ``asyncmig import alembic`` may name them."""
    path = "m/2_bb_users.sql"
    files = [FILES[0], MigrationFile(Migration(Version("2"), "bb_users", "", SqlScript("", path)))]

    assert ["1", "2"] == versions(matched(ForeignHistory(heads=("bb",)), files))


def test_a_revision_that_no_file_was_made_of_is_told() -> None:
    """The files may be older than the database."""
    found = matched(ForeignHistory(heads=("gone",)), [revision(1, "aa")])

    assert ([], ["gone"]) == (versions(found), [one.key for one in found.missing])


def test_branches_are_told_apart_where_the_files_say_what_they_follow() -> None:
    """One of two branches may have been applied alone."""
    files = [
        revision(1, "aa", ""),
        revision(2, "bb", "aa"),
        revision(3, "cc", "aa"),
        revision(4, "dd", "bb, cc"),
    ]
    one = matched(ForeignHistory(heads=("cc",)), files)
    both = matched(ForeignHistory(heads=("bb", "cc")), files)
    merged = matched(ForeignHistory(heads=("dd",)), files)

    assert ["1", "3"] == versions(one)
    assert ["1", "2", "3"] == versions(both)
    assert ["1", "2", "3", "4"] == versions(merged)


def test_branches_of_which_the_files_say_nothing_are_trouble() -> None:
    """Nothing is guessed."""
    found = matched(ForeignHistory(heads=("aa", "bb")), [revision(1, "aa"), revision(2, "bb")])

    assert found.trouble is not None
    assert (["aa", "bb"], "alembic has applied 2 branches (aa, bb)") == (
        list(found.trouble.keys),
        found.trouble.sentence.partition(",  ")[0].partition(", and")[0],
    )


def test_what_a_baseline_covers_is_not_late() -> None:
    """It was declared to be there."""
    found = matched(ForeignHistory((Applied("3", version="3"),), baseline="1"))

    assert ([FILES[1]], Version("1")) == (list(found.late), found.baseline)
