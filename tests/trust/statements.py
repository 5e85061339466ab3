"""What asyncmig says to a server, and which names in it the ``search_path`` decides about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pglast import parse_sql

from tests.engines.postgres.ground import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "%a|"
"""The `log_line_prefix` of a server whose log is read here: the name of the application."""

AUTHOR = "/* author */"
"""Stands in every statement of a migration, which goes to the server as it was written."""

_NAMED_BY = {"FuncCall": "funcname", "TypeName": "names", "A_Expr": "name"}
_COMPARES = {"CaseExpr": ("arg",), "JoinExpr": ("usingClause", "isNatural")}
"""What compares with an operator that is not written."""

# A line that does not begin with a tab begins a new message.
_MESSAGE = re.compile(r"\n(?!\t)")
_STATEMENT = re.compile(
    r"(?P<who>[^|]*)\|LOG: +(?:statement|execute [^:]*): (?P<text>.*)", re.DOTALL
)
_CHECK = re.compile(r"\bBEGIN\s+IF (.*?) THEN (?:RAISE|CREATE)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a server that logs every statement.

    Attributes:
        path: The file.
        url: The server.
    """

    path: Path
    url: str

    async def size(self) -> int:
        """Return where the log ends now, all that was sent so far being in it."""
        await ask(self.url, "SELECT 1")
        return self.path.stat().st_size

    def statements(self, since: int, *names: str) -> list[str]:
        """Return what the applications of these names have sent, in order.

        Args:
            since: Where to begin, see :meth:`size`.
            names: How their names begin.
        """
        text = self.path.read_bytes()[since:].decode()
        found = filter(None, map(_STATEMENT.fullmatch, _MESSAGE.split(text)))
        return [m["text"].replace("\n\t", "\n") for m in found if m["who"].startswith(names)]


async def log_of(url: str) -> Log:
    """Return the log of a server that :func:`tests.servers.postgres.postgres` has started."""
    ((folder,),) = await ask(url, "SELECT current_setting('data_directory')")
    return Log(Path(folder).parent / "log", url)


def loose_names(sql: str) -> list[str]:
    """Return the names in SQL that mean what the ``search_path`` makes of them.

    Raises:
        pglast.parser.ParseError: PostgreSQL's own grammar does not accept it.
    """
    trees: Any = parse_sql(sql)
    return [name for tree in trees for name in _loose(tree.stmt(skip_none=True))]


def checked_by(sql: str) -> list[str]:
    """Return the conditions inside the DO blocks of a script, as queries."""
    return [f"SELECT {condition}" for condition in _CHECK.findall(sql)]


def _loose(node: object) -> Iterator[str]:
    """Go through a tree as pglast serializes it: mappings with the class below ``@``."""
    if isinstance(node, tuple):
        for item in node:
            yield from _loose(item)
    elif isinstance(node, Mapping):
        if name := _loose_name(node):
            yield name
        for item in node.values():
            yield from _loose(item)


def _loose_name(node: Mapping[str, Any]) -> str:
    """Return what is loose about one node, empty if nothing is.

    What the grammar itself maps to pg_catalog is not (``bigint``, ``EXTRACT``), nor are operators
    that come from a type's default operator class (ORDER BY, PRIMARY KEY).
    """
    kind = node.get("@", "")
    if kind in _NAMED_BY:
        return _unqualified(kind, node[_NAMED_BY[kind]])
    if kind == "RangeVar" and "schemaname" not in node:
        return f"relation {node['relname']}"
    if kind == "SubLink" and "testexpr" in node:
        return _unqualified(kind, node.get("operName", ()))
    if any(node.get(key) for key in _COMPARES.get(kind, ())):
        return f"operator = of {kind}"
    return _unqualified_objects(node) if kind in {"CommentStmt", "DropStmt"} else ""


def _unqualified(kind: str, parts: tuple[Mapping[str, str], ...]) -> str:
    names = [part["sval"] for part in parts]
    return "" if names[:1] == ["pg_catalog"] else f"{kind} {'.'.join(names)}"


def _unqualified_objects(node: Mapping[str, Any]) -> str:
    objects = node["objects"] if "objects" in node else (node["object"],)
    short = [parts[-1]["sval"] for parts in objects if len(parts) == 1]
    return f"object {', '.join(short)}" if short else ""
