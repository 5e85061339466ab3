"""What git knows of a folder. Reads only."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 30.0


def names_at(folder: Path, reference: str) -> tuple[str, ...]:
    """Return the names of what is in a folder at a commit; none if it was not there then.

    Args:
        folder: A folder inside a work tree.
        reference: A branch, a tag or a commit.

    Raises:
        SettingsError: There is no git, no repository, or no such commit.
    """
    listed = _git(folder, "ls-tree", "-z", "--name-only", _commit(folder, reference)) or ""
    return tuple(filter(None, listed.split("\0")))


def names_changed_since(folder: Path, reference: str) -> frozenset[str]:
    """Return the names of the files in a folder that are new or changed on this branch.

    Compared with where the branch left the other one; with the other one itself when that is not
    to be found, as in a shallow clone. What is not committed counts too.

    Args:
        folder: A folder inside a work tree.
        reference: A branch, a tag or a commit.

    Raises:
        SettingsError: There is no git, no repository, or no such commit.
    """
    commit = _commit(folder, reference)
    fork = (_git(folder, "merge-base", commit, "HEAD") or commit).strip()
    changed = _git(
        folder, "diff", "-z", "--name-only", "--no-renames", "--diff-filter=d", "--relative", fork
    )
    untracked = _git(folder, "ls-files", "-z", "--others", "--exclude-standard")
    return frozenset(filter(None, f"{changed or ''}\0{untracked or ''}".split("\0")))


def _commit(folder: Path, reference: str) -> str:
    """Return the commit that a reference names.

    Raises:
        SettingsError: There is none.
    """
    commit = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"
    )
    if commit is None:
        raise SettingsError(
            f"git knows no commit {reference!r} in {folder}",
            hint="in CI, fetch it first: git fetch origin main, then --against origin/main",
        )
    return commit.strip()


def _git(folder: Path, *words: str) -> str | None:
    """Return what git prints; ``None`` if it did not find what was asked for.

    Raises:
        SettingsError: It could not even look.
    """
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and what the user gave comes behind an end of options
            ["git", "-C", str(folder), *words],  # noqa: S607 - the user's git, wherever it is
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise SettingsError("--against needs git, and there is none on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"git did not answer within {_SECONDS:.0f} s") from error
    if done.stderr.strip():
        first = done.stderr.strip().splitlines()[0].removeprefix("fatal: ")
        raise SettingsError(f"git cannot look into {folder}: {first}")
    return done.stdout if done.returncode == 0 else None
