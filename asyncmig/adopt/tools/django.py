"""Django: a row per application and migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.adopt.tool import Applied, ForeignHistory, Tool, leading_digits, moment, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.adopt.tool import Rows


_OF_DJANGO = frozenset(
    {"admin", "auth", "contenttypes", "flatpages", "redirects", "sessions", "sites"}
)
"""Its own applications: files with bare names such as ``0001_initial`` are not theirs."""


def by_application(rows: Rows, at: str) -> ForeignHistory:
    """Take each row for a file that is named after it, with its application or alone."""
    ordered = sorted(rows, key=lambda row: number(row["id"]))
    pairs = list(dict.fromkeys((row["app"] or "", row["name"] or "") for row in ordered))
    times = {(row["app"] or "", row["name"] or ""): moment(row[at]) for row in ordered}
    apps = {app for app, _ in pairs} - _OF_DJANGO
    return ForeignHistory(
        tuple(
            Applied(
                f"{app}.{name}",
                names=(*_with_application(app, name), *((name,) if apps == {app} else ())),
                order=leading_digits(name) if apps == {app} else None,
                name=f"{app}_{name}",
                at=times[app, name],
            )
            for app, name in pairs
        )
    )


def _with_application(app: str, name: str) -> tuple[str, ...]:
    return (f"{app}.{name}", f"{app}_{name}")


def _interpret(rows: Rows, _beside: Mapping[str, Rows]) -> ForeignHistory:
    return by_application(rows, at="applied")


DJANGO = Tool(
    name="django",
    table="django_migrations",
    columns=("id", "app", "name", "applied"),
    interpret=_interpret,
)
