"""The text of a URL, whichever object the user has it in. No library is imported to find out."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from asyncmig.errors import DatabaseUrlError

UNMASKED = (
    "put the password itself in its place; in Python give the URL object, or its whole text: "
    "url.render_as_string(hide_password=False) of SQLAlchemy, secret.get_secret_value() of pydantic"
)

_MASK = len("***")


def text_of(database: object) -> str:
    """Return the URL as text, with its password.

    Raises:
        DatabaseUrlError: No URL can be had of such an object.
    """
    if isinstance(database, str):
        # Before all else: an enum or a sub-class may have a __str__ that says something different.
        return str.__str__(database)
    if database is None:
        raise DatabaseUrlError(
            "there is no database: the URL is None",
            hint="an environment variable or a setting may be missing",
        )
    given: Any = database
    if hasattr(given, "get_secret_value"):
        return text_of(given.get_secret_value())
    if hasattr(given, "render_as_string"):
        # str() of SQLAlchemy's URL masks the password.
        return text_of(given.render_as_string(hide_password=False))
    return _text_of_object(given)


def is_masked(text: str) -> bool:
    """Tell whether a text is nothing but asterisks, three of them or more."""
    return len(text) >= _MASK and not text.strip("*")


def masked() -> DatabaseUrlError:
    """Return the error for a password that somebody replaced by asterisks."""
    return DatabaseUrlError(
        "the password in the database URL is masked: this is a URL that was printed for people",
        hint=UNMASKED,
    )


def _text_of_object(given: Any) -> str:  # noqa: ANN401 - of any library
    """Return ``str()`` of pydantic's, Starlette's or yarl's URL, which is the whole of it."""
    kind = given.__class__.__name__
    if hasattr(getattr(given, "url", None), "render_as_string"):
        raise DatabaseUrlError(
            f"a database URL is needed, not SQLAlchemy's {kind}",
            hint="give its .url; settings in its connect_args are not part of that",
        )
    text = "" if isinstance(given, bytes | bytearray) else str(given)
    if "://" not in text:
        raise DatabaseUrlError(
            f"a database URL is needed, not a {kind}",
            hint=_hint_for_a_path(given)
            if isinstance(given, PurePath)
            else "give a string such as postgresql://user@host/name or sqlite:///app.db",
        )
    return text


def _hint_for_a_path(path: PurePath) -> str:
    """Return how to write a path; one mixed up with the folder of migrations would go unseen."""
    if ":" in str(path)[2:]:
        return "give the URL as a string"  # a URL in a Path lost a slash, and may have a password
    return f"the URL of that SQLite file is sqlite:///{path}"
