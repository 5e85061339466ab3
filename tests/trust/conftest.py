"""The server of these tests, which writes down all that is said to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.postgres import fresh_database, postgres
from tests.trust.statements import PREFIX

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="package")
def recording_server(postgres_server: str) -> Generator[str]:
    """Yield the URL of a server of our own that logs every statement."""
    del postgres_server  # where there is no PostgreSQL, this fixture skips
    with postgres(log_statement="all", log_line_prefix=PREFIX) as url:
        yield url


@pytest.fixture
def recording_url(recording_server: str) -> Generator[str]:
    """Yield the URL of an empty database on that server."""
    with fresh_database(recording_server, "trusting") as url:
        yield url
