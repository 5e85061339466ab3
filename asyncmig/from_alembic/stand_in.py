"""The connection that revisions get: it writes down what it is told, and knows no answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import inspection, text
from sqlalchemy.dialects.postgresql.named_types import CreateDomainType, CreateEnumType
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BindParameter, TextClause
from sqlalchemy.sql.visitors import iterate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql import ClauseElement

    Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

_CREATE_UNLESS_THERE = """\
DO $asyncmig$ BEGIN
{create};
EXCEPTION WHEN duplicate_object THEN NULL;
END $asyncmig$"""


class NeedsDatabaseError(BaseException):
    """The revision asks for what only a database knows.

    Not an ``Exception``: a revision that catches those would go on as if it had been told.
    """


def refuse(what: str) -> NoReturn:
    """Stop the revision.

    Raises:
        NeedsDatabaseError: Always.
    """
    raise NeedsDatabaseError(what)


class Answer:
    """What a statement returns: nothing that may be looked at."""

    def close(self) -> None:
        """Do nothing: that asks for nothing."""

    def __getattr__(self, name: str) -> NoReturn:
        refuse(f"it looks at what a statement returns (.{name})")

    def __iter__(self) -> NoReturn:
        refuse("it goes through the rows that a statement returns")

    def __bool__(self) -> bool:
        return refuse("it looks whether a statement returns anything")


class StandIn(MockConnection):
    """A connection that hands each statement on as SQL, with the values written into it.

    Args:
        dialect: Of the database that the files are for.
        write: Gets each statement.
    """

    def __init__(self, dialect: Dialect, write: Callable[[str], None]) -> None:
        super().__init__(dialect, self._refuse_raw)
        self._write = write
        self._only_if_needed = False

    def execute(
        self,
        obj: Any,  # noqa: ANN401 - whatever SQLAlchemy takes
        parameters: Parameters = None,
        execution_options: object = None,
    ) -> Any:  # noqa: ANN401 - a CursorResult to whoever asks
        """Write a statement down; for each row of parameters, when there are several."""
        del execution_options
        statement = text(obj) if isinstance(obj, str) else obj
        if isinstance(statement, ExecutableDDLElement):
            self._write(self._ddl(statement))
            return Answer()
        for row in _rows(parameters):
            self._write(self._spelled(_filled(statement, row)))
        return Answer()

    def exec_driver_sql(self, statement: str, parameters: object = None) -> Answer:
        """Write a statement down as it is."""
        if parameters:
            refuse("it sends parameters that only the driver understands")
        self._write(statement)
        return Answer()

    def in_transaction(self) -> bool:
        """Return ``True``: whoever asks would begin one."""
        return True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what is missing, for its kind
        """Refuse everything else that a connection can do."""
        if name.startswith("_"):  # Python or SQLAlchemy try what it is
            raise AttributeError(name)
        refuse(f"it asks the connection for .{name}")

    def _run_ddl_visitor(self, visitorcallable: Any, element: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as SQLAlchemy has it
        """Create or drop what belongs to an element; where it should look first, say so in SQL."""
        before = self._only_if_needed
        self._only_if_needed = before or bool(kwargs.get("checkfirst"))
        try:
            super()._run_ddl_visitor(visitorcallable, element, **kwargs)
        finally:
            self._only_if_needed = before

    def _ddl(self, statement: ExecutableDDLElement) -> str:
        if not self._only_if_needed:
            return self._compiled(statement)
        if isinstance(statement, (CreateEnumType, CreateDomainType)):
            return _CREATE_UNLESS_THERE.format(create=self._compiled(statement))
        for name in ("if_not_exists", "if_exists"):
            if hasattr(statement, name):
                setattr(statement, name, True)
        words = self._compiled(statement)
        for kind in ("DROP TYPE ", "DROP DOMAIN "):
            words = words.replace(kind, f"{kind}IF EXISTS ") if words.startswith(kind) else words
        if " EXISTS " in words or words.startswith("COMMENT "):
            return words
        return refuse("it makes or drops something only if that is needed")

    def _spelled(self, statement: ClauseElement) -> str:
        """Return a statement with all its values; SQLAlchemy would spell a missing one NULL."""
        for part in iterate(statement):
            if isinstance(part, BindParameter) and part.required:
                refuse(f"it says no value for :{part.key}")
        compiled: Any = statement.compile(
            dialect=self.dialect, compile_kwargs={"literal_binds": True, "render_postcompile": True}
        )
        for column in getattr(compiled, "prefetch", ()):
            refuse(f"it leaves the value of {column} to Python")
        return str(compiled).strip()

    def _compiled(self, statement: ExecutableDDLElement) -> str:
        return str(statement.compile(dialect=self.dialect)).strip()

    def _refuse_raw(self, *_: object) -> NoReturn:
        refuse("it asks the connection for something unknown")


@inspection._inspects(StandIn)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the only way
def _refuse_inspection(  # pyright: ignore[reportUnusedFunction] - SQLAlchemy uses it
    _: StandIn,
) -> NoReturn:
    refuse("it inspects the database")


def _rows(parameters: Parameters) -> Sequence[Mapping[str, Any] | None]:
    """Return what to run a statement with, one after the other."""
    if parameters is None or isinstance(parameters, Mapping):
        return (parameters,)
    return parameters


def _filled(statement: Any, row: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - whatever can be executed
    """Return a statement with the values of a row in it."""
    if isinstance(statement, Insert):
        statement = statement.inline()  # else it would return the new key
        return statement.values({**_defaults(statement.table), **row}) if row else statement
    if isinstance(statement, TextClause):
        return statement.bindparams(**row) if row else statement
    return statement.params(**row) if row else statement


def _defaults(table: Any) -> dict[str, Any]:  # noqa: ANN401 - a Table or a TableClause
    """Return what a driver is given for the columns that a row leaves out."""
    defaults = {column.key: getattr(column, "default", None) for column in table.columns}
    return {key: one.arg for key, one in defaults.items() if one is not None and one.is_scalar}
