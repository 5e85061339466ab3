"""What users had to wait, as values, and as the JSON that keeps all of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """What is going on meanwhile.

    Attributes:
        rate: How many requests arrive in a second.
        clients: How many connections answer them.
        reader: For how many seconds the reader's transaction is open.
        patience: After how many seconds a runner counts as stuck.
    """

    rate: int
    clients: int
    reader: float
    patience: float


@dataclass(frozen=True, slots=True)
class Result:
    """What it came to with one tool.

    Attributes:
        exit_code: Of the runner; ``None`` if it did not end.
        changed: Whether the table has the new column.
        runner_seconds: How long the runner took.
        seconds: How long the traffic was watched.
        requests: How many there were.
        before: The longest that one waited before the runner began, in seconds: what the machine
            does to them by itself.
        longest: The longest that one waited, in seconds.
        stalled: For how many seconds at least one slow request was waiting.
        slow: How many requests were slow.
        moments: The longest wait among those that arrived in each slice: moment and wait.
        complaint: The last words of a runner that failed.
    """

    exit_code: int | None
    changed: bool
    runner_seconds: float
    seconds: float
    requests: int
    before: float
    longest: float
    stalled: float
    slow: int
    moments: tuple[tuple[float, float], ...] = field(repr=False)
    complaint: str = ""

    @property
    def share(self) -> float:
        """The stalled part of the time."""
        return self.stalled / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured.

    Attributes:
        setting: What was going on.
        machine: What it was measured on.
        versions: What was installed for each tool.
        tools: What came out, by tool.
    """

    setting: Setting
    machine: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    tools: dict[str, Result] = field(default_factory=dict[str, Result])

    def and_also(self, name: str, installed: dict[str, str], result: Result) -> Self:
        """Return these and those of one more tool."""
        return replace(
            self,
            versions={**self.versions, name: installed},
            tools={**self.tools, name: result},
        )

    def save(self, path: Path) -> None:
        """Write everything, so that :meth:`load` reads the same."""
        path.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` has written.

        Raises:
            ValueError: It is of another format.
        """
        document = json.loads(path.read_text())
        if document.pop("format", None) != FORMAT:
            raise ValueError(f"{path} was written by another release of the benchmark")
        setting = Setting(**document.pop("setting"))
        tools = {name: _result(found) for name, found in document.pop("tools").items()}
        return cls(setting, **document, tools=tools)


def _result(found: dict[str, object]) -> Result:
    moments = found["moments"]
    assert isinstance(moments, list)
    return Result(**{**found, "moments": tuple(map(tuple, moments))})  # type: ignore[arg-type]


COLUMNS = (
    "tool",
    "exit",
    "column there",
    "longest wait",
    "before",
    "stalled",
    "share",
    "requests over 250 ms",
    "runner took",
)


def table(results: Results) -> list[str]:
    """Return the lines of the table."""
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return head + [line(name, result) for name, result in results.tools.items()]


def line(name: str, result: Result) -> str:
    """Return a line of the table."""
    cells = (
        name,
        "none" if result.exit_code is None else str(result.exit_code),
        "yes" if result.changed else "no",
        f"{result.longest:.2f} s",
        f"{result.before:.2f} s",
        f"{result.stalled:.1f} s of {result.seconds:.1f} s",
        f"{result.share:.0%}",
        f"{result.slow} of {result.requests}",
        f"{result.runner_seconds:.1f} s",
    )
    return f"| {' | '.join(cells)} |"
