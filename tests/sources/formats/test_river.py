"""River's files: golang-migrate's pairs, with a place for a schema."""

from __future__ import annotations

import pytest

from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import load_files, text_of

TEXT = "CREATE TABLE /* TEMPLATE: schema */river_job (id int);\n"


@pytest.mark.parametrize(
    ("placeholders", "expected"),
    [
        ({}, "CREATE TABLE river_job (id int);\n"),
        ({"schema": "Jobs"}, 'CREATE TABLE "Jobs".river_job (id int);\n'),
        ({"schema": 'a"\\1'}, 'CREATE TABLE "a""\\1".river_job (id int);\n'),
    ],
)
def test_a_schema_is_put_in_where_one_is_given(placeholders: dict[str, str], expected: str) -> None:
    """Without one search_path decides, also where the template is in a string."""
    files = {"001_a.up.sql": TEXT, "001_a.down.sql": "DROP TABLE /* TEMPLATE: schema */river_job;"}

    [migration] = load_files(files, reading=Reading("river", placeholders))

    assert expected == text_of(migration.up)
    assert migration.down is not None
