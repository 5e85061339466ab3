"""From the bytes of a migration file to its text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncmig.errors import InvalidMigrationError
    from asyncmig.sources.place import Place


UTF_8 = "utf-8"
"""What a text is encoded in, unless a tool of another kind says otherwise."""


def decode(content: bytes, place: Place, encoding: str = UTF_8) -> str:
    r"""Return the text of a file: UTF-8, without byte order mark, with ``\n`` line ends.

    Line ends become ``\n`` inside string literals too. Git writes the one or the other, depending
    on who checks out (``core.autocrlf``), and the checksum does not tell them apart; so what has
    the same checksum must be the same SQL. A carriage return that is meant belongs in an escape:
    ``E'\r'`` in PostgreSQL, ``char(13)`` in SQLite.

    Raises:
        InvalidMigrationError: A byte is not of the encoding, or is NUL, which no database takes in
            a script.
    """
    if encoding != UTF_8:
        content = _as_utf_8(content, place, encoding)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise place.wrong("the file is UTF-16", hint=_SAVE_AS_UTF8, line=1, column=1)
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        byte = f"0x{content[error.start]:02x}"
        raise _wrong_byte(content, error.start, place, f"byte {byte} is not UTF-8") from None
    if "\0" in text:
        raise _wrong_byte(content, content.index(0), place, "there is a NUL byte")
    return text


_SAVE_AS_UTF8 = "save the file as UTF-8"


def _wrong_byte(content: bytes, offset: int, place: Place, sentence: str) -> InvalidMigrationError:
    """Return the error for one byte; everything in front of it is sound."""
    line_start = content.rfind(b"\n", 0, offset) + 1
    return place.wrong(
        sentence,
        hint=_SAVE_AS_UTF8,
        line=content.count(b"\n", 0, offset) + 1,
        column=len(content[line_start:offset].decode()) + 1,
    )


def _as_utf_8(content: bytes, place: Place, encoding: str) -> bytes:
    """Return the same text in UTF-8."""
    try:
        return content.decode(encoding).encode()
    except UnicodeError:
        raise place.wrong(f"the file is not in {encoding}") from None
