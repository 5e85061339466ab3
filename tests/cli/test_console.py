"""The streams: colours, encodings, and readers who leave."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from asyncmig.cli.output.console import Paint, Stream
from tests.commands import clean_environment

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


class Terminal(io.StringIO):
    """A stream in memory that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "colours"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_are_for_terminals_and_for_who_asks(
    environ: dict[str, str], *, terminal: bool, colours: bool
) -> None:
    """NO_COLOR wins over FORCE_COLOR, and both win over the kind of the stream."""
    stream = Stream(Terminal() if terminal else io.StringIO(), environ)

    expected = "\x1b[31m\x1b[1mtext\x1b[0m" if colours else "text"
    assert expected == stream.paint("text", Paint.RED, Paint.BOLD)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "größe … · é\n".encode()),
        ("latin-1", b"gr\xf6\xdfe ... - \xe9\n"),
        ("ascii", b"gr\\xf6\\xdfe ... - \\xe9\n"),
    ],
)
def test_what_a_stream_cannot_write_is_spelled_in_ascii(encoding: str, expected: bytes) -> None:
    """No terminal makes the command crash."""
    memory = io.BytesIO()
    stream = Stream(io.TextIOWrapper(memory, encoding=encoding, newline="\n"), {})

    stream.write("größe … · é")

    assert expected == memory.getvalue()


def test_a_file_name_that_is_no_text_can_be_written() -> None:
    """Python keeps its bytes as surrogates, which no encoding has."""
    memory = io.BytesIO()
    stream = Stream(io.TextIOWrapper(memory, encoding="utf-8"), {})

    stream.write(os.fsdecode(b"\xff.sql"), end="")

    assert b"\\udcff.sql" == memory.getvalue()


def test_without_a_stream_nothing_is_written() -> None:
    """A process may have been started without stdout."""
    stream = Stream(None, {})

    stream.write("text")

    assert not stream.is_terminal


@pytest.mark.parametrize("words", [["--help"], ["status"], ["up"], ["history", "--json"]])
def test_a_reader_who_leaves_is_no_error(cli: CommandLine, words: list[str]) -> None:
    """`asyncmig history | head` neither traces nor fails."""
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "asyncmig", *words],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=clean_environment(cli.root, ASYNCMIG_LOG_FORMAT="none"),
        cwd=cli.root,
        timeout=30,
        check=False,
    )
    os.close(writing)

    assert (0, b"") == (done.returncode, done.stderr)


def test_a_terminal_that_knows_ascii_only_gets_ascii(cli: CommandLine) -> None:
    """PYTHONIOENCODING and a C locale are common in containers."""
    cli.migrations.write("003_größe.sql", "SELECT 1;\n")

    done = subprocess.run(
        [sys.executable, "-m", "asyncmig", "status"],
        capture_output=True,
        env=clean_environment(cli.root, PYTHONIOENCODING="ascii"),
        cwd=cli.root,
        timeout=30,
        check=True,
    )

    assert b"gr\\xf6\\xdfe" in done.stdout
