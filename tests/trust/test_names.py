"""Every name that asyncmig says is qualified: a ``search_path`` decides about none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.trust.scenario import APPLICATION, live
from tests.trust.statements import AUTHOR, log_of, loose_names

if TYPE_CHECKING:
    from tests.migration_folder import MigrationFolder

RESET_OF_THE_POOL = "SELECT pg_advisory_unlock_all()"
"""How asyncpg's pool cleans up when the application gets its connection back: not our words."""

LEAST = ("COPY (SELECT", "INSERT INTO", "UPDATE", "CREATE TABLE", "pg_try_advisory_lock")


async def test_every_statement_names_the_schema_of_everything(
    recording_url: str, migration_folder: MigrationFolder
) -> None:
    """Tables, functions, operators and types, as PostgreSQL's own parser finds them."""
    log = await log_of(recording_url)
    since = await log.size()
    await live(recording_url, migration_folder)
    sent = [s for s in log.statements(since, "asyncmig/", APPLICATION) if AUTHOR not in s]
    ours = {s for s in sent if not s.startswith(RESET_OF_THE_POOL)}
    for words in LEAST:
        assert any(words in statement for statement in ours), words
    assert {} == {s: names for s in ours if (names := loose_names(s))}
