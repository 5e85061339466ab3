"""The dialects, set so that a script says what a driver would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, literal
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine


class _Spelling(SQLCompiler):
    """Spells the values that SQLAlchemy leaves to drivers.

    Attributes:
        bytes_form: Bytes as SQL, with braces for their hexadecimal digits.
    """

    bytes_form: ClassVar[str]

    def render_literal_value(self, value: Any, type_: TypeEngine[Any]) -> str:  # noqa: ANN401 - any value
        """Return a value as SQL; of a column without a type it is what the value is."""
        if isinstance(value, bytes):
            return self.bytes_form.format(value.hex())
        if isinstance(type_, JSON):
            write = type_.dialect_impl(self.dialect).bind_processor(self.dialect)
            value = value if write is None else write(value)
            type_ = literal("").type
        if isinstance(type_, NullType):
            type_ = literal(value).type
        return super().render_literal_value(value, type_)


class _PostgresSpelling(_Spelling, PGCompiler):
    bytes_form = r"'\x{}'::bytea"  # PostgreSQL manual, "Binary Data Types"


class _SqliteSpelling(_Spelling, SQLiteCompiler):
    bytes_form = "X'{}'"  # https://sqlite.org/lang_expr.html#literal_values_constants_


def dialect_for(dialect: Dialect) -> Any:  # noqa: ANN401 - a Dialect, with attributes that are not declared
    """Return SQLAlchemy's dialect.

    Values have no placeholder, so percent signs stay single. A server says at the first connection
    that backslashes mean nothing in its strings, which every one does since 9.1; nobody tells a
    dialect without a connection, and it would double them.
    """
    made: Any
    if dialect is Dialect.SQLITE:
        made = SQLiteDialect(paramstyle="named")
        made.statement_compiler = _SqliteSpelling
        return made
    made = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's
    made.statement_compiler = _PostgresSpelling
    made._backslash_escapes = False  # noqa: SLF001 - what its initialize() would do
    return made
