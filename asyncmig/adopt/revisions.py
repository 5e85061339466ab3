"""The chain of alembic's revisions, as the files that were made of them tell it. Pure.

The first line of such a file is ``-- alembic: revision REV``; where the next one is
``-- alembic: revises REV, REV``, branches can be told apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asyncmig.adopt.files import MigrationFile
    from asyncmig.adopt.tool import ForeignHistory

_REVISION = re.compile(rb"^(?:--|#) *alembic: *revision +(\w+)", re.MULTILINE)
_REVISES = re.compile(rb"^(?:--|#) *alembic: *revises\b *([\w, ]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Revision:
    """A revision, and the file that was made of it.

    Attributes:
        name: What alembic calls it.
        version: The version of the file.
        parents: What it follows; ``None`` when the file does not say.
    """

    name: str
    version: str
    parents: tuple[str, ...] | None


def with_revisions(
    history: ForeignHistory, files: Sequence[MigrationFile], mapped: Mapping[str, str]
) -> ForeignHistory:
    """Return a history that has the newest revisions as one that has all of them."""
    if not history.heads:
        return history
    chain = tuple(_chain(files, mapped))
    known = {revision.name for revision in chain}
    if unknown := [head for head in history.heads if head not in known]:
        return replace(history, heads=(), applied=tuple(Applied(head) for head in unknown))
    if any(revision.parents is None for revision in chain) and history.heads[1:]:
        return replace(history, heads=(), trouble=_branched(history.heads))
    reached = _reached(history.heads, chain)
    applied = tuple(
        Applied(revision.name, version=revision.version)
        for revision in chain
        if revision.name in reached
    )
    return replace(history, heads=(), applied=applied)


def _chain(files: Sequence[MigrationFile], mapped: Mapping[str, str]) -> Iterator[_Revision]:
    """Yield the revisions in the order of the files."""
    said = {version: name for name, version in mapped.items()}
    for file in files:
        version = "" if file.migration.version is None else file.migration.version.text
        found = _REVISION.search(file.content)
        name = said.get(version) or (found[1].decode() if found else _named(file))
        if version and name:
            yield _Revision(name, version, _parents(file.content))


def _named(file: MigrationFile) -> str:
    """Return the name of the migration where nothing says what revision it was."""
    return file.migration.name.partition("_")[0]


def _parents(content: bytes) -> tuple[str, ...] | None:
    found = _REVISES.search(content)
    return None if found is None else tuple(found[1].decode().replace(",", " ").split())


def _reached(heads: Sequence[str], chain: Sequence[_Revision]) -> set[str]:
    """Return the heads and all that they follow; without branches that is all before them."""
    by_name = {revision.name: place for place, revision in enumerate(chain)}
    reached: set[str] = set()
    waiting = list(heads)
    while waiting:
        name = waiting.pop()
        if name in reached or name not in by_name:
            continue
        reached.add(name)
        place = by_name[name]
        parents = chain[place].parents
        before = chain[place - 1 : place] if place else ()
        waiting += parents if parents is not None else [revision.name for revision in before]
    return reached


def _branched(heads: Sequence[str]) -> Trouble:
    return Trouble(
        f"alembic has applied {len(heads)} branches ({', '.join(heads)}), and the files do not "
        "say which of them came from where",
        "apply a merge of them first (`alembic merge heads`, `alembic upgrade head`), or import "
        "the files again with `asyncmig import alembic`",
        tuple(heads),
    )
