"""What a folder shows at a glance, by which it may be meant for one tool or another.

To ask a format whether it is sure is to import it, with all of its patterns, and most folders have
nothing of any other tool. So it is asked only where its sign is given. A sign is given wherever the
format is sure; where it is given besides, the format says no.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asyncmig.sources.formats.native import holds_ours

if TYPE_CHECKING:
    from asyncmig.sources.tree import Tree

Sign = Callable[["Tree"], bool]


def is_given(tool: str, tree: Tree) -> bool:
    """Tell whether a folder shows the sign of a tool.

    Raises:
        SourceError: The folder, or one in it, cannot be listed.
    """
    return _SIGNS[tool](tree)


def _says(*words: str) -> Sign:
    """Look for words in the comments; see :attr:`asyncmig.sources.tree.Tree.said`."""
    return lambda tree: any(word in tree.said for word in words)


def _has_file(*endings: str) -> Sign:
    """Look for how names end; see :attr:`asyncmig.sources.tree.Tree.listing`."""
    lines = [f"{ending}\n" for ending in endings]
    return lambda tree: any(line in tree.listing for line in lines)


def _has_below(name: str) -> Sign:
    return lambda tree: name in tree.names_below


def _has_folder(name: str) -> Sign:
    return lambda tree: any(folder.name == name for folder in tree.folders)


def _either(*signs: Sign) -> Sign:
    return lambda tree: any(sign(tree) for sign in signs)


def _both(*signs: Sign) -> Sign:
    return lambda tree: all(sign(tree) for sign in signs)


def _not_ours(tree: Tree) -> bool:
    return not holds_ours(tree)


def _has_no_sql_of_ours(tree: Tree) -> bool:
    numbers = (name.partition("_") for name in tree.names if name.endswith(".sql"))
    return not any(number.isascii() and number.isdigit() and rest for number, _, rest in numbers)


def _has_template(tree: Tree) -> bool:
    return any("TEMPLATE: schema" in head for head in tree.heads.values())


def _has_prefix(letters: str) -> Sign:
    """Look for ``V1__name``, in the folder and below it."""

    def is_given_by(name: str) -> bool:
        return name.startswith(tuple(letters)) and "__" in name

    return lambda tree: any(any(map(is_given_by, folder.names)) for folder in tree.everything())


def _has_stamp_of_yoyo(tree: Tree) -> bool:
    """Look for ``20260102_01_abcde-name``."""
    return any(name[8:9] == name[11:12] == "_" for name in tree.names)


def _has_steps_of_yoyo(tree: Tree) -> bool:
    python = (file for file in tree.files if file.name.endswith(".py"))
    return any("yoyo" in file.head for file in python)


def _never(tree: Tree) -> bool:  # noqa: ARG001 - a sign gets it
    """Take it for nothing that can be told from what is in a folder."""
    return False


_SIGNS: dict[str, Sign] = {
    "asyncmig": _says("migrate:"),
    "dbmate": _both(_says("migrate:"), _has_no_sql_of_ours),
    "goose": _says("+goose"),
    "diesel": _has_below("up.sql"),
    "prisma": _either(_has_file("migration_lock.toml"), _has_below("migration.sql")),
    "golang-migrate": _has_file(".up.sql", ".down.sql"),
    "river": _both(_has_file(".up.sql", ".down.sql"), _has_template),
    "sqlx": _says("migration script here", "-- no-transaction"),
    "sql-migrate": _says("+migrate"),
    "tern": _says("create above / drop below", "tern: disable-tx"),
    "flyway": _both(_not_ours, _has_prefix("VB")),
    "refinery": _both(_not_ours, _has_prefix("VU")),
    "drizzle": _either(_has_folder("meta"), _has_below("migration.sql")),
    "atlas": _has_file("atlas.sum"),
    "graphile-migrate": _either(_has_folder("committed"), _says("--! hash:")),
    "node-pg-migrate": _either(_says("up migration"), _has_file("js", "ts")),
    "postgres-migrations": _says("postgres-migrations disable-transaction"),
    "yoyo": _either(
        _says("depends:", "depends :", "transactional:", "transactional :"),
        _has_file(".rollback.sql"),
        _has_stamp_of_yoyo,
        _both(_has_file(".py"), _has_steps_of_yoyo),
    ),
    "rails": _has_file(".rb"),
    "maragudk": _never,
    "plain": _both(_not_ours, _has_file(".sql")),
}
