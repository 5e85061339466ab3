"""Rules about locks that are held while something else takes its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.impact import Blocks, Impact, impact_of
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.words import Words, behind, has_phrase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Part, Sentence, Subject

_IN_BATCHES = "work in batches, each in a transaction of its own: `-- migrate:up batch:1000`"
_OF_ONE_BATCH = (
    "let its WHERE choose the rows of one batch: `WHERE id IN (SELECT id … LIMIT :batch_size)`"
)
_KEEPS_OUT = {Blocks.WRITERS: "writers", Blocks.EVERYBODY: "readers and writers"}


@dataclass(frozen=True, slots=True)
class _Step:
    """A statement that others feel, because it works on tables that were there before."""

    part: Part
    sentence: Sentence
    impact: Impact

    @property
    def line(self) -> int:
        """The line of the file that it begins on."""
        script = self.part.script
        return script.first_line + script.text.count("\n", 0, self.sentence.statement.body)

    def flaw(self, message: str, hint: str) -> Flaw:
        """Return what is wrong with it."""
        return Flaw(message, hint, self.part.script, self.sentence.statement)


def slow_statement_under_lock(subject: Subject) -> Iterator[Flaw]:
    """Find what takes time while a lock from further up keeps people out. Said once per file."""
    steps = _steps_in_one_transaction(subject)
    for at, step in enumerate(steps):
        former = max(steps[:at], key=lambda one: one.impact.blocks, default=None)
        if former is None or former.impact.blocks is Blocks.NOBODY or not step.impact.cost:
            continue
        if _is_validation(step, steps[:at]):
            continue  # validate-in-same-transaction has the better advice
        where = f" on {', '.join(former.impact.tables)}" if former.impact.tables else ""
        yield step.flaw(
            f"this statement {step.impact.cost} while the lock{where} from line {former.line} "
            f"keeps {_KEEPS_OUT[former.impact.blocks]} out",
            "give it a migration of its own: a lock is held until COMMIT",
        )
        return


def locks_several_tables(subject: Subject) -> Iterator[Flaw]:
    """Find a second table that is waited for while the first is locked. Said once per file."""
    locked: list[str] = []
    for step in _steps_in_one_transaction(subject):
        if step.impact.blocks is not Blocks.EVERYBODY:
            continue
        further = [table for table in step.impact.tables if table not in locked]
        if locked and further:
            yield step.flaw(
                f"this waits for {further[0]} while it keeps everybody out of {locked[0]}",
                "give each table a migration of its own: a lock is held until COMMIT",
            )
            return
        locked += further


def validate_in_same_transaction(subject: Subject) -> Iterator[Flaw]:
    """Find a constraint that is validated under the lock of its addition."""
    steps = _steps_in_one_transaction(subject)
    for at, step in enumerate(steps):
        if _is_validation(step, steps[:at]):
            yield step.flaw(
                "the constraint is validated under the lock of the statement that added it",
                "validate it in the next migration: by itself VALIDATE keeps nobody out",
            )


def write_without_where(subject: Subject) -> Iterator[Flaw]:
    """Find an UPDATE or DELETE of every row, in one transaction."""
    for step in _steps(subject):
        verb = step.sentence.tokens[0]
        if verb in {"UPDATE", "DELETE"}:
            yield _of_every_row(step, verb)


def _of_every_row(step: _Step, verb: str) -> Flaw:
    if step.part.script.batching is not None:
        return step.flaw(f"{verb} of every row, in each batch anew", _OF_ONE_BATCH)
    hint = f"TRUNCATE is at once, if nothing else is meant; otherwise {_IN_BATCHES}"
    return step.flaw(
        f"{verb} of every row keeps all of them locked until COMMIT",
        hint if verb == "DELETE" else _IN_BATCHES,
    )


def _steps_in_one_transaction(subject: Subject) -> list[_Step]:
    """Return the statements that others feel and that commit together."""
    if subject.up is None or not subject.up.script.transaction:
        return []
    return list(_steps(subject))


def _steps(subject: Subject) -> Iterator[_Step]:
    """Yield the statements of the way up that others feel."""
    part = subject.up
    if part is None:
        return
    for sentence in part.sentences:
        impact = impact_of(sentence.tokens)
        if impact is not None and not _is_all_new(impact, sentence):
            yield _Step(part, sentence, impact)


def _is_all_new(impact: Impact, sentence: Sentence) -> bool:
    """Tell whether nobody else can know the tables, because this migration has made them."""
    return bool(impact.tables) and sentence.new.issuperset(impact.tables)


def _is_validation(step: _Step, former: list[_Step]) -> bool:
    """Tell whether a statement validates a constraint that the same file adds further up."""
    validated = _constraint(step, "VALIDATE CONSTRAINT")
    return bool(validated) and any(
        _constraint(one, "ADD CONSTRAINT") == validated
        and has_phrase(one.sentence.tokens, "NOT VALID")
        for one in former
    )


def _constraint(step: _Step, verb: str) -> str:
    """Return the name behind a verb of ALTER TABLE, empty without it."""
    rest = behind(step.sentence.tokens, verb)
    return "" if rest is None else Words(rest, step.part.dialect).name()


RULES = (
    Rule("slow-statement-under-lock", Severity.WARNING, slow_statement_under_lock, POSTGRESQL),
    Rule("locks-several-tables", Severity.NOTICE, locks_several_tables, POSTGRESQL),
    Rule(
        "validate-in-same-transaction", Severity.WARNING, validate_in_same_transaction, POSTGRESQL
    ),
    Rule("write-without-where", Severity.WARNING, write_without_where, POSTGRESQL),
)
