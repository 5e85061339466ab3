"""Runs squawk, a linter for PostgreSQL that is a program of its own (https://squawkhq.com).

Each script is written to a folder for the time of the call: as many processes as there are
migrations would take minutes. The program is given so long and no longer, and what it prints is
taken as far as it is understood: a newer one may say more.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MISSING = (
    "squawk is not installed, so its rules for PostgreSQL were left out: "
    "pip install 'asyncmig[lint]', or --no-squawk"
)
"""What to say when there is no squawk."""

_SECONDS = 60.0
"""For one call; a hundred files take some 50 ms."""
_FILES_PER_CALL = 200
_NO_FINDINGS, _FINDINGS = 0, 1
"""The exit codes of a squawk that did its work."""


@dataclass(frozen=True, slots=True)
class Text:
    """A script for squawk.

    Attributes:
        sql: The text.
        transaction: Whether it runs in a transaction.
    """

    sql: str
    transaction: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """What squawk says.

    Attributes:
        rule: Its name for the rule.
        level: ``error`` or ``warning``.
        message: A sentence or two.
        help: What it advises; may be empty.
        line: Of the text, from 0.
        column: In that line, from 0, in bytes of UTF-8.
    """

    rule: str
    level: str
    message: str
    help: str
    line: int
    column: int


def find_squawk() -> Path | None:
    """Return the program: the one of this environment, else the one on ``PATH``."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("squawk", path=scripts) or shutil.which("squawk")
    return Path(found) if found else None


def ask_squawk(
    program: Path, texts: Sequence[Text], seconds: float = _SECONDS
) -> list[list[Remark]]:
    """Return what squawk says to each text. This blocks: call it in a worker thread.

    Its configuration (``.squawk.toml``) is read from the working directory on, as always.

    Args:
        program: See :func:`find_squawk`.
        texts: The scripts.
        seconds: How long one call may take.

    Raises:
        SettingsError: It does not run, takes too long, or prints what nobody can read.
    """
    remarks: list[list[Remark]] = [[] for _ in texts]
    for transaction in (True, False):
        wanted = [at for at, text in enumerate(texts) if text.transaction is transaction]
        for start in range(0, len(wanted), _FILES_PER_CALL):
            batch = wanted[start : start + _FILES_PER_CALL]
            with tempfile.TemporaryDirectory(prefix="asyncmig-lint-") as folder:
                files = {str(Path(folder, f"{at}.sql")): at for at in batch}
                for file, at in files.items():
                    Path(file).write_text(texts[at].sql, encoding="utf-8", newline="")
                answer = _call(program, list(files), transaction=transaction, seconds=seconds)
            for entry in read_answer(answer):
                if (file := str(entry.get("file"))) in files:
                    remarks[files[file]].append(_remark(entry))
    return remarks


def read_answer(answer: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of squawk's JSON: a list of them, or a list somewhere in an object.

    Raises:
        SettingsError: It is not JSON.
    """
    try:
        content: object = json.loads(answer)
    except ValueError as error:
        raise _failed(f"prints what is not JSON: {answer[:80]!r}") from error
    parts = cast("dict[str, object]", content).values() if isinstance(content, dict) else [content]
    for part in parts:
        for entry in cast("list[object]", part) if isinstance(part, list) else ():
            if isinstance(entry, dict):
                yield cast("dict[str, Any]", entry)


def _remark(entry: Mapping[str, Any]) -> Remark:
    """Return what an object says, with something in the place of what it does not say."""
    return Remark(
        rule=str(entry.get("rule_name") or entry.get("rule") or "unknown"),
        level=str(entry.get("level") or "warning").lower(),
        message=str(entry.get("message") or "squawk gives no reason"),
        help=str(entry.get("help") or ""),
        line=_number(entry.get("line")),
        column=_number(entry.get("column")),
    )


def _number(value: object) -> int:
    """Return a number that counts something, 0 for anything else."""
    return value if isinstance(value, int) and value > 0 else 0


def _call(program: Path, files: Sequence[str], *, transaction: bool, seconds: float) -> str:
    """Return what squawk prints.

    Raises:
        SettingsError: It does not run, takes too long, or gives up.
    """
    mode = "--assume-in-transaction" if transaction else "--no-assume-in-transaction"
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the files are named by us
            [str(program), "--reporter", "json", mode, *files],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"did not finish within {seconds:g} s") from error
    except OSError as error:
        raise _failed(f"cannot be started: {error.strerror or error}") from error
    if done.returncode not in {_NO_FINDINGS, _FINDINGS}:
        first = next(iter(done.stderr.strip().splitlines()), "")
        raise _failed(f"exited with {done.returncode}: {first}")
    return done.stdout


def _failed(what: str) -> SettingsError:
    return SettingsError(f"squawk {what}", hint="--no-squawk leaves its rules out")
