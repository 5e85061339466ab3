"""Rules about tables that SQLite cannot alter, and that are made anew instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import SQLITE, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.tables import created_table, dropped_tables, renamed_table
from asyncmig.lint.words import Words, behind, has_phrase
from asyncmig.sql import foreign_keys_pragma, pragma

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.lint.subject import Part, Sentence, Subject

_CHANGES_BY_ROW = frozenset({"(", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


def rebuild_with_foreign_keys(subject: Subject) -> Iterator[Flaw]:
    """Find the old table being dropped while foreign keys may be enforced.

    With them on, DROP TABLE deletes the rows first, and with them those that refer to them
    (https://sqlite.org/lang_droptable.html; drizzle #5782).
    """
    part = subject.up
    if part is None or not _enforces_foreign_keys(part):
        return
    for at, sentence in enumerate(part.sentences):
        for table in dropped_tables(sentence.tokens, part.dialect):
            if table in subject.around.referenced and _comes_back(table, part.sentences[at:], part):
                yield Flaw(
                    f"dropping {table} to rebuild it deletes or refuses the rows that refer to it, "
                    "where foreign keys are enforced",
                    "say `-- migrate:up foreign_keys:off`: asyncmig checks the keys before COMMIT",
                    part.script,
                    sentence.statement,
                )


def rename_takes_references_along(subject: Subject) -> Iterator[Flaw]:
    """Find a rebuild that renames the old table away, and every reference with it.

    Since SQLite 3.26 the REFERENCES of other tables follow a rename, and point to nothing once the
    old table is dropped (https://sqlite.org/lang_altertable.html).
    """
    part = subject.up
    if part is None or _has_legacy_rename(part):
        return
    for at, sentence in enumerate(part.sentences):
        renamed = renamed_table(sentence.tokens, part.dialect)
        if renamed is None or renamed[0] not in subject.around.referenced:
            continue
        old, away = renamed
        later = part.sentences[at + 1 :]
        drops = (table for one in later for table in dropped_tables(one.tokens, part.dialect))
        if away in drops and _comes_back(old, later, part):
            yield Flaw(
                f"the tables that refer to {old} will refer to {away}, which is dropped below",
                f"make the new table under another name, copy, drop {old}, then rename the new one",
                part.script,
                sentence.statement,
            )


def add_column_fails_on_rows(subject: Subject) -> Iterator[Flaw]:
    """Find a column that SQLite adds to an empty table only, as in tests, or to none at all."""
    part = subject.up
    for sentence in part.sentences if part else ():
        words = Words(sentence.tokens, subject.around.dialect)
        if not words.accept("ALTER TABLE") or words.name() in sentence.new:
            continue
        if words.accept("ADD"):
            words.accept("COLUMN")
            words.name()
            if part and (reason := _refusal(words.rest)):
                yield Flaw(
                    f"SQLite does not add {reason}",
                    "make the table anew with that column, and copy the rows",
                    part.script,
                    sentence.statement,
                )


def foreign_keys_by_pragma(subject: Subject) -> Iterator[Flaw]:
    """Find the pragma that SQLite ignores inside a transaction."""
    for part in subject.parts:
        for statement in part.statements if part.script.transaction else ():
            value = foreign_keys_pragma(statement)
            if value is not None:
                yield Flaw(
                    "SQLite ignores PRAGMA foreign_keys inside a transaction; asyncmig takes it "
                    "out, " + ("and it has no effect" if value else "for the whole file"),
                    "leave it out"
                    if value
                    else f"say it in the marker: `-- migrate:{part.direction} foreign_keys:off`",
                    part.script,
                    statement,
                )


def _refusal(definition: Sequence[str]) -> str:
    """Return what of a column definition SQLite refuses; empty for nothing.

    Tried on 3.40: the first two always, the others as soon as the table has a row.
    """
    if has_phrase(definition, "PRIMARY KEY"):
        return "a PRIMARY KEY column"
    if "UNIQUE" in definition:
        return "a UNIQUE column"
    if "STORED" in definition:
        return "a STORED column to a table with rows"
    default = behind(definition, "DEFAULT")
    if default and default[0] in _CHANGES_BY_ROW:
        return "a column whose default is not constant to a table with rows"
    if has_phrase(definition, "NOT NULL") and (not default or default[0] == "NULL"):
        return "a NOT NULL column without a default to a table with rows"
    return ""


def _enforces_foreign_keys(part: Part) -> bool:
    """Tell whether foreign keys may be enforced while a script runs."""
    asked_off = any(foreign_keys_pragma(one) is False for one in part.statements)
    return part.script.foreign_keys and not asked_off


def _comes_back(table: str, later: Sequence[Sentence], part: Part) -> bool:
    """Tell whether a table is there again after those statements."""
    for sentence in later:
        renamed = renamed_table(sentence.tokens, part.dialect)
        if (renamed and renamed[1] == table) or created_table(
            sentence.tokens, part.dialect
        ) == table:
            return True
    return False


def _has_legacy_rename(part: Part) -> bool:
    """Tell whether a script asks for renames that leave references alone."""
    found = (pragma(statement) for statement in part.statements)
    return any(one is not None and one.name == "legacy_alter_table" for one in found)


RULES = (
    Rule("rebuild-with-foreign-keys", Severity.WARNING, rebuild_with_foreign_keys, SQLITE),
    Rule("rename-takes-references-along", Severity.ERROR, rename_takes_references_along, SQLITE),
    Rule("add-column-fails-on-rows", Severity.ERROR, add_column_fails_on_rows, SQLITE),
    Rule("foreign-keys-by-pragma", Severity.NOTICE, foreign_keys_by_pragma, SQLITE),
)
