"""The folder of graphile-migrate: what was committed, each file with the hash of the one before.

Rules: graphile/migrate, ``src/migration.ts``, ``hash.ts``, ``header.ts``, ``migrationFilename.ts``.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from asyncmig.migration import Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.errors import SourceError
    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)(?:-(?P<name>[-_a-zA-Z0-9]*))?\.sql")
_HEADER = re.compile(r"--! (?P<key>[A-Z][a-zA-Z0-9_]*)(?::(?P<value>.*))?\n")
_HASH = re.compile(r"^--! Hash:", re.MULTILINE)
_INCLUDE = re.compile(r"^--![ \t]*include[ \t]+(?P<path>.*\.sql)[ \t]*$", re.MULTILINE)
_WITHOUT = re.compile(r"--!\s*no-transaction\b")
_MARKER = "`--! no-transaction` as its first line"
_RESERVED = ("DATABASE_NAME", "DATABASE_OWNER")


class Graphile:
    """``committed/VERSION-name.sql``; what is in ``current.sql`` is not there yet, and not run."""

    tool = "graphile-migrate"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a header with a hash in it, or for what is to be committed yet."""
        committed = _committed(tree)
        is_begun = committed is not tree and "current.sql" in tree.names
        return is_begun or committed.has_comment(_HASH, _NAME)

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the committed files; each must name the hash of the one before it."""
        tree = _committed(tree)
        former: str | None = "-"
        for entry in tree.files:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            version = match["version"]
            name = FileName(Version(version), match["name"] or version)
            file = File(name, tree.path_of(entry), entry)
            headers = _headers(tree.heads[entry.name])
            if former is not None and headers.get("Previous", former) != former:
                there = "there is no file in front of it"
                if former != "-":
                    there = f"the file in front of it has {former}"
                yield file.place.wrong(
                    f"it was written behind the hash {headers['Previous']}, and {there}",
                    hint="a file is missing, was added or was renamed: commit it anew",
                )
            else:
                yield file
            former = headers.get("Hash")

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take what follows the header, with what its placeholders stand for."""
        headers = _headers(text.script)
        body = _body(text.script)
        _check_hash(body, headers, text.place)
        if match := _INCLUDE.search(text.script):
            raise text.wrong_at(
                match.start(),
                f"{match['path']} is not included here, nor by graphile-migrate",
                hint="`graphile-migrate commit` puts it in its place: commit the file anew",
            )
        script = Text(_replaced(text, context.placeholders), text.place)
        without = _WITHOUT.match(body.partition("\n")[0]) is not None
        return whole(script, file, context, marked=without, marker=_MARKER)


def _committed(tree: Tree) -> Tree:
    """Return the folder of what was committed, which may be named itself."""
    return next((folder for folder in tree.folders if folder.name == "committed"), tree)


def _headers(script: str) -> dict[str, str]:
    """Return what the first lines say, such as Previous, Hash and Message."""
    headers: dict[str, str] = {}
    offset = 0
    while match := _HEADER.match(script, offset):
        headers.setdefault(match["key"], (match["value"] or "").strip())
        offset = match.end()
    return headers


def _body(script: str) -> str:
    """Return what follows the first lines."""
    offset = 0
    while match := _HEADER.match(script, offset):
        offset = match.end()
    return script[offset:].strip() + "\n"


def _check_hash(body: str, headers: Mapping[str, str], place: Place) -> None:
    """Refuse a file that was changed after it was committed.

    Raises:
        SourceError: It was, and its header does not allow that.
    """
    for key in ("Previous", "Hash"):
        if not headers.get(key):
            raise place.wrong(f"there is no --! {key}: in its first lines", hint=_COMMIT)
    previous = headers["Previous"].removeprefix("-")
    hashed = f"{previous}\n{body.strip()}".strip() + "\n"
    found = "sha1:" + hashlib.sha1(hashed.encode(), usedforsecurity=False).hexdigest()
    if found != headers["Hash"] and "AllowInvalidHash" not in headers:
        raise place.wrong(
            f"it was changed after it was committed: its hash is {found}",
            hint="put back what was committed, or say --! AllowInvalidHash in its first lines",
        )


_COMMIT = "files are committed by `graphile-migrate commit`; what is in current.sql is not run"


def _replaced(text: Text, placeholders: Mapping[str, str]) -> str:
    """Return a text with what its placeholders stand for.

    Raises:
        SourceError: One of the two that graphile-migrate knows by itself is not given.
    """
    known = {name.removeprefix(":"): value for name, value in placeholders.items()}
    names = "|".join(map(re.escape, {*known, *_RESERVED}))
    for match in re.finditer(rf":(?P<name>{names})\b", text.script):
        if match["name"] not in known:
            raise text.wrong_at(
                match.start(),
                f"nobody said what :{match['name']} stands for",
                hint=f'placeholders = {{ {match["name"]} = "…" }} in the settings says it',
            )
    return re.sub(rf":({names})\b", lambda match: known[match[1]], text.script)
