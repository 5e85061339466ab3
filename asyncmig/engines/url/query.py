"""The query of a URL as pairs, and its percent-encoding."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from asyncmig.engines.url.split import nearest
from asyncmig.errors import DatabaseUrlError

ENCODE = (
    "write the special characters of user and password percent-encoded: "
    "@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, & as %26"
)
# SQLAlchemy repeats these keys, one for each host, where libpq writes a list with commas.
_LISTS = {"host", "port"}
_KEY = re.compile(r"[A-Za-z_][\w.-]*")


def decode(text: str, *, part: str) -> str:
    """Return what percent-encoded text stands for; ``part`` names it in the error.

    Raises:
        DatabaseUrlError: It stands for nothing that can be text.
    """
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        # Raised out here: the driver's and codec's errors carry the text that they fail on.
        raise DatabaseUrlError(
            f"the {part} in the database URL is not percent-encoded UTF-8 text",
            hint="encode it with urllib.parse.quote(text, safe='')",
        )
    return decoded


def readable(text: str, *, safe: str = "") -> str:
    """Percent-encode what has a meaning in a URL or moves the cursor, and leave the rest."""
    kept = {*"_.~$+-", *safe}
    return "".join(c if c.isalnum() or c in kept else quote(c, safe="") for c in text)


def parse_query(text: str) -> dict[str, str]:
    """Return the query as a mapping. A key without a value is there with an empty one.

    A plus sign is a space, as for asyncpg and SQLAlchemy (libpq takes it for itself).

    Raises:
        DatabaseUrlError: A part of it is no key, or a key has two values.
    """
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        key, _, value = (decode(side, part="query") for side in _sides(pair))
        if not _KEY.fullmatch(key):
            raise DatabaseUrlError(
                "the database URL has something after its question mark that is no key=value",
                hint=ENCODE,
            )
        if key in found and key in _LISTS:
            value = f"{found[key]},{value}"
        elif found.get(key, value) != value:
            raise DatabaseUrlError(
                f"the database URL gives {key} twice, with different values",
                hint="keep one of them",
            )
        found[key] = value
    return found


def one_of(query: dict[str, str], key: str, choices: tuple[str, ...]) -> str:
    """Return the value of a key as the choices spell it, empty if there is none.

    Raises:
        DatabaseUrlError: It is none of the choices.
    """
    value = query.get(key, "").lower()
    chosen = next((choice for choice in choices if choice.lower() == value), "")
    if value and not chosen:
        raise DatabaseUrlError(
            f"the database URL has a value of {key} that does not exist",
            hint=f"{key} is one of {', '.join(choices)}",
        )
    return chosen


def number(query: dict[str, str], key: str, *, unit: str) -> float | None:
    """Return the value of a key as a number, ``None`` if there is none.

    Raises:
        DatabaseUrlError: It is no number, or a negative one.
    """
    value = query.get(key, "")
    if value and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        raise DatabaseUrlError(
            f"the {key} in the database URL is not a number of {unit}",
            hint=f"write digits only, such as {key}=10",
        )
    return float(value) if value else None


def unknown_key(key: str, known: list[str], *, hint: str) -> DatabaseUrlError:
    """Return the error for a key that means nothing, with the nearest one that does."""
    near = nearest(key, known)
    return DatabaseUrlError(
        f"the database URL has an unknown key {key}",
        hint=f"did you mean {near}?" if near else hint,
    )


def _sides(pair: str) -> tuple[str, str, str]:
    return pair.replace("+", " ").partition("=")
