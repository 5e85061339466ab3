"""The section ``[tool.asyncmig]`` of a project's ``pyproject.toml``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from asyncmig.cli.nearest import nearest
from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE_NAME = "pyproject.toml"
SECTION = "[tool.asyncmig]"


@dataclass(frozen=True, slots=True)
class Project:
    """The project that a command is called in.

    Attributes:
        root: The folder of the nearest ``pyproject.toml``; the working directory without one.
        file: That file; ``None`` without one.
        section: What stands below ``[tool.asyncmig]``; ``None`` when the file has no such section.
    """

    root: Path
    file: Path | None = None
    section: Mapping[str, Any] | None = field(default=None, repr=False)


def find_project(start: Path) -> Project:
    """Return the project that a folder belongs to.

    Only the nearest ``pyproject.toml`` counts: taking a database from a folder further up could
    migrate that of another project.

    Raises:
        SettingsError: The file cannot be read.
    """
    for folder in (start, *start.parents):
        file = folder / FILE_NAME
        if file.is_file():
            return Project(folder, file, read_section(file))
    return Project(start)


def read_section(file: Path) -> Mapping[str, Any] | None:
    """Return what stands below ``[tool.asyncmig]``, with keys spelled with dashes.

    Raises:
        SettingsError: The file is not TOML, or what is there is not a section.
    """
    try:
        text = file.read_text(encoding="utf-8")
        if "asyncmig" not in text:  # so that nothing in it is for us, nor ours to judge
            return None
        import tomllib

        content = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}", file=str(file)) from error
    tool = _as_table(content.get("tool"))
    if tool is None or "asyncmig" not in tool:
        return None
    section = _as_table(tool["asyncmig"])
    if section is None:
        raise SettingsError(f"{SECTION} in {file} is not a section", file=str(file))
    return {key.replace("_", "-"): value for key, value in section.items()}


def refuse_unknown_keys(project: Project, known: Iterable[str]) -> None:
    """Refuse a key that means nothing: it is misspelled, and what it was to say is not heard.

    Raises:
        SettingsError: There is one.
    """
    names = sorted(known)
    for key in project.section or ():
        if key not in names:
            near = nearest(key, names)
            raise SettingsError(
                f"{SECTION} in {project.file} has no key {key!r}",
                hint=f"did you mean {near!r}?" if near else f"it has {', '.join(names)}",
                file=str(project.file),
            )


def add_section(file: Path, values: Mapping[str, str], comment: str) -> None:
    """Append the section to the file, which is made if there is none.

    What is there already stays as it is, to the byte.

    Raises:
        SettingsError: The section cannot be appended to what is there, or the file not written.
    """
    import json
    import tomllib

    try:
        before = file.read_bytes().decode() if file.exists() else ""
        newline = "\r\n" if "\r\n" in before else "\n"
        # A JSON string is a TOML string: the same quotes, the same escapes.
        lines = [SECTION, *(f"# {line}" for line in comment.splitlines())]
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        gap = "" if not before else newline if before.endswith("\n") else newline * 2
        addition = gap + newline.join(lines) + newline
        tomllib.loads(before + addition)
        with file.open("a", encoding="utf-8", newline="") as stream:
            stream.write(addition)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{SECTION} cannot be added to {file}: {error}", file=str(file)
        ) from error


def _as_table(value: object) -> Mapping[str, Any] | None:
    """Return what TOML calls a table, ``None`` for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None
