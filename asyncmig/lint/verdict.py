"""From what the rules say to findings: places in the file, and what the author has allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.lint.allowances import Allowance, read_allowances, read_head
from asyncmig.lint.finding import Finding, Severity
from asyncmig.lint.selection import (
    SQUAWK,
    UNKNOWN_ALLOWANCE,
    UNUSED_ALLOWANCE,
    is_known,
    nearest_rule,
)
from asyncmig.migration import PythonScript, SqlScript
from asyncmig.sources.decode import decode
from asyncmig.sources.place import Place
from asyncmig.sql import position_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.lint.subject import Subject
    from asyncmig.migration import Migration, Script
    from asyncmig.sources.location import Location


@dataclass(frozen=True, slots=True)
class Charge:
    """What a rule says, before the author is heard.

    Attributes:
        migration: The migration.
        rule: The name of the rule.
        severity: How much it matters.
        message: What is wrong.
        hint: What to do.
        script: Where.
        offset: The character of the script; ``None`` for the file as a whole.
        statement: The offset of the statement's first token; ``None`` for the file as a whole.
    """

    migration: Migration
    rule: str
    severity: Severity
    message: str
    hint: str
    script: Script
    offset: int | None
    statement: int | None

    def finding(self) -> Finding:
        """Return the finding, with its place in the file."""
        line, column = 1, 1
        if self.offset is not None and isinstance(self.script, SqlScript):
            position = position_at(self.script.text, self.offset)
            line, column = self.script.first_line + position.line - 1, position.column
        return Finding(
            rule=self.rule,
            severity=self.severity,
            message=self.message,
            hint=self.hint,
            version=self.migration.key,
            file=self.script.path,
            line=line,
            column=column,
        )


@dataclass(frozen=True, slots=True)
class Plea:
    """An allowance, and where it stands.

    Attributes:
        allowance: What it says.
        script: The script that it is in or in front of.
        first: The offset of the script's first statement: what is said of the file as a whole can
            be allowed there too. ``None`` when there is no statement.
    """

    allowance: Allowance
    script: Script
    first: int | None

    def covers(self, charge: Charge) -> bool:
        """Tell whether it allows what a rule says."""
        if charge.rule not in self.allowance.rules or charge.script.path != self.script.path:
            return False
        if self.allowance.statement is None:
            return True
        place = self.first if charge.statement is None else charge.statement
        return charge.script == self.script and place in {None, self.allowance.statement}


def judge(
    subject: Subject, charges: Sequence[Charge], applied: frozenset[str], location: Location
) -> Iterator[Finding]:
    """Yield the findings about a migration: what is not allowed, and what the allowances do wrong.

    Args:
        subject: The migration.
        charges: What the rules say about it.
        applied: The names of the rules that were applied; ``squawk/`` when squawk was asked.
        location: Where the files are: what stands in front of a marker is read again.
    """
    pleas = list(_pleas(subject, location))
    for charge in charges:
        if not any(plea.covers(charge) for plea in pleas):
            yield charge.finding()
    for plea in pleas:
        for rule in plea.allowance.rules or ("",):
            if not is_known(rule):
                yield _unknown(subject, plea, rule)
            elif _was_applied(rule, applied) and not any(
                charge.rule == rule and plea.covers(charge) for charge in charges
            ):
                yield _unused(subject, plea, rule)


def _pleas(subject: Subject, location: Location) -> Iterator[Plea]:
    """Yield every allowance in the files of a migration."""
    up = subject.migration.up
    if isinstance(up, PythonScript):
        yield from (Plea(one, up, None) for one in read_head(up.source, "#"))
    heads: set[str] = set()
    for part in subject.parts:
        script = part.script
        first = part.sentences[0].statement.body if part.sentences else None
        found = list(read_allowances(script.text, part.dialect, first_line=script.first_line))
        if script.first_line > 1 and script.path not in heads:
            found += read_head(_head(location, script.path, script.first_line), "--")
        heads.add(script.path)
        yield from (Plea(one, script, first) for one in found)


def _head(location: Location, path: str, first_line: int) -> str:
    """Return what stands in front of the marker: it belongs to no script."""
    file = location.root.joinpath(path.rpartition("/")[2])
    lines = decode(file.read_bytes(), Place(path)).split("\n")
    return "\n".join(lines[: first_line - 2])


def _was_applied(rule: str, applied: frozenset[str]) -> bool:
    """Tell whether a rule had the chance to find something."""
    return rule in applied or (rule.startswith(SQUAWK) and SQUAWK in applied)


def _unknown(subject: Subject, plea: Plea, rule: str) -> Finding:
    """Return the finding about a comment that allows nothing that there is."""
    near = nearest_rule(rule)
    form = "write `-- asyncmig:allow RULE, RULE because …`"
    return _about(
        subject,
        plea,
        UNKNOWN_ALLOWANCE,
        f"there is no rule {rule!r}" if rule else "this allows nothing",
        (f"did you mean {near}?" if near else "") if rule else form,
    )


def _unused(subject: Subject, plea: Plea, rule: str) -> Finding:
    """Return the finding about a comment that is not needed any more."""
    message = f"{rule} finds nothing here that could be allowed"
    hint = "take the comment out, or move it in front of the statement that it is for"
    return _about(subject, plea, UNUSED_ALLOWANCE, message, hint)


def _about(subject: Subject, plea: Plea, rule: str, message: str, hint: str) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.WARNING,
        message=message,
        hint=hint,
        version=subject.migration.key,
        file=plea.script.path,
        line=plea.allowance.line,
        column=plea.allowance.column,
    )
