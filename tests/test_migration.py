"""The values that stand for files."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncmig.checksum import checksum
from asyncmig.migration import Direction, Kind, PythonScript, SqlScript, Version, key_of
from tests.values import in_python, repeatable, versioned

numbers = st.integers(min_value=0, max_value=10**20)
zeros = st.integers(min_value=0, max_value=4)


def test_versions_are_compared_as_numbers() -> None:
    """Ten follows nine, whatever their texts say."""
    texts = ["10", "9", "001", "20260822090000", "0"]
    assert ["0", "001", "9", "10", "20260822090000"] == [
        str(version) for version in sorted(map(Version, texts))
    ]


@given(numbers, numbers, zeros)
def test_leading_zeros_do_not_tell_versions_apart(left: int, right: int, padding: int) -> None:
    """Equality, order and hash follow the number alone."""
    one, other = Version("0" * padding + str(left)), Version(str(right))
    assert (left == right, left < right, left >= right) == (one == other, one < other, one >= other)
    assert (left == right) == (len({one, other}) == 1)


def test_versions_of_several_numbers_are_compared_number_by_number() -> None:
    """As Flyway does: 1.10 follows 1.9, and a zero at the end says nothing."""
    texts = ["1.10", "1.9", "2", "1", "1.0.1", "1.9.0.1"]
    assert ["1", "1.0.1", "1.9", "1.9.0.1", "1.10", "2"] == [
        str(version) for version in sorted(map(Version, texts))
    ]
    assert len({Version("1"), Version("1.0"), Version("01.0.0")}) == 1


def test_a_version_is_no_text_and_no_number() -> None:
    """A version equals versions only, so that a forgotten conversion shows."""
    version: object = Version("7")
    assert [False, False] == [version == "7", version == 7]


def test_a_version_is_kept_as_it_was_written() -> None:
    """Documents and messages show the digits of the file name."""
    assert ("007", "Version(text='007')") == (str(Version("007")), repr(Version("007")))


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1_0", "-1", "+1", "1.", ".1", "1..2", "0x1", "٣", "²", "v1"]
)
def test_a_version_that_is_not_digits_is_refused(text: str) -> None:
    """Python's int() would take some of these."""
    with pytest.raises(ValueError, match="a version is made of digits, not "):
        Version(text)


def test_keys_name_migrations_in_messages() -> None:
    """The version as written, or R__ and the name."""
    assert ("007", "R__views") == (key_of(Version("007"), "x"), key_of(None, "views"))
    assert ("3", "R__views") == (versioned(3).key, repeatable("views").key)


def test_kind_and_path_follow_from_the_file() -> None:
    """What has no version is repeatable; the path is that of the up part."""
    three, views = versioned(3), repeatable("views")
    assert (Kind.VERSIONED, "migrations/3_v3.sql") == (three.kind, three.path)
    assert (Kind.REPEATABLE, "migrations/R__views.sql") == (views.kind, views.path)


def test_each_direction_has_its_script() -> None:
    """There may be nothing to go down with."""
    path = "migrations/3_v3.sql"
    three, four = versioned(3), versioned(4, down=None)
    assert SqlScript("up 3", path) == three.script(Direction.UP)
    assert SqlScript("down 3", path) == three.script(Direction.DOWN)
    assert None is four.script(Direction.DOWN)
    five = in_python(5)
    assert PythonScript("source of 5", "migrations/5_v5.py", "down") == five.script(Direction.DOWN)


def test_a_repr_never_shows_the_text_of_a_script() -> None:
    """Seed data of 50 MB, or a secret in it, must not end in a log."""
    for script in (SqlScript("SECRET", "a.sql"), PythonScript("SECRET", "a.py", "up")):
        assert "SECRET" not in repr(script)


@pytest.mark.parametrize("value", [Version("1"), SqlScript("", ""), versioned(1)])
def test_values_are_frozen(value: object) -> None:
    """What was planned cannot change before it runs."""
    name = dataclasses.fields(value)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_a_checksum_says_how_it_was_made() -> None:
    """A release that changes it tells every user that every file was edited."""
    digest = "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd"  # sha256sum
    assert f"sha256:v1:{digest}" == checksum("SELECT 1;\n")


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", exclude_categories=["Cs"]))),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(min_value=0, max_value=3),
    st.sampled_from(["", "\ufeff"]),
)
def test_line_ends_and_a_byte_order_mark_are_no_change(
    lines: list[str], end: str, final: int, mark: str
) -> None:
    """A check-out on Windows is the same migration."""
    assert checksum("\n".join(lines)) == checksum(mark + end.join(lines) + end * final)


@given(st.text(), st.text())
def test_other_text_is_a_change(one: str, other: str) -> None:
    """Anything but line ends counts, white space too."""
    one, other = one.replace("\r", ""), other.replace("\r", "")
    same = one.removeprefix("\ufeff").rstrip("\n") == other.removeprefix("\ufeff").rstrip("\n")
    assert same == (checksum(one) == checksum(other))
