"""Render the revisions of an alembic project into SQL files of ours.

Each revision runs as it would on a database, against a connection that writes down what it is told
and knows no answers. What asks for an answer cannot be rendered, and is left for a person.

alembic and SQLAlchemy are imported in this package only.
"""
