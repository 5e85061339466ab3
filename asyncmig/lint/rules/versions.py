"""Rules about the order that the versions of a folder make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import Rule
from asyncmig.lint.subject import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.lint.subject import Subject
    from asyncmig.migration import Version

_TIMESTAMP = "%Y%m%d%H%M%S"
_TIMESTAMP_DIGITS = 14
_LEEWAY = timedelta(days=1)
"""A colleague's clock, and local time instead of UTC."""


def version_in_the_future(subject: Subject) -> Iterator[Flaw]:
    """Find a timestamp that everything written meanwhile would be out of order with."""
    version = subject.migration.version
    moment = None if version is None else _moment(version)
    if moment is not None and moment > subject.around.now + _LEEWAY:
        yield Flaw(
            f"version {version} is in the future, so what is written until then comes out of order",
            "give it the time of now, as `asyncmig new` does",
            subject.migration.up,
        )


def version_gap(subject: Subject) -> Iterator[Flaw]:
    """Find a number that is left out in a sequence."""
    version, former = subject.migration.version, subject.former
    if version is None or former is None or _moment(version) or _moment(former):
        return
    *outer, last = version.numbers
    if outer == list(former.numbers[:-1]) and last > former.numbers[-1] + 1:
        yield Flaw(
            f"there is nothing between version {former} and version {version}",
            "close the gap while the file is new; what comes into it later is out of order",
            subject.migration.up,
        )


def _moment(version: Version) -> datetime | None:
    """Return the time that a version stands for; ``None`` when it is a number of a sequence."""
    if len(version.text) != _TIMESTAMP_DIGITS:
        return None
    try:
        return datetime.strptime(version.text, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


RULES = (
    Rule("version-in-the-future", Severity.WARNING, version_in_the_future),
    Rule("version-gap", Severity.NOTICE, version_gap, on_request=True),
)
