"""The SQL of a run: looked through before any of it runs, and kept ready until its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig import migration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncmig.engines.statements import Prepared
    from asyncmig.migration import SqlScript
    from asyncmig.plan import Step
    from asyncmig.sql import Dialect

_SMALL = 16_000
"""Characters of a script whose statements are kept: they take as much memory as itself once more.
What is longer is looked through and cut anew when it runs, which takes far longer than that."""

_ROOM = 4_000_000
"""Characters of all scripts whose statements are kept at a time."""


class Scripts:
    """The scripts of one run.

    Args:
        dialect: What the SQL is written in.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._fit: set[SqlScript] = set()
        self._kept: dict[SqlScript, Prepared] = {}
        self._room = _ROOM

    async def look_through(self, steps: Iterable[Step]) -> None:
        """Refuse what cannot be run safely, off the event loop; what was seen is not seen again.

        Raises:
            InvalidMigrationError: With the place in the file.
        """
        import anyio.to_thread

        await anyio.to_thread.run_sync(self._look_through, steps)

    def take(self, step: Step) -> Prepared | None:
        """Return the script of a step as it was cut, if that was kept; it is not kept further."""
        script = step.script
        if not isinstance(script, migration.SqlScript) or script not in self._kept:
            return None
        self._room += len(script.text)
        return self._kept.pop(script)

    def _look_through(self, steps: Iterable[Step]) -> None:
        """Cut the scripts. The lexer is imported now, in the thread: mostly there is no need."""
        from asyncmig.breathing import breathing
        from asyncmig.engines.statements import prepare

        for step in breathing(steps):
            script = step.script
            if not isinstance(script, migration.SqlScript) or script in self._fit:
                continue
            prepared = prepare(script, self._dialect, step.key)
            self._fit.add(script)
            if len(script.text) <= min(_SMALL, self._room):
                self._kept[script] = prepared
                self._room -= len(script.text)
