"""What of a migrator takes over the databases of other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.engines.base import Runner, Wait
from asyncmig.importing import ADOPTING, imported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.engines.base import Engine
    from asyncmig.files import Files
    from asyncmig.foreign import AdoptReport
    from asyncmig.narrator import Narrator
    from asyncmig.request import Policy


class Adopter:
    """The part of :class:`asyncmig.Migrator` that other tools have a name in."""

    _engine: Engine
    _policy: Policy
    _wait_timeout: float | None

    async def _files(self) -> Files:
        raise NotImplementedError

    def _narrator(self, runner: Runner) -> Narrator:
        raise NotImplementedError

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

        runner = Runner.new()
        return await adopt(
            self._engine,
            await self._files(),
            Wanted(tool, table, column, dict(mapped or {})),
            Terms(tool, table or "", self._policy, allow_missing),
            runner,
            wait=Wait(self._wait_timeout, lambda _: False, self._narrator(runner).waiting),
            dry_run=dry_run,
        )
