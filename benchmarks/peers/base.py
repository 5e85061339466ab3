"""What a workload asks of a tool, and the migration that every tool gives its own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BOTH = frozenset({"postgresql", "sqlite"})


@dataclass(frozen=True, slots=True)
class Script:
    """One migration, before a tool's format gives it a shape.

    Attributes:
        number: Its place in the order, from 1.
        statements: SQL without semicolons at the end.
        transaction: Whether it runs in a transaction.
    """

    number: int
    statements: tuple[str, ...]
    transaction: bool = True

    @property
    def sql(self) -> str:
        """The statements as one script."""
        return "".join(f"{statement};\n" for statement in self.statements)


class Peer(Protocol):
    """A tool that migrates."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip installs; the first one is the tool itself."""
        ...

    @property
    def databases(self) -> frozenset[str]:
        """``postgresql``, ``sqlite``, or both."""
        ...

    @property
    def leaves_transactions(self) -> bool:
        """Whether a migration can run without a transaction."""
        ...

    @property
    def call(self) -> str:
        """The module of ``benchmarks.calls`` that calls its Python interface; empty if none."""
        ...

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What that call is given besides the database and the folder."""
        ...

    @property
    def program(self) -> str:
        """What is on the ``PATH`` when it is installed; empty if nothing is."""
        ...

    @property
    def module(self) -> str:
        """What can be imported; empty if nothing can be."""
        ...

    @property
    def names(self) -> str:
        """What an application imports from there: some tools load nothing until it is asked for."""
        ...

    def write(self, programs: Path, folder: Path, scripts: Sequence[Script]) -> None:
        """Write the scripts in the tool's format.

        Args:
            programs: The ``bin`` folder of the environment that the tool is installed in.
            folder: An empty folder, or one that an earlier call has written fewer scripts to.
            scripts: In their order.
        """
        ...

    def command(self, programs: Path, folder: Path, url: str) -> list[str]:
        """Return the command that applies what is pending."""
        ...
