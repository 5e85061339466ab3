"""Say what a migration must not do, and what its author can do about it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.errors import LockPolicyError
from asyncmig.locks import Hazard
from asyncmig.migration import SqlScript
from asyncmig.sizes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncmig.lock_policy import LockPolicy
    from asyncmig.locks import LockReport, Violation
    from asyncmig.migration import Direction, Script
    from asyncmig.plan import Step

_VERBS = {
    Hazard.REWRITE: "rewrites",
    Hazard.SCAN: "scans",
    Hazard.BLOCKS_WRITES: "blocks writes to",
    Hazard.BLOCKS_READS: "blocks reads of",
}
_REMEDIES = {
    Hazard.REWRITE: "add a new column, fill it in batches and switch over to it",
    Hazard.SCAN: "add a constraint NOT VALID and VALIDATE it in a later migration, build an index "
    "CONCURRENTLY with transaction:false",
    Hazard.BLOCKS_WRITES: "give what locks the table a migration of its own, without anything slow",
    Hazard.BLOCKS_READS: "give what locks the table a migration of its own, without anything slow",
}


def judge(step: Step, policy: LockPolicy, report: LockReport) -> None:
    """Refuse a migration that did what it must not; nothing of it is committed yet.

    Raises:
        LockPolicyError: It did.
    """
    violations = policy.violations(report, step.script.allow)
    if violations:
        raise _refused(step, report, violations)


def _refused(step: Step, report: LockReport, violations: Sequence[Violation]) -> LockPolicyError:
    script, line = step.script, violations[0].relation.line
    where = script.path if line is None else f"{script.path}:{line}"
    did = "; ".join(_sentence(violation) for violation in violations)
    what = "migration" if script.batching is None else "a batch of migration"
    return LockPolicyError(
        f"{what} {step.key} was rolled back ({where}): it {did}",
        version=step.key,
        direction=step.direction,
        file=script.path,
        line=line,
        hint=_hint(script, step.direction, violations),
        report=report,
        violations=tuple(violations),
    )


def _sentence(violation: Violation) -> str:
    relation = violation.relation
    where = "" if relation.line is None else f", line {relation.line}"
    return (
        f"{_VERBS[violation.hazard]} {relation.relation} "
        f"({size(relation.bytes)}, {relation.mode}{where})"
    )


def _hint(script: Script, direction: Direction, violations: Sequence[Violation]) -> str:
    hazards = [h for h in Hazard if h in {violation.hazard for violation in violations}]
    remedies = dict.fromkeys(_REMEDIES[hazard] for hazard in hazards)
    allowed = [hazard for hazard in Hazard if hazard in {*hazards, *script.allow}]
    if isinstance(script, SqlScript):
        spelled = f"`-- migrate:{direction} allow:{','.join(allowed)}`"
    else:
        spelled = f"`allow = ({', '.join(repr(h.value) for h in allowed)},)`"
    return f"{'; '.join(remedies)}; or, if it may do that here, say so: {spelled}"
