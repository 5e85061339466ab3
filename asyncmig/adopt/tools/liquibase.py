"""Liquibase: a row per change set, of which a file may have several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import (
    Applied,
    ForeignHistory,
    Tool,
    Trouble,
    is_true,
    leading_digits,
    moment,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


_LOCK_TABLE = "databasechangeloglock"
_APPLIED = frozenset({"EXECUTED", "RERAN", "MARK_RAN"})


def _interpret(rows: Rows, beside: Mapping[str, Rows]) -> ForeignHistory:
    """Take the file of a change set for its name, and else the id of the change set.

    Its MD5 is that of a model of the change, which only Liquibase can make.
    """
    ordered = sorted(rows, key=lambda row: number(row["orderexecuted"]))
    applied = tuple(
        _applied(row["id"] or "", row["author"] or "", row["filename"] or "", row["dateexecuted"])
        for row in ordered
        if (row["exectype"] or "").upper() in _APPLIED
    )
    holders = [row for row in beside.get(_LOCK_TABLE, ()) if is_true(row["locked"])]
    return ForeignHistory(applied, trouble=_locked(holders[0]["lockedby"]) if holders else None)


def _applied(change: str, author: str, filename: str, at: str | None) -> Applied:
    stem = filename.rpartition("/")[2].partition(".")[0]
    return Applied(
        f"{filename}::{change}::{author}",
        names=(stem, change),
        order=leading_digits(stem) or leading_digits(change),
        name=stem,
        at=moment(at),
    )


def _locked(holder: str | None) -> Trouble:
    return Trouble(
        f"Liquibase holds its lock ({holder})",
        "wait until it has ended; if it is gone already, `liquibase release-locks` removes what "
        "it left",
    )


LIQUIBASE = Tool(
    name="liquibase",
    table="databasechangelog",
    columns=("id", "author", "filename", "dateexecuted", "orderexecuted", "exectype"),
    beside={_LOCK_TABLE: ("locked", "lockedby")},
    interpret=_interpret,
)
