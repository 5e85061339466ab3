"""Reads a statement word by word, as far as a rule has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CLOSING = {'"': '"', "`": "`", "[": "]"}
_DEPTH = {"(": 1, ")": -1}


class Words:
    """The tokens of a statement, and how far they have been read.

    Args:
        tokens: Bare words in upper case, all else as it is written.
        dialect: Whose names they are.
    """

    def __init__(self, tokens: Sequence[str], dialect: Dialect) -> None:
        self._tokens = tokens
        self.dialect = dialect
        self._at = 0

    @property
    def rest(self) -> Sequence[str]:
        """What was not read yet."""
        return self._tokens[self._at :]

    def accept(self, phrase: str) -> bool:
        """Read those words if they come next, and tell whether they did."""
        wanted = phrase.split()
        if list(self._tokens[self._at : self._at + len(wanted)]) != wanted:
            return False
        self._at += len(wanted)
        return True

    def accept_any(self, *phrases: str) -> str:
        """Read the first of the phrases that comes next; empty when none does."""
        return next((phrase for phrase in phrases if self.accept(phrase)), "")

    def name(self) -> str:
        """Read a name that may have a schema in front; empty when there is no name.

        The same name is the same string afterwards: without quotes, folded as the database folds
        it, without ``public.`` and ``main.`` in front.
        """
        parts: list[str] = []
        while self._at < len(self._tokens) and is_name(self._tokens[self._at]):
            parts.append(folded(self._tokens[self._at], self.dialect))
            self._at += 1
            if not self.accept("."):
                break
        if len(parts) > 1 and parts[0] in {"public", "main"}:
            parts = parts[1:]
        return ".".join(parts)

    def names(self) -> Iterator[str]:
        """Read names with commas between them."""
        while name := self.name():
            yield name
            self.accept("*")
            if not self.accept(","):
                return


def folded(token: str, dialect: Dialect) -> str:
    """Return a name without quotes, spelled as the database compares it."""
    closing = _CLOSING.get(token[:1])
    bare = token[1:-1].replace(f"{closing}{closing}", str(closing)) if closing else token
    return bare if closing and dialect is Dialect.POSTGRESQL else bare.lower()


def commas_apart(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the tokens between the commas that stand outside of parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += _DEPTH.get(token, 0)
        if token == "," and depth == 0:  # noqa: S105 - no password
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]


def in_parentheses(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return what is inside of the parenthesis that the tokens begin with; nothing without one."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += _DEPTH.get(token, 0)
        if depth == 0:
            return tuple(tokens[1:at])
    return tuple(tokens[1:])


def behind(tokens: Sequence[str], phrase: str) -> Sequence[str] | None:
    """Return what follows the first place where those words stand, ``None`` if there is none."""
    wanted = phrase.split()
    width = len(wanted)
    for at in range(len(tokens) - width + 1):
        if list(tokens[at : at + width]) == wanted:
            return tokens[at + width :]
    return None


def has_phrase(tokens: Sequence[str], phrase: str) -> bool:
    """Tell whether those words stand next to each other somewhere."""
    return behind(tokens, phrase) is not None


def is_name(token: str) -> bool:
    """Tell whether a token can be a name: a word, or something quoted like one."""
    return token[:1] in _CLOSING or token[:1].isalpha() or token[:1] == "_"
