"""The SQL files of yoyo: directives in the comments at the top, and a file of its own for the down.

Rules: yoyo-migrations 9.0.0, ``yoyo/migrations.py`` and ``yoyo/topologicalsort.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from asyncmig.errors import SourceError
from asyncmig.migration import Direction, Version
from asyncmig.sources.bundle import File
from asyncmig.sources.formats.numbering import in_order, told_apart
from asyncmig.sources.formats.parts import whole
from asyncmig.sources.names import FileName
from asyncmig.sources.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncmig.migration import Script
    from asyncmig.sources.entry import Entry
    from asyncmig.sources.formats.base import Context
    from asyncmig.sources.place import Text
    from asyncmig.sources.tree import Tree

_ROLLBACK = ".rollback.sql"
_NAME = re.compile(
    r"(?P<version>[0-9]{8}_[0-9]{2}(?=_)|[0-9]+(?:\.[0-9]+)*)[-_. ]*(?P<name>.*)", re.DOTALL
)
_OWN_NAME = re.compile(r"[0-9]{8}_[0-9]{2}_[A-Za-z0-9]{5}(?:-.*)?\.(?:sql|py)", re.DOTALL)
_SQL = re.compile(r".*\.sql", re.DOTALL)
_HINTING = re.compile(r"^[ \t]*--\s*(?:transactional|depends)[ \t]*:", re.MULTILINE)
_COMMENT = re.compile(r"\s*--.*")
_DIRECTIVE = re.compile(r"\s*--\s*(?P<word>transactional|depends)\s*:\s*(?P<value>.*)")
_NUMBERED_PYTHON = re.compile(r"[0-9].*\.py", re.DOTALL)
_IMPORT = re.compile(r"^[ \t]*(?:from|import) yoyo\b", re.MULTILINE)
_MARKER = "`-- transactional: false` at its top"
_AFTERWARDS = "post-apply"
_TEMPORARY = "_tmp_yoyonew"


@dataclass(frozen=True, slots=True)
class _Step:
    """A file that yoyo applies.

    Attributes:
        file: The file.
        depends: The names, without ending, of those that must come before it.
    """

    file: File
    depends: frozenset[str]


class Yoyo:
    """``NUMBER-name.sql`` and ``NUMBER-name.rollback.sql``; ``depends`` may not turn them round."""

    tool = "yoyo"

    def is_sure(self, tree: Tree) -> bool:
        """Look for a directive, a rollback, the names that ``yoyo new`` gives, or its steps."""
        return (
            tree.has_comment(_HINTING, _SQL)
            or any(name.endswith(_ROLLBACK) for name in tree.names)
            or any(map(_OWN_NAME.fullmatch, tree.names))
            or any(
                _IMPORT.search(file.head)
                for file in tree.files
                if _NUMBERED_PYTHON.fullmatch(file.name)
            )
        )

    def files(self, tree: Tree) -> Iterator[File | SourceError]:
        """Yield the SQL files, and refuse Python, and what yoyo runs after each run."""
        steps: dict[str, _Step] = {}
        for entry in tree.files:
            if not _is_step(entry.name):
                continue
            try:
                step = _step(entry, tree)
            except SourceError as error:
                yield error
            else:
                steps[entry.name.removesuffix(".sql")] = step
        try:
            ordered = _in_order_of_dependence(steps, tree)
        except SourceError as error:
            yield error
            return
        for found in told_apart(in_order(ordered, self.tool)):
            yield from [found] if isinstance(found, SourceError) else _with_rollback(found, tree)

    def read(self, text: Text, file: File, context: Context) -> Mapping[Direction, Script]:
        """Take the whole file."""
        return whole(text, file, context, marker=_MARKER)


def _is_step(file_name: str) -> bool:
    """Tell whether yoyo takes a file for a migration."""
    return (
        file_name.endswith((".sql", ".py"))
        and not file_name.endswith(_ROLLBACK)
        and not file_name.startswith(_TEMPORARY)
        and file_name != "__init__.py"
    )


def _step(entry: Entry, tree: Tree) -> _Step:
    """Return a file with what its name and the comments at its top say.

    Raises:
        SourceError: It cannot be run here.
    """
    place = Place(tree.path_of(entry))
    name = _name_of(entry.name, place)
    directives = _directives(tree.heads[entry.name])
    without = not _runs_in_transaction(directives, place)
    depends = frozenset(directives.get("depends", "").split())
    return _Step(File(name, place.path, entry, without_transaction=without), depends)


def _in_order_of_dependence(steps: Mapping[str, _Step], tree: Tree) -> list[File]:
    """Return the files as yoyo would run them: by name, and what depends behind what it needs.

    Raises:
        SourceError: Something that is needed is not there, or needs what needs it.
    """
    names = {name.rpartition(".")[0] for name in tree.names}
    for step in steps.values():
        for missing in sorted(step.depends - names):
            raise step.file.place.wrong(f"it depends on {missing}, which is not there")
    graph = TopologicalSorter({name: steps[name].depends & {*steps} for name in steps})
    try:
        graph.prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        circle = " depends on ".join(reversed(ring))
        raise steps[ring[0]].file.place.wrong(f"in a circle: {circle}") from None
    ordered: list[File] = []
    ready: list[str] = []
    while graph.is_active():
        for name in graph.get_ready():
            heappush(ready, name)
        ordered.append(steps[ready[0]].file)
        graph.done(heappop(ready))
    return ordered


def _with_rollback(file: File, tree: Tree) -> Iterator[File]:
    """Yield a file, and that with its way down if there is one."""
    entry = tree.find(file.entry.name.removesuffix(".sql") + _ROLLBACK)
    if entry is None:
        yield file
        return
    yield replace(file, name=replace(file.name, direction=Direction.UP))
    down = replace(file.name, direction=Direction.DOWN)
    yield replace(file, name=down, path=tree.path_of(entry), entry=entry)


def _name_of(file_name: str, place: Place) -> FileName:
    """Return what the name of a file says.

    Raises:
        SourceError: It is none that can be run here.
    """
    if file_name.startswith(_AFTERWARDS):
        raise place.wrong(
            "yoyo runs this after each run, and here nothing does",
            hint="a file R__name.sql in a folder of your own is run whenever it changes",
        )
    match = _NAME.fullmatch(file_name.rpartition(".")[0])
    if match is None:
        raise place.wrong(
            "its name does not begin with a number", hint="here a version is a number: rename it"
        )
    if file_name.endswith(".py"):
        raise place.wrong("steps of yoyo in Python, which cannot be run here", hint=_IN_PYTHON)
    return FileName(Version(match["version"].replace("_", ".")), match["name"] or match["version"])


_IN_PYTHON = (
    "let yoyo apply it and then adopt, or write what its steps do into a file of the same number "
    "in SQL"
)


def _directives(head: str) -> dict[str, str]:
    """Return what the comments say that come before the first statement."""
    found: dict[str, str] = {}
    for line in head.split("\n"):
        if match := _DIRECTIVE.fullmatch(line):
            word, value = match["word"], match["value"]
            found[word] = f"{found[word]} {value}" if word in found else value
        elif line.strip() and not _COMMENT.fullmatch(line):
            break
    return found


def _runs_in_transaction(directives: Mapping[str, str], place: Place) -> bool:
    """Read the directive; both directions go by it.

    Raises:
        SourceError: It is neither true nor false.
    """
    said = directives.get("transactional", "true").strip().lower()
    if said not in {"true", "false"}:
        raise place.wrong(f"transactional is true or false, not {said}")
    return said == "true"
