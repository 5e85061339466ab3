"""What a step runs: the statements of a SQL script, or the function of a Python script."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, Protocol

from anyio import to_thread

from asyncmig.engines.long_script import sections, statements_of
from asyncmig.engines.python_script import function_of, loaded, python_failed
from asyncmig.engines.sqlite.connection import REFUSALS, DriverError
from asyncmig.engines.sqlite.failures import Code, code_of, is_busy, offset_of
from asyncmig.engines.statements import failed, prepare
from asyncmig.errors import AsyncmigError, MigrationFailedError
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from typing import Any

    from asyncmig.engines.sqlite.authorizer import Authorizer
    from asyncmig.engines.sqlite.connection import Raw, Worker
    from asyncmig.engines.statements import Prepared, Section
    from asyncmig.history import HistoryEntry
    from asyncmig.migration import LongScript, PythonScript, SqlScript
    from asyncmig.plan import Step
    from asyncmig.sql import Statement


class Around(Protocol):
    """What stands around a body, from BEGIN to COMMIT.

    Attributes:
        worker: The connection, and its thread.
        authorizer: Asked while the code of the migration runs.
    """

    worker: Worker
    authorizer: Authorizer

    def tell_started(self) -> None:
        """Tell, in the event loop, that the step has started."""
        ...

    def begin(self, raw: Raw) -> None:
        """Begin, in the thread."""
        ...

    def finish(self, raw: Raw) -> HistoryEntry:
        """Write the outcome, in the thread."""
        ...

    def commit(self, raw: Raw) -> None:
        """Make it stand, in the thread."""
        ...


class AroundAll(Around, Protocol):
    """What stands around a body that may have to be run once more from its beginning."""

    def begin_again(self, raw: Raw, error: Exception) -> None:
        """Undo everything since the beginning, in the thread, and begin anew.

        Raises:
            MigrationFailedError: Other steps are gone with it; the error has to do.
        """
        ...


class Body(Protocol):
    """What a step runs inside its transaction.

    Attributes:
        foreign_keys: ``False`` when they are to be off meanwhile.
    """

    foreign_keys: bool

    async def run(self, turn: AroundAll) -> HistoryEntry:
        """Run it between the beginning and the end of its turn, and return what became of it.

        Raises:
            MigrationFailedError: It failed.
            DriverError: The database is busy; it may be run again.
        """
        ...


class RefusedError(Exception):
    """SQLite has refused a statement. Internal: carries what the error message needs.

    Attributes:
        statement: The statement.
        offset: Where in its text SQLite points to, if it does.
        words: What SQLite says.
    """

    def __init__(self, statement: Statement, offset: int | None, words: str) -> None:
        super().__init__(words)
        self.statement = statement
        self.offset = offset
        self.words = words


async def prepared_of(step: Step, script: SqlScript) -> Prepared:
    """Cut a script into units, in a thread: it may have 50 MB."""
    return await to_thread.run_sync(prepare, script, Dialect.SQLITE, step.key)


class SqlBody:
    """The statements of a SQL script that runs in one transaction."""

    def __init__(self, step: Step, prepared: Prepared) -> None:
        self._step = step
        self._prepared = prepared
        self.foreign_keys = prepared.foreign_keys

    async def run(self, turn: Around) -> HistoryEntry:
        """Run them all in one hop: each costs more than a small migration does."""
        return await turn.worker.run_and_commit(lambda raw: self.work(raw, turn), turn.commit)

    def work(self, raw: Raw, turn: Around) -> HistoryEntry:
        """Run them in the thread, up to the COMMIT."""
        turn.begin(raw)
        try:
            for unit in self._prepared.units:
                execute(raw, unit.statements)
        except RefusedError as refused:
            script = self._prepared.script
            raise refused_statement(self._step, script, refused) from refused.__cause__
        return turn.finish(raw)


class LongBody:
    """The statements of a SQL script that is too long to be kept, in one hop as well.

    They are not read ahead in another thread: this one wants the interpreter back after each
    statement, and would wait for it.
    """

    def __init__(self, step: Step, script: LongScript) -> None:
        self._step = step
        self._script = script
        self.foreign_keys = script.foreign_keys

    async def run(self, turn: AroundAll) -> HistoryEntry:
        """Read and run one section after the other."""
        return await turn.worker.run_and_commit(lambda raw: self._work(raw, turn), turn.commit)

    def _work(self, raw: Raw, turn: AroundAll) -> HistoryEntry:
        """Run what is plain at once; if that fails, run all once more, to name the statement.

        Not from a savepoint around each section: SQLite would keep a copy of every page that a
        statement has changed until the section ends, which takes a tenth of all the time.
        """
        turn.begin(raw)
        try:
            self._run(raw, partial(_execute_at_once, turn.authorizer))
        except REFUSALS as error:
            if is_busy(error) or code_of(error) == Code.INTERRUPT:
                raise
            turn.begin_again(raw, error)
            self._run(raw, _execute_one_by_one)
        return turn.finish(raw)

    def _run(self, raw: Raw, execute_section: Callable[[Raw, Section], None]) -> None:
        for section in sections(self._step, self._script, Dialect.SQLITE):
            try:
                execute_section(raw, section)
            except RefusedError as refused:
                raise refused_statement(self._step, section, refused) from refused.__cause__


def _execute_at_once(authorizer: Authorizer, raw: Raw, section: Section) -> None:
    if section.statements is None:
        authorizer.execute_script(raw, section.text)
    else:
        execute(raw, section.statements)


def _execute_one_by_one(raw: Raw, section: Section) -> None:
    execute(raw, statements_of(section, Dialect.SQLITE))


def refused_statement(
    step: Step, script: SqlScript | Section, refused: RefusedError
) -> MigrationFailedError:
    """Return the error for a statement that SQLite has refused."""
    return failed(step, script, refused.statement, message=refused.words, offset=refused.offset)


def execute(raw: Raw, statements: Sequence[Statement]) -> None:
    """Run statements, and fetch what they return: only then they have run to their end."""
    text_factory = raw.text_factory
    raw.text_factory = bytes  # what a migration selects need not be text in UTF-8
    try:
        for statement in statements:
            _execute(raw, statement)
    finally:
        raw.text_factory = text_factory


def _execute(raw: Raw, statement: Statement) -> None:
    try:
        with closing(raw.execute(statement.text)) as cursor:
            for _ in cursor:
                pass
    except REFUSALS as error:
        if is_busy(error):
            raise
        words = str(error)
        offset = offset_of(raw, statement.text, words)
        raise RefusedError(statement, offset, words) from error


class PythonBody:
    """The function of a Python script."""

    def __init__(
        self, step: Step, script: PythonScript, function: Callable[[Any], Awaitable[object]]
    ) -> None:
        self._step = step
        self._script = script
        self._function = function
        self.foreign_keys = script.foreign_keys

    async def run(self, turn: Around) -> HistoryEntry:
        """Await the function with aiosqlite's connection."""
        worker, authorizer = turn.worker, turn.authorizer

        def begin(raw: Raw) -> None:
            turn.begin(raw)
            worker.watch(raw)

        await worker.run(begin)
        turn.tell_started()
        authorizer.leaves_state = True  # functions, factories: nobody can see them all
        try:
            await self._function(worker.driver)
        except (Exception, SystemExit) as error:  # sys.exit(0) must not look like success
            if isinstance(error, DriverError) and is_busy(error):
                raise
            raise self._failure(error, authorizer) from error
        return await worker.run_and_commit(turn.finish, turn.commit)

    def _failure(
        self, error: Exception | SystemExit, authorizer: Authorizer
    ) -> MigrationFailedError:
        if code_of(error) != Code.AUTH or authorizer.denied is None:
            return python_failed(self._step, self._script, error)
        if authorizer.denied == "ROLLBACK" and isinstance(error.__context__, Exception):
            # `except: await connection.rollback(); raise`: what was excepted is the failure, if it
            # came from the migration.
            origin = python_failed(self._step, self._script, error.__context__)
            if origin.line is not None:
                return origin
        failure = python_failed(self._step, self._script, error)
        return MigrationFailedError(
            f"migration {self._step.key} failed at {failure.location}: it asks for "
            f"{authorizer.denied} inside the transaction that asyncmig runs it in",
            version=self._step.key,
            direction=self._step.direction,
            file=self._script.path,
            line=failure.line,
            hint="leave out commit(), rollback() and executescript(), which commits first; or say "
            "`transaction = False` in the file",
        )


@asynccontextmanager
async def python_function(
    step: Step, script: PythonScript
) -> AsyncGenerator[Callable[[Any], Awaitable[object]]]:
    """Import the module of a Python migration in a thread, for as long as the block runs."""
    with loaded(script) as module:
        try:
            function = await to_thread.run_sync(function_of, module, script)
        except AsyncmigError:
            raise
        except (Exception, SystemExit) as error:
            raise python_failed(step, script, error) from error
        yield function
