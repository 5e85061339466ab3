"""Revisions of alembic as SQL files."""
