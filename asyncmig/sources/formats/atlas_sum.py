"""``atlas.sum``: one line for each file, with a checksum of everything up to its end.

Rules: ariga/atlas, ``NewHashFile()`` and ``Validate()`` in ``sql/migrate/dir.go``. Because a line
depends on all before it, two branches that both add a file get in each other's way in git.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.sources.decode import decode
from asyncmig.sources.location import unreadable
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncmig.errors import SourceError
    from asyncmig.sources.tree import Tree

SUM = "atlas.sum"
_ALGORITHM = "h1:"
_IGNORED = re.compile(rb"[ -~]*atlas:sum +ignore\s")


@dataclass(frozen=True, slots=True)
class _Line:
    """What the sum says of one file."""

    name: str
    digest: str


def check_sum(tree: Tree) -> None:
    """Compare the files of a folder with what the sum says of them.

    Files that were checked out with other line ends are the same.

    Raises:
        SourceError: They are not what it says, or it cannot be read.
    """
    place = Place(tree.location.path_of(SUM))
    entry = tree.find(SUM)
    if entry is None:
        raise place.wrong("there is none, and Atlas would not run without it", hint=_AGAIN)
    try:
        head, *rest = decode(entry.read_bytes(), place).split("\n")
        contents = {
            file.name: file.read_bytes() for file in tree.files if file.name.endswith(".sql")
        }
    except OSError as error:
        raise unreadable(error.filename or place.path, error) from error
    said = [_line(line, number, place) for number, line in enumerate(rest, 2) if line]
    if head.removeprefix(_ALGORITHM) != _total(said):
        raise place.wrong("its first line is not the sum of the others", hint=_AGAIN, line=1)
    unix = {name: content.replace(b"\r\n", b"\n") for name, content in contents.items()}
    if said not in (_lines(contents), _lines(unix)):
        raise _difference(said, _lines(contents), place)


_AGAIN = "if the files are as they should be, `atlas migrate hash` writes it again"


def _line(line: str, number: int, place: Place) -> _Line:
    """Take a line apart: a name, which may have spaces in it, and a digest."""
    name, algorithm, digest = line.rpartition(f" {_ALGORITHM}")
    if not algorithm:
        raise place.wrong("this is not a line of it", hint=_AGAIN, line=number)
    return _Line(name.strip(), digest.strip())


def _lines(contents: dict[str, bytes]) -> list[_Line]:
    """Return what the sum would say."""
    running = hashlib.sha256()
    lines: list[_Line] = []
    for name, content in sorted(contents.items()):
        running.update(name.encode())
        if not _IGNORED.match(content):
            running.update(content)
            lines.append(_Line(name, _encoded(running.digest())))
    return lines


def _total(lines: Iterable[_Line]) -> str:
    """Return the sum of all lines."""
    text = "".join(line.name + line.digest for line in lines)
    return _encoded(hashlib.sha256(text.encode()).digest())


def _encoded(digest: bytes) -> str:
    return binascii.b2a_base64(digest, newline=False).decode()


def _difference(said: Sequence[_Line], found: Sequence[_Line], place: Place) -> SourceError:
    """Return the error for the first file that is not what the sum says."""
    index = next(
        (i for i, (mine, theirs) in enumerate(zip(said, found, strict=False)) if mine != theirs),
        min(len(said), len(found)),
    )
    names = {line.name for line in found}
    if index < len(said) and said[index].name not in names:
        sentence = f"it lists {said[index].name}, which is not there"
    elif index < len(said) and said[index].name == found[index].name:
        sentence = f"{said[index].name} was changed after it was written"
    else:
        sentence = f"it does not list {found[index].name}"
    return place.wrong(sentence, hint=_AGAIN, line=index + 2)
