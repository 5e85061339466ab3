"""Which rules are applied, to which migrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError, UnknownVersionError
from asyncmig.lint.rules import RULES
from asyncmig.migration import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asyncmig.lint.rule import Rule
    from asyncmig.migration import Migration
    from asyncmig.sql import Dialect

UNKNOWN_ALLOWANCE = "unknown-allow"
UNUSED_ALLOWANCE = "unused-allow"
OF_ALLOWANCES = (UNKNOWN_ALLOWANCE, UNUSED_ALLOWANCE)
"""Rules about the comments that allow others; nothing allows these."""

SQUAWK = "squawk/"
"""In front of the names of squawk's rules."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look at, and what for.

    Attributes:
        enable: Rules that are off unless asked for, to be applied too.
        disable: Rules not to apply, ours or ``squawk/…``.
        only: The migrations to report on, each as a version, as ``R__name`` or as a file; all of
            them by default. The others are read none the less: what they make is known.
        squawk: Whether to ask squawk too, for PostgreSQL.
    """

    enable: frozenset[str] = frozenset()
    disable: frozenset[str] = frozenset()
    only: tuple[str, ...] | None = None
    squawk: bool = True

    @classmethod
    def of_one(cls, name: str) -> Selection:
        """Return the selection of one rule of ours alone."""
        return cls(enable=frozenset({name}), disable=frozenset(rule_names()) - {name}, squawk=False)

    def rules(self, dialect: Dialect) -> tuple[Rule, ...]:
        """Return our rules that are applied.

        Raises:
            SettingsError: A name in ``enable`` or ``disable`` is no rule.
        """
        self._refuse_unknown_names()
        return tuple(
            rule
            for rule in RULES
            if dialect in rule.dialects and self.asks_for(rule.name, on_request=rule.on_request)
        )

    def applies(self, name: str) -> bool:
        """Tell whether a rule is not disabled."""
        return name not in self.disable

    def asks_for(self, name: str, *, on_request: bool) -> bool:
        """Tell whether to apply a rule, which may be off unless somebody enables it."""
        return self.applies(name) and (not on_request or name in self.enable)

    def migrations(self, known: Sequence[Migration]) -> tuple[Migration, ...]:
        """Return the migrations to report on, in the order of the folder.

        Raises:
            UnknownVersionError: One of them is not in the folder.
        """
        if self.only is None:
            return tuple(known)
        chosen = {_find(word, known).key for word in self.only}
        return tuple(migration for migration in known if migration.key in chosen)

    def _refuse_unknown_names(self) -> None:
        for name in sorted(self.enable | self.disable):
            if not is_known(name):
                raise SettingsError(
                    f"there is no rule {name!r}",
                    hint=f"did you mean {near}?" if (near := nearest_rule(name)) else "",
                )


def is_known(name: str) -> bool:
    """Tell whether there is such a rule; what squawk has is not known here."""
    return name.startswith(SQUAWK) or name in rule_names()


def rule_names() -> tuple[str, ...]:
    """Return the names of our rules, in the order of the reference."""
    return (*(rule.name for rule in RULES), *OF_ALLOWANCES)


def nearest_rule(name: str) -> str:
    """Return the rule that a misspelt name was meant to be, empty when none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, rule_names(), n=1)), "")


def _find(word: str, known: Sequence[Migration]) -> Migration:
    """Return the migration that a word names.

    Raises:
        UnknownVersionError: There is none.
    """
    for migration in known:
        if word in _names(migration) or _is_version(word, migration.version):
            return migration
    raise UnknownVersionError(
        word, [migration.key for migration in known], hint="name a version or a file of the source"
    )


def _names(migration: Migration) -> Iterator[str]:
    """Yield what a migration can be called: its key, its files with and without the folder."""
    yield migration.key
    for script in (migration.up, migration.down):
        if script is not None:
            yield from _spellings(script.path)


def _spellings(path: str) -> Iterable[str]:
    return path, f"./{path}", path.rpartition("/")[2]


def _is_version(word: str, version: Version | None) -> bool:
    """Tell whether a word is that version; ``7`` is ``007``."""
    return version is not None and version == Version.parse(word)
