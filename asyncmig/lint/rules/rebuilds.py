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

    from asyncmig.lint.references import References
    from asyncmig.lint.subject import Part, Sentence, Subject

_CHANGES_BY_ROW = frozenset({"(", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


def rebuild_with_foreign_keys(subject: Subject) -> Iterator[Flaw]:
    """Find the old table being dropped while foreign keys may be enforced.

    With them on, DROP TABLE deletes the rows first, and with them those that refer to them
    (https://sqlite.org/lang_droptable.html; drizzle #5782).
    """
    part = subject.up
    if part is None or not part.script.foreign_keys or _asks_off(part):
        return
    for sentence, later, references in _one_by_one(subject, part):
        for table in dropped_tables(sentence.tokens, part.dialect):
            if _left(references.to(table), part) and _comes_back(table, later, part):
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
    if part is None or _asks_for_legacy_renames(part):
        return
    for sentence, later, references in _one_by_one(subject, part):
        old, away = renamed_table(sentence.tokens, part.dialect) or ("", "")
        drops = {table for one in later for table in dropped_tables(one.tokens, part.dialect)}
        if away in drops and _left(references.to(old), part) and _comes_back(old, later, part):
            yield Flaw(
                f"the tables that refer to {old} will refer to {away}, which is dropped below",
                f"make the new table under another name, copy, drop {old}, then rename the new one",
                part.script,
                sentence.statement,
            )


def _one_by_one(
    subject: Subject, part: Part
) -> Iterator[tuple[Sentence, tuple[Sentence, ...], References]]:
    """Yield each statement, those behind it, and the foreign keys that there are in front of it."""
    references = subject.references
    for at, sentence in enumerate(part.sentences):
        yield sentence, part.sentences[at + 1 :], references
        references = references.after(sentence.tokens, part.dialect)


def _left(tables: frozenset[str], part: Part) -> frozenset[str]:
    """Return the tables that a script does not rebuild as well."""
    gone: set[str] = set()
    for sentence in part.sentences:
        renamed = renamed_table(sentence.tokens, part.dialect)
        gone.update(renamed[:1] if renamed else dropped_tables(sentence.tokens, part.dialect))
    return tables - gone


def add_column_fails_on_rows(subject: Subject) -> Iterator[Flaw]:
    """Find a column that SQLite adds to an empty table only, as in tests, or to none at all."""
    part = subject.up
    if part is None:
        return
    for sentence in part.sentences:
        words = Words(sentence.tokens, part.dialect)
        if not words.accept("ALTER TABLE") or words.name() in sentence.new:
            continue
        if words.accept("ADD"):
            words.accept("COLUMN")
            words.name()
            if reason := _refusal(words.rest):
                yield Flaw(
                    f"SQLite does not add {reason}",
                    "make the table anew with that column, and copy the rows",
                    part.script,
                    sentence.statement,
                )


def foreign_keys_by_pragma(subject: Subject) -> Iterator[Flaw]:
    """Find the pragma that SQLite ignores inside a transaction. Said once per direction."""
    for part in subject.parts:
        if not part.script.transaction:
            continue
        found = [(one, foreign_keys_pragma(one)) for one in part.statements]
        off = next((one for one, value in found if value is False), None)
        on = next((one for one, value in found if value is True), None)
        if off is not None:
            yield Flaw(
                "SQLite ignores this inside a transaction: asyncmig does it for the whole file",
                f"say it in the marker: `-- migrate:{part.direction} foreign_keys:off`",
                part.script,
                off,
            )
        elif on is not None:
            message = "SQLite ignores this inside a transaction, so asyncmig leaves it out"
            hint = "leave it out: whether foreign keys are enforced is for the connection to say"
            yield Flaw(message, hint, part.script, on)


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


def _asks_off(part: Part) -> bool:
    """Tell whether a script turns foreign keys off with a pragma, as asyncmig understands it."""
    return any(foreign_keys_pragma(one) is False for one in part.statements)


def _comes_back(table: str, later: Sequence[Sentence], part: Part) -> bool:
    """Tell whether a table is there again after those statements."""
    for sentence in later:
        renamed = renamed_table(sentence.tokens, part.dialect)
        if (renamed and renamed[1] == table) or created_table(
            sentence.tokens, part.dialect
        ) == table:
            return True
    return False


def _asks_for_legacy_renames(part: Part) -> bool:
    """Tell whether a script asks for renames that leave references alone."""
    found = (pragma(statement) for statement in part.statements)
    return any(one is not None and one.name == "legacy_alter_table" for one in found)


RULES = (
    Rule("rebuild-with-foreign-keys", Severity.WARNING, rebuild_with_foreign_keys, SQLITE),
    Rule("rename-takes-references-along", Severity.ERROR, rename_takes_references_along, SQLITE),
    Rule("add-column-fails-on-rows", Severity.ERROR, add_column_fails_on_rows, SQLITE),
    Rule("foreign-keys-by-pragma", Severity.NOTICE, foreign_keys_by_pragma, SQLITE),
)
