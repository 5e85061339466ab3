"""Everything that a run lets others see: logs, events, errors, tracebacks and what repr() shows."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from asyncmig.events import Event

SECRET = "Geheim"
"""The part of the password that no encoding changes."""

PASSWORD = f"p@ss/w%rd?{SECRET}#[1]"
"""Full of what a URL must have encoded; many tools stumble over it, and print it."""

ENCODED = f"p%40ss%2Fw%25rd%3F{SECRET}%23%5B1%5D"


TESTS = Path(__file__).parents[1]


class Overheard(logging.Handler):
    """What was heard, and who said it: nothing of it may have the secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a log record, with all its attributes."""
        self.hear(f"log {record.name}", self.format(record), repr(record.__dict__))

    def event(self, event: Event) -> None:
        """Take an event, as an observer does."""
        self.hear(f"event {type(event).__name__}", repr(event), str(dataclasses.asdict(event)))

    def hear(self, who: str, *words: str) -> None:
        """Take words."""
        self._heard += [(who, each) for each in words]

    def error(self, error: BaseException) -> None:
        """Take all that anybody could show of an error and of what is behind it."""
        self.hear(f"traceback of {type(error).__name__}", *traceback.format_exception(error))
        for each in _chain(error):
            who = type(each).__name__
            self.hear(f"error {who}", str(each), repr(each), repr(vars(each)))
            self.hear(f"variables behind {who}", *_variables(each))

    def thing(self, thing: object) -> None:
        """Take what an object of ours shows of itself, and each that it holds."""
        for each in _parts(thing, set()):
            self.hear(f"repr of {type(each).__name__}", repr(each), str(each))

    @property
    def words(self) -> str:
        """All of it, for a test that something was heard at all."""
        return "\n".join(words for _, words in self._heard)

    def leaks(self) -> list[str]:
        """Return who said the secret, and the lines that he said it in."""
        return [
            f"{who}: {line.strip()[:300]}"
            for who, words in self._heard
            for line in words.splitlines()
            if SECRET.lower() in line.lower()
        ]


@contextmanager
def listening() -> Generator[Overheard]:
    """Hear every log, of the lowest level and of every library, structlog's too."""
    heard = Overheard()
    root = logging.getLogger()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    with structlog.testing.capture_logs() as structured:
        try:
            yield heard
        finally:
            root.removeHandler(heard)
            root.setLevel(level)
            heard.hear("structlog", *map(repr, structured))


def _variables(error: BaseException) -> Iterator[str]:
    """Show the frames as error trackers do, but for those of the tests, which know the secret."""
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), capture_locals=True
    )
    for frame in frames:
        if not Path(frame.filename).is_relative_to(TESTS):
            yield from traceback.StackSummary.from_list([frame]).format()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _parts(thing: object, seen: set[int]) -> Iterator[object]:
    """Go through an object of ours and what its attributes hold."""
    if not type(thing).__module__.startswith("asyncmig") or id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    held = getattr(thing, "__dict__", None) or {
        name: getattr(thing, name, None) for name in getattr(thing, "__slots__", ())
    }
    for value in held.values() if isinstance(held, Mapping) else ():
        yield from _parts(value, seen)
