"""The folder of Atlas: SQL files, and ``atlas.sum``, which says what is in them.

Rules: ariga/atlas, ``sql/migrate/dir.go`` and ``lex.go``, ``txmodeFor()`` in ``cmdapi/migrate.go``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.atlas_sum import SUM, check_sum
from asyncmig.sources.formats.delimiters import with_semicolons
from asyncmig.sources.formats.numbering import in_order, told_apart, version_sorted_as_text
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.names import FileName, is_half
from asyncmig.sources.place import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Direction, Script
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.tree import Tree

_NAME = re.compile(r"(?P<version>[0-9]+)[-_. ]*(?P<name>.*)\.sql", re.DOTALL)
_SQL = re.compile(r".*\.sql", re.DOTALL)
_FLYWAY = re.compile(r"[VUBR][0-9._]*__.*\.sql", re.DOTALL)
_DIRECTIVE = re.compile(r"[ -~]*?atlas:(?P<word>\w+)(?: +(?P<value>.+))?")
_OTHER = re.compile(r"^--[ \t]*(?:\+goose|migrate:(?:up|down)|liquibase formatted)", re.MULTILINE)
_ESCAPED = {r"\n": "\n", r"\r": "\r", r"\t": "\t"}


class Atlas:
    """``VERSION_name.sql`` and ``atlas.sum``: the whole file is the way up, there is none down.

    A version is all in front of the first underscore, also ``20230710111950-cas-backend``
    (chainloop); here it is the number at its beginning.
    """

    tool = "atlas"

    def is_sure(self, tree: Tree) -> bool:
        """Look for ``atlas.sum`` beside files that are Atlas's own: it sums up those of others."""
        return (
            SUM in tree.names
            and not any(is_half(name) or _FLYWAY.fullmatch(name) for name in tree.names)
            and not tree.has_comment(_OTHER, _SQL)
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the SQL files, without the checkpoints that sum up what is there anyway."""
        try:
            check_sum(tree)
        except SourceError as error:
            yield error
        found: list[File] = []
        for entry in tree.files:
            if not entry.name.endswith(".sql"):
                continue
            path = tree.path_of(entry)
            match = _NAME.fullmatch(entry.name)
            if match is None:
                yield Place(path).wrong(
                    "its name does not begin with a number",
                    hint="here a version is a number: rename it",
                )
            elif not (found and "checkpoint" in _directives(tree.heads[entry.name])):
                digits = match["version"]
                version = version_sorted_as_text(digits, entry.name.removeprefix(digits))
                found.append(File(FileName(version, match["name"] or version.text), path, entry))
        yield from told_apart(in_order(found, self.tool))

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file, with semicolons where it has other delimiters."""
        directives = _directives(text.script)
        for word, sentence in _REFUSED.items():
            if word in directives:
                raise text.wrong_at(0, f"atlas:{word} {sentence}")
        mode = directives.get("txmode", "file")
        if mode not in {"none", "file"}:
            raise text.wrong_at(0, f"Atlas has no atlas:txmode {mode}", hint="it is none or file")
        script = _delimited(text.script, context)
        text = Text(script, text.place)
        return whole(text, file, context, marked=mode == "none", marker=_MARKER)


_MARKER = "`-- atlas:txmode none` and an empty line at its top"
_REFUSED = {
    "txtar": (
        "bundles files with checks that only Atlas runs: write its SQL into a file of its own"
    ),
    "import": "belongs into a schema, and in a migration nothing would be imported",
}


def _directives(script: str) -> Mapping[str, str]:
    """Return what the comments at the top of a file say, each word with its value.

    They count when an empty line, or the end of the file, is what follows them. What is refused
    counts always.
    """
    found: dict[str, str] = {}
    lines = iter(script.split("\n"))
    for line in lines:
        if not line.startswith(("--", "#")):
            counts = not line.strip(" \t")
            return found if counts else {word: found[word] for word in _REFUSED if word in found}
        if match := _DIRECTIVE.match(line.strip()):
            found.setdefault(match["word"], (match["value"] or "").strip())
    return found


def _delimited(script: str, context: Context) -> str:
    """Return a script with semicolons, if its first line says that it has something else."""
    first, newline, rest = script.partition("\n")
    match = _DIRECTIVE.fullmatch(first)
    if match is None or match["word"] != "delimiter" or not first.startswith("-- atlas:"):
        return script
    delimiter = match["value"] or ""
    for escaped, character in _ESCAPED.items():
        delimiter = delimiter.replace(escaped, character)
    if delimiter in {"", ";"}:
        return script
    return first + newline + with_semicolons(rest, delimiter, context.dialect)
