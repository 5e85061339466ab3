"""What ``check`` understood of a folder: whose files they are, and how a run would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.migration import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncmig.sources.contents import Contents

_OURS = "asyncmig"


def facts_of_contents(contents: Contents) -> dict[str, object]:
    """Return what the document says of a folder."""
    return {
        "source_format": contents.format,
        "order": [migration.key for migration in contents.migrations],
        "without_transaction": _without_transaction(contents),
        "reversible": [migration.key for migration in contents.migrations if migration.down],
    }


def understood(contents: Contents) -> list[str]:
    """Return what people read of a folder that another tool wrote; nothing of one of ours."""
    if contents.format == _OURS:
        return []
    lines = [f"{contents.format}: {', '.join(_counts(contents))}"]
    if keys := _without_transaction(contents):
        lines.append(f"  outside of a transaction: {', '.join(keys)}")
    return lines


def _counts(contents: Contents) -> Iterator[str]:
    """Yield how many there are of each kind, and in which order they run."""
    versions = [m for m in contents.migrations if m.kind is Kind.VERSIONED]
    repeatables = len(contents.migrations) - len(versions)
    if versions:
        first, last = versions[0].key, versions[-1].key
        yield f"{len(versions)} in the order {first} to {last}" if first != last else first
    if repeatables:
        yield f"{repeatables} repeatable"
    yield f"{sum(1 for migration in contents.migrations if migration.down)} with a way down"
    if contents.problems:
        yield f"{len(contents.problems)} that cannot be run"


def _without_transaction(contents: Contents) -> list[str]:
    return [migration.key for migration in contents.migrations if not migration.up.transaction]
