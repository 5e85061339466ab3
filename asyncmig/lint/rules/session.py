"""Rules about settings of the session that a file changes for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.lint.finding import Severity
from asyncmig.lint.rule import POSTGRESQL, Rule
from asyncmig.lint.subject import Flaw
from asyncmig.lint.words import Words, behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncmig.lint.subject import Part, Sentence, Subject

_UNLIMITED = frozenset({"0", "'0'", "'0s'", "'0ms'", "DEFAULT"})


def search_path(subject: Subject) -> Iterator[Flaw]:
    """Find a file that moves its own names into another schema."""
    for part, sentence, name, _ in _settings(subject):
        if name in {"search_path", "schema"}:
            yield Flaw(
                "search_path is changed: what the names below mean depends on this line",
                "write the schema in front of the names, or set search_path for every migration "
                "with --search-path",
                part.script,
                sentence.statement,
            )


def unlimited_lock_wait(subject: Subject) -> Iterator[Flaw]:
    """Find a file that waits for locks without limit, while everybody queues behind it."""
    for part, sentence, name, value in _settings(subject):
        if name == "lock_timeout" and value in _UNLIMITED:
            yield Flaw(
                "without lock_timeout everybody queues behind a statement that waits for its lock",
                "take the line out: asyncmig sets it, or `lock_timeout:5s` in the marker does",
                part.script,
                sentence.statement,
            )


def releases_lock(subject: Subject) -> Iterator[Flaw]:
    """Find what takes the runner's own lock away."""
    for part in subject.parts:
        for sentence in part.sentences:
            is_discard = sentence.tokens[:2] == ("DISCARD", "ALL")
            is_select = sentence.tokens[:1] in {("SELECT",), ("DO",)}
            if is_discard or (is_select and "PG_ADVISORY_UNLOCK_ALL" in sentence.tokens):
                yield Flaw(
                    "this gives back every advisory lock, the one of asyncmig included",
                    "take it out: asyncmig resets the session after each migration",
                    part.script,
                    sentence.statement,
                )


def _settings(subject: Subject) -> Iterator[tuple[Part, Sentence, str, str]]:
    """Yield what sets something for the session or the transaction, with name and value."""
    for part in subject.parts:
        for sentence in part.sentences:
            name, value = _setting(sentence.tokens, part)
            if name:
                yield part, sentence, name, value


def _setting(tokens: Sequence[str], part: Part) -> tuple[str, str]:
    """Return what a statement sets, and the first word of the value; empty for anything else."""
    words = Words(tokens, part.dialect)
    if words.accept("SET"):
        words.accept_any("LOCAL", "SESSION")
        name = words.name()
        words.accept_any("TO", "=")
        return name, "".join(words.rest[:1])
    if words.accept("SELECT"):
        arguments = behind(words.rest, "SET_CONFIG (") or ()
        return "".join(arguments[:1]).strip("'").lower(), "".join(arguments[2:3])
    return "", ""


RULES = (
    Rule("search-path", Severity.WARNING, search_path, POSTGRESQL),
    Rule("unlimited-lock-wait", Severity.WARNING, unlimited_lock_wait, POSTGRESQL),
    Rule("releases-lock", Severity.ERROR, releases_lock, POSTGRESQL),
)
