"""What ``asyncmig lint`` is to look for: its options, and ``[tool.asyncmig.lint]``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar, cast

from asyncmig.cli.nearest import nearest
from asyncmig.cli.pyproject import SECTION
from asyncmig.errors import SettingsError
from asyncmig.lint.finding import Severity
from asyncmig.lint.selection import Selection

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from asyncmig.cli.pyproject import Project
    from asyncmig.lint.finding import Finding
    from asyncmig.lint.linter import LintReport

TABLE = "lint"
KEYS = ("disable", "enable", "fail-on", "squawk")
_SECTION = f"{SECTION[:-1]}.{TABLE}]"


class FailOn(StrEnum):
    """From which severity on the exit code is 3."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class LintSettings:
    """What to look for.

    Attributes:
        selection: The rules.
        fail_on: From which severity on the exit code is 3.
    """

    selection: Selection
    fail_on: FailOn

    def failures(self, report: LintReport) -> tuple[Finding, ...]:
        """Return the findings that make the exit code 3."""
        if self.fail_on is FailOn.NEVER:
            return ()
        return report.at_least(Severity(self.fail_on.value))


def read_lint_settings(
    project: Project, options: Namespace, only: tuple[str, ...] | None = None
) -> LintSettings:
    """Lay the options on top of the project's section.

    Lists add up; a rule that an option enables is not disabled by the section, and the other way
    round.

    Args:
        project: Whose section.
        options: What was typed; a command without these options has none of them.
        only: The migrations to report on.

    Raises:
        SettingsError: The section cannot be understood.
    """
    section = _section(project)
    typed_on = frozenset(getattr(options, "enable", None) or ())
    typed_off = frozenset(getattr(options, "disable", None) or ())
    enable = typed_on | (_rules(section, "enable") - typed_off)
    disable = typed_off | (_rules(section, "disable") - typed_on)
    asks_squawk = section.get("squawk", True)
    if not isinstance(asks_squawk, bool):
        raise SettingsError(f"squawk in {_SECTION} is true or false, not {asks_squawk!r}")
    return LintSettings(
        Selection(
            enable=enable,
            disable=disable,
            only=only,
            squawk=asks_squawk and not getattr(options, "no_squawk", False),
        ),
        choice(
            FailOn,
            getattr(options, "lint_fail_on", None) or section.get("fail-on", FailOn.WARNING.value),
            "--fail-on",
        ),
    )


Choice = TypeVar("Choice", bound=StrEnum)


def choice(choices: type[Choice], word: object, name: str) -> Choice:
    """Return one of a few words.

    Raises:
        SettingsError: It is none of them.
    """
    names = [one.value for one in choices]
    if word not in names:
        raise SettingsError(f"{name}: {word!r} is not one of {', '.join(names)}")
    return choices(word)


def _section(project: Project) -> Mapping[str, object]:
    """Return what stands below ``[tool.asyncmig.lint]``, with keys spelled with dashes."""
    found: object = (project.section or {}).get(TABLE, {})
    if not isinstance(found, dict):
        raise SettingsError(f"{TABLE} in {SECTION} of {project.file} is not a section")
    section = {
        key.replace("_", "-"): value for key, value in cast("dict[str, object]", found).items()
    }
    for key in section:
        if key not in KEYS:
            near = nearest(key, KEYS)
            raise SettingsError(
                f"{_SECTION} in {project.file} has no key {key!r}",
                hint=f"did you mean {near!r}?" if near else f"it has {', '.join(KEYS)}",
            )
    return section


def _rules(section: Mapping[str, object], key: str) -> frozenset[str]:
    """Return the names of a list."""
    found = section.get(key, [])
    if not isinstance(found, list) or not all(
        isinstance(name, str) for name in cast("list[object]", found)
    ):
        raise SettingsError(f"{key} in {_SECTION} is a list of rules, not {found!r}")
    return frozenset(cast("list[str]", found))
