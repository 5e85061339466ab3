"""Run one direction of one revision, and keep what it says."""

from __future__ import annotations

import traceback
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from asyncmig.from_alembic.rendering import Irreversible, Rendered, Unrendered
from asyncmig.from_alembic.scratch import Scratch
from asyncmig.from_alembic.spelling import dialect_for
from asyncmig.from_alembic.stand_in import NeedsDatabaseError, StandIn, refuse
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from alembic.operations import BatchOperations
    from alembic.runtime.environment import EnvironmentContext
    from sqlalchemy.engine import Connection

    from asyncmig.from_alembic.rendering import Down, Up

_OURS = frozenset({"COMMIT", "BEGIN", "END", "COMMIT TRANSACTION", "BEGIN TRANSACTION"})
"""What revisions say to get out of alembic's transaction, and into another one."""


class Renderer:
    """Renders revisions one after the other, each on top of those before it.

    Args:
        dialect: What to write.
        environment: What ``alembic.context`` stands for in the revisions.
        options: What ``env.py`` gives to ``context.configure()``.
    """

    def __init__(
        self, dialect: Dialect, environment: EnvironmentContext, options: Mapping[str, Any]
    ) -> None:
        self._dialect = dialect
        self._environment = environment
        self._options = dict(options)
        self._scratch = Scratch() if dialect is Dialect.SQLITE else None

    def close(self) -> None:
        """Throw away what it worked with."""
        if self._scratch is not None:
            self._scratch.close()

    def up(self, revision: str, function: Callable[[], object], path: str) -> Up:
        """Render a way up, on which those after it build."""
        rendered = self._render(function, path, keep=True)
        if isinstance(rendered, Rendered):
            return rendered
        if self._scratch is not None and not self._is_followed(function, self._scratch):
            self._scratch.lost = self._scratch.lost or revision
        if isinstance(rendered, Irreversible):
            reason = f"it raises: {rendered.reason}"
            return Unrendered(reason, rendered.line, rendered.statements)
        return rendered

    def down(self, function: Callable[[], object], path: str) -> Down:
        """Render a way down from where the way up has just led."""
        return self._render(function, path, keep=False)

    def _is_followed(self, function: Callable[[], object], scratch: Scratch) -> bool:
        """Run for real what a person has to write, so that the tables are known behind it.

        They are all but empty, so that its data steps have nothing to do. Nothing of it is
        rendered; what comes later copies the tables that it leaves.
        """
        if scratch.lost is not None:
            return False
        context = _FollowingContext(scratch.connection, self._options, self._environment)
        try:
            with Operations.context(context):
                function()
        except Exception:  # noqa: BLE001 - the author's own
            return False
        return True

    def _render(self, function: Callable[[], object], path: str, *, keep: bool) -> Down:
        context = RecordingContext(self._dialect, self._environment, self._options, self._scratch)
        attempt = nullcontext() if self._scratch is None else self._scratch.attempt(keep=keep)
        try:
            with attempt, context.operations():
                function()
        except (Exception, NeedsDatabaseError) as error:  # noqa: BLE001 - the author's own
            return _obstacle(error, path, tuple(context.statements))
        return Rendered(tuple(context.statements), context.stays_inside, context.rebuilds)


class _FollowingContext(MigrationContext):
    """What ``op`` works with where a revision really runs."""

    def __init__(
        self,
        connection: Connection,
        options: Mapping[str, Any],
        environment: EnvironmentContext,
    ) -> None:
        super().__init__(connection.dialect, connection, {**options, "as_sql": False}, environment)

    @contextmanager
    def autocommit_block(self) -> Generator[None]:
        """Do nothing: there is no transaction to leave."""
        yield


class RecordingContext(MigrationContext):
    """What ``op`` works with in a revision: as on a database, but for the connection.

    Attributes:
        statements: What it has said so far.
        stays_inside: Whether it has stayed inside the transaction.
        rebuilds: Whether it has copied a table.
    """

    def __init__(
        self,
        dialect: Dialect,
        environment: EnvironmentContext,
        options: Mapping[str, Any],
        scratch: Scratch | None,
    ) -> None:
        self.statements: list[str] = []
        self.stays_inside = True
        self.rebuilds = False
        self._scratch = scratch
        spelled = dialect_for(dialect)
        connection: Any = StandIn(spelled, self._write)
        super().__init__(spelled, connection, {**options, "as_sql": False}, environment)

    @contextmanager
    def autocommit_block(self) -> Generator[None]:
        """Note that what is inside needs no transaction: then nothing of the file gets one."""
        self.stays_inside = False
        yield

    @contextmanager
    def operations(self) -> Generator[None]:
        """Be what ``alembic.op`` stands for."""
        with Operations.context(self) as operations:
            op: Any = operations  # its methods are looked up in the object by the module's names
            batch_alter_table = operations.batch_alter_table

            @contextmanager
            def batch(*args: Any, **options: Any) -> Generator[BatchOperations]:  # noqa: ANN401 - alembic's
                with ExitStack() as reading, batch_alter_table(*args, **options) as batch_op:
                    yield batch_op
                    implementation: Any = batch_op.impl
                    if implementation._should_recreate():  # noqa: SLF001 - asked as it will be
                        self.rebuilds = True
                        reading.enter_context(self._reading(op, implementation))

            op.batch_alter_table = batch
            yield

    @contextmanager
    def _reading(self, op: Any, batch: Any) -> Generator[None]:  # noqa: ANN401 - alembic's
        """Let a batch see the table that it copies, unless its author has given it."""
        if batch.copy_from is None:
            if self._scratch is None:
                refuse("it copies a table, and looks at the database for that")
            connection = self._scratch.connection
            op.get_bind = lambda: connection
        try:
            yield
        finally:
            op.__dict__.pop("get_bind", None)

    def _write(self, statement: str) -> None:
        text = statement.strip().rstrip(";").rstrip()
        if text.upper() in _OURS:
            self.stays_inside = False
            return
        if not text:
            return
        if self._scratch is not None:
            self._scratch.follow(text)
        self.statements.append(text)


def _obstacle(
    error: BaseException, path: str, statements: tuple[str, ...]
) -> Unrendered | Irreversible:
    """Say what stopped a revision: its author, or that there is no database."""
    frames = traceback.extract_tb(error.__traceback__)
    name = Path(path).name  # with a folder in front that depends on who compiled it, and where
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == name]
    line = lines[-1] if lines else None
    if isinstance(error, NeedsDatabaseError):
        reason = str(error)
    else:
        if frames and Path(frames[-1].filename).name == name and _is_deliberate(error):
            return Irreversible(_sentence(error), line, statements)
        reason = f"{type(error).__name__}: {_sentence(error)}"
    return Unrendered(reason, line, statements)


def _is_deliberate(error: BaseException) -> bool:
    """Tell whether an error is one that somebody raises, and no slip."""
    return not isinstance(error, (TypeError, AttributeError, NameError, LookupError, ImportError))


def _sentence(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return words[0].rstrip(".") if words else type(error).__name__
