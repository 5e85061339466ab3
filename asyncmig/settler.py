"""What of a migrator writes into the history without running anything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from asyncmig.engines.base import Runner
from asyncmig.importing import ADOPTING, SETTLING, imported

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from asyncmig.engines.base import Engine
    from asyncmig.files import Files
    from asyncmig.foreign import AdoptReport
    from asyncmig.history import History
    from asyncmig.migration import Migration
    from asyncmig.narrator import Narrator
    from asyncmig.repair import Repair
    from asyncmig.report import RepairReport
    from asyncmig.request import Policy, Target


T = TypeVar("T")


class Settler(ABC):
    """The part of :class:`asyncmig.Migrator` that writes down what is true already."""

    _engine: Engine
    _policy: Policy
    _wait_timeout: float | None

    @abstractmethod
    async def _with_files(self, act: Callable[[Files], Awaitable[T]]) -> T:
        """Do something with the files of this call."""

    @abstractmethod
    def _narrator(self, runner: Runner) -> Narrator:
        """Return what tells the observer of this call."""

    async def baseline(self, version: Target) -> RepairReport:
        """Declare everything up to a version as being in the database already; run nothing.

        Args:
            version: A version that has a file, or ``"latest"``.

        Raises:
            HistoryNotEmptyError: Migrations have been applied already.
        """
        await imported(*SETTLING)
        from asyncmig.repair import plan_baseline

        return await self._settle(lambda files, rows: plan_baseline(files, rows, str(version)))

    async def repair(
        self,
        *,
        accept: str | None = None,
        forget: str | None = None,
        mark: str | None = None,
        dry_run: bool = False,
    ) -> RepairReport:
        """Write into the history what a person found to be true. Runs no migration.

        Args:
            accept: This file was edited, and as it is now it stands for what was applied.
            forget: Nothing of this migration is in the database.
            mark: All of this migration is in the database.
            dry_run: Only say what would be changed.

        Raises:
            SettingsError: None, or more than one, of the three decisions was given.
        """
        await imported(*SETTLING)
        from asyncmig.repair import decided, plan_repair

        decision, key = decided(accept=accept, forget=forget, mark=mark)
        return await self._settle(
            lambda files, rows: plan_repair(files, rows, decision, key), dry_run=dry_run
        )

    async def _settle(
        self, decide: Callable[[Sequence[Migration], History], Repair], *, dry_run: bool = False
    ) -> RepairReport:
        from asyncmig.engines.base import Wait
        from asyncmig.settlement import settled

        runner = Runner.new()
        wait = Wait(self._wait_timeout, lambda _: False, self._narrator(runner).waiting)
        return await self._with_files(
            lambda files: settled(self._engine, files, decide, runner, wait, dry_run=dry_run)
        )

    async def adopt(
        self,
        *,
        tool: str = "auto",
        table: str | None = None,
        column: str | None = None,
        mapped: Mapping[str, str] | None = None,
        allow_missing: bool = False,
        dry_run: bool = False,
    ) -> AdoptReport:
        """Take over what another tool has applied: write it into the history, and run nothing.

        The other tool's table is read and never written. It is refused, with the reason, where it
        says that something is unfinished, where files are gone, and where files are not what was
        applied by the tool's own checksums (unless ``changed`` is ``warn``). A second adoption
        changes nothing, or adds what the other tool has applied since.

        Args:
            tool: Its name, or ``auto`` for the one whose history is there.
            table: Its history, where that is not called as usual; ``schema.table`` for one that is
                not on the search path.
            column: The column of a home-made table that has the versions or the names.
            mapped: Versions of files, by what the other history calls them.
            allow_missing: Whether what was applied may have lost its file for good.
            dry_run: Only say what would be taken over.

        Raises:
            ForeignHistoryError: It cannot be taken over as it is.
            HistoryNotEmptyError: Our history began otherwise.
            TargetError: There is no such history, or there are several.
            SettingsError: There is no such tool.
        """
        await imported(*ADOPTING)
        from asyncmig.adopt.choice import Wanted
        from asyncmig.adopt.decision import Terms
        from asyncmig.adoption import adopt
        from asyncmig.engines.base import Wait

        runner = Runner.new()
        wanted = Wanted(tool, table, column, dict(mapped or {}))
        terms = Terms(tool, table or "", self._policy, allow_missing)
        wait = Wait(self._wait_timeout, lambda _: False, self._narrator(runner).waiting)
        return await self._with_files(
            lambda files: adopt(
                self._engine, files, wanted, terms, runner, wait=wait, dry_run=dry_run
            )
        )
