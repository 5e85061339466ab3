"""What a caller asks for, and how strictly files and history must agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from asyncmig.errors import SettingsError, TargetError, UnknownVersionError
from asyncmig.history import Problem, State
from asyncmig.migration import Direction, Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.history import MigrationStatus
    from asyncmig.migration import Migration


Choice = TypeVar("Choice", bound=StrEnum)

Target = str | int | Version
"""A version as a caller may spell it."""


class OutOfOrder(StrEnum):
    """What to do with a pending version below the newest applied one.

    ``error`` refuses the run, ``apply`` applies it, ``warn`` leaves it pending and says so.
    """

    ERROR = "error"
    APPLY = "apply"
    WARN = "warn"


class Changed(StrEnum):
    """What to do with a file that was edited after it had been applied."""

    ERROR = "error"
    WARN = "warn"


class Phases(StrEnum):
    """Which migrations ``up`` applies, by their phase."""

    PRE = "pre"
    POST = "post"
    ALL = "all"

    @classmethod
    def of(cls, given: Phases | str) -> Phases:
        """Return the choice that a caller spells out.

        Raises:
            SettingsError: There is no such choice.
        """
        return _chosen(cls, given, hint="phase: pre, post or all")


class Durability(StrEnum):
    """When the disk must have what was committed.

    ``migration`` waits for it after each migration, as the database does by itself. ``run`` waits
    now and then and at the end of the run: a crash of the server (of the machine, for SQLite) can
    take back the last migrations, each as a whole and with its history; the next run applies them
    again.
    """

    MIGRATION = "migration"
    RUN = "run"

    @classmethod
    def of(cls, given: Durability | str) -> Durability:
        """Return the choice that a caller spells out.

        Raises:
            SettingsError: There is no such choice.
        """
        return _chosen(cls, given, hint="durability: migration or run")


@dataclass(frozen=True, slots=True)
class Policy:
    """How strictly files and history must agree.

    Attributes:
        out_of_order: For pending versions below the newest applied one.
        changed_sql: For edited SQL files.
        changed_python: For edited Python files, which formatters like to touch.
        baseline: What is there of the migrations where there are tables and no history: ``none``,
            ``latest`` or a version; ``None`` to have that refused.
    """

    out_of_order: OutOfOrder = OutOfOrder.ERROR
    changed_sql: Changed = Changed.ERROR
    changed_python: Changed = Changed.WARN
    baseline: str | None = None

    @classmethod
    def of(
        cls,
        out_of_order: OutOfOrder | str,
        changed: Changed | str | None,
        baseline: Target | None = None,
    ) -> Policy:
        """Return the policy that a caller spells out; ``changed`` is for SQL and Python alike.

        Raises:
            SettingsError: There is no such choice.
        """
        hint = "out_of_order: error, apply or warn; changed: error or warn"
        order = _chosen(OutOfOrder, out_of_order, hint=hint)
        start = _baseline(baseline)
        if changed is None:
            return cls(order, baseline=start)
        change = _chosen(Changed, changed, hint=hint)
        return cls(order, change, change, start)

    def refuses(self, migration: Migration) -> bool:
        """Tell whether an edit of that migration's file stops the run."""
        from asyncmig.migration import PythonScript

        python = isinstance(migration.up, PythonScript)
        return (self.changed_python if python else self.changed_sql) is Changed.ERROR

    def left(self, statuses: Iterable[MigrationStatus]) -> list[str]:
        """Return what stands between the database and the files."""
        return [status.key for status in statuses if status.is_due and not self.skips(status)]

    def skips(self, status: MigrationStatus) -> bool:
        """Tell whether a late migration is left pending."""
        late = Problem.OUT_OF_ORDER in status.problems
        return late and self.out_of_order is OutOfOrder.WARN


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller asked for.

    Attributes:
        direction: Up or down.
        to: Where to stop. For up it is the last version applied, for down it stays applied;
            version 0 means below every migration. ``None`` for no such limit.
        steps: How many versioned migrations at most; ``None`` for no such limit.
        from_history: Whether ``down`` may run the SQL that is stored in the history for versions
            that have no file.
        phases: Which migrations ``up`` may apply.
        single_transaction: Whether ``up`` applies them in one transaction, all or none.
    """

    direction: Direction
    to: Version | None = None
    steps: int | None = None
    from_history: bool = False
    phases: Phases = Phases.ALL
    single_transaction: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.steps is not None and self.steps < 1:
            message = f"steps must be 1 or more, not {self.steps}"
            raise TargetError(message)
        if self.steps is not None and self.to is not None:
            message = "give either a target version or a number of steps, not both"
            raise TargetError(message)

    @classmethod
    def up(
        cls,
        *,
        to: Target | None = None,
        steps: int | None = None,
        phase: Phases | str = Phases.PRE,
        single_transaction: bool = False,
    ) -> Request:
        """Return the request to apply, by default everything but what waits for the new code.

        Raises:
            TargetError: The target is not a version, or both limits are given.
            SettingsError: There is no such phase.
        """
        return cls(
            Direction.UP,
            to=_version(to),
            steps=steps,
            phases=Phases.of(phase),
            single_transaction=single_transaction,
        )

    @classmethod
    def down(
        cls, *, to: Target | None = None, steps: int | None = None, from_history: bool = False
    ) -> Request:
        """Return the request to revert, by default one step.

        Raises:
            TargetError: The target is not a version, or both limits are given.
        """
        one = 1 if steps is None and to is None else steps
        return cls(Direction.DOWN, to=_version(to), steps=one, from_history=from_history)

    @property
    def is_for_everything(self) -> bool:
        """Whether it sets no limit: it is met when nothing is pending."""
        return replace(self, single_transaction=False) == Request.up()

    def includes(self, status: MigrationStatus) -> bool:
        """Tell whether a pending migration is of a phase that was asked for, or begun already."""
        asked = self.phases is Phases.ALL or self.phases.value == status.phase.value
        return asked or status.state is State.APPLYING

    def after(self, done: int) -> Request | None:
        """Return what is left of the request after so many steps, ``None`` when nothing is."""
        if self.steps is None:
            return self
        return replace(self, steps=self.steps - done) if done < self.steps else None


def _chosen(choices: type[Choice], given: str, *, hint: str) -> Choice:
    """Return the choice that a caller spells out.

    Raises:
        SettingsError: There is no such choice.
    """
    try:
        return choices(given)
    except ValueError as error:
        raise SettingsError(str(error), hint=hint) from None


def _baseline(given: Target | None) -> str | None:
    """Return what a caller says is there already: ``none``, ``latest`` or a version.

    Raises:
        SettingsError: It is neither.
    """
    text = None if given is None else str(given)
    if text is None or text in {"none", "latest"} or Version.parse(text) is not None:
        return text
    raise SettingsError(f"{text!r} is not a baseline", hint="baseline: none, latest or a version")


def _version(given: Target | None) -> Version | None:
    if given is None or isinstance(given, Version):
        return given
    try:
        return Version(str(given))
    except ValueError:
        hint = "a version is made of digits, as in the file names"
        raise UnknownVersionError(str(given), [], hint=hint) from None
