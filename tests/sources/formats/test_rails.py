"""Rails's folder: nobody can run Ruby here, and nobody is to think that there is nothing."""

from __future__ import annotations

from asyncmig.sources.reading import Reading
from tests.sources.memory_folder import Complaint, complaints, load_files

HINT = (
    "let Rails apply them, adopt its history, and go on in a folder of your own; "
    "`rails db:schema:dump` with structure.sql is what a fresh database begins with"
)


def test_a_folder_of_ruby_gets_a_sentence() -> None:
    """One for all of it."""
    files = {"20240313101530_create_users.rb": "", "20240314101530_add.users.rb": "", "x.txt": ""}

    assert [
        Complaint("migrations: 2 migrations of Rails in Ruby, which cannot be run here", HINT)
    ] == complaints(files)


def test_ruby_beside_sql_is_left_alone() -> None:
    """Somebody has adopted its history, and goes on in SQL."""
    files = {"20240313101530_create_users.rb": "", "20250101000000_a.sql": "A;\n"}

    assert ["20250101000000"] == [migration.key for migration in load_files(files)]


def test_a_folder_without_any_says_so() -> None:
    """When somebody says that it is of Rails."""
    [found] = complaints({"a.txt": ""}, reading=Reading("rails"))

    assert "no migrations in migrations" == found.message
