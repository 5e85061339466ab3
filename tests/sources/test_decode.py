"""From bytes to text: marks, line ends, and bytes that are none."""

from __future__ import annotations

import pytest

from asyncmig.checksum import checksum
from tests.sources.memory_folder import Complaint, complaints, load_file, text_of


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ""),
        (b"SELECT 1", "SELECT 1"),
        (b"\xef\xbb\xbfSELECT 1;\n", "SELECT 1;\n"),
        (b"SELECT 1;\r\nSELECT 2;\r\n", "SELECT 1;\nSELECT 2;\n"),
        (b"SELECT 1;\rSELECT 2;\r", "SELECT 1;\nSELECT 2;\n"),
        (b"SELECT 'a\r\nb\rc';\n", "SELECT 'a\nb\nc';\n"),
        ("SELECT 'größe 表 🐘'".encode(), "SELECT 'größe 表 🐘'"),
        (b"-- only a comment\n", "-- only a comment\n"),
        (b"\x0c\n\xc2\x85\xe2\x80\xa8", "\x0c\n\x85\u2028"),
    ],
)
def test_text_is_utf_8_with_newlines(content: bytes, expected: str) -> None:
    r"""No byte order mark, only `\n` line ends, and nothing else is changed."""
    migration = load_file("1_a.sql", content)

    assert expected == text_of(migration.up)
    assert checksum(expected) == migration.checksum


def test_line_ends_and_marks_do_not_change_the_checksum() -> None:
    """What git or an editor does to a checked-out file is no change of the migration."""
    texts = [
        b"SELECT 1;\nSELECT 2;\n",
        b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n",
        b"SELECT 1;\nSELECT 2;",
    ]

    assert 1 == len({load_file("1_a.sql", text).checksum for text in texts})


@pytest.mark.parametrize("name", ["1_a.sql", "1_a.py"])
@pytest.mark.parametrize(
    ("content", "sentence", "line", "column"),
    [
        (b"-- caf\xe9\n", "byte 0xe9 is not UTF-8", 1, 7),
        (b"\xef\xbb\xbf\xff", "byte 0xff is not UTF-8", 1, 1),
        ("-- é表\r\n-- 🐘".encode() + b"\x80", "byte 0x80 is not UTF-8", 2, 5),
        (b"-- a\n-- \xc3", "byte 0xc3 is not UTF-8", 2, 4),
        (b"-- a\n\0", "there is a NUL byte", 2, 1),
        ("-- a\n-- é\0".encode(), "there is a NUL byte", 2, 5),
        ("-- a\n".encode("utf-16"), "the file is UTF-16", 1, 1),
        (b"\xfe\xff\0-", "the file is UTF-16", 1, 1),
    ],
)
def test_a_byte_that_is_no_text_is_shown(
    name: str, content: bytes, sentence: str, line: int, column: int
) -> None:
    """The error names the line and the column, in characters, of the first such byte."""
    expected = Complaint(
        f"migrations/{name}:{line}:{column}: {sentence}", "save the file as UTF-8", line, column
    )

    assert [expected] == complaints({name: content})
