"""A virtual environment per tool, made once and kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer

PROJECT = Path(__file__).parents[2]
ROOT = PROJECT / ".venv-peers"
STAMP = "requirements"
UNINTERESTING = {"pip", "setuptools", "wheel"}


def install(peer: Peer, root: Path = ROOT) -> Path:
    """Return the ``bin`` folder of an environment that has the tool.

    One that is there already is used again, but asyncmig is installed from the checkout each time.
    What needs nothing installed gets the environment that this runs in.
    """
    if not peer.requirements:
        return Path(sys.executable).parent
    tool = peer.requirements[0]
    if tool == str(PROJECT):
        return environment("asyncmig", peer.requirements, root, afresh=True)
    return environment(tool.partition("=")[0], peer.requirements, root)


def environment(
    name: str, requirements: tuple[str, ...], root: Path = ROOT, *, afresh: bool = False
) -> Path:
    """Return the ``bin`` folder of an environment; pip fills it once, or each time ``afresh``."""
    made = root / name
    stamp = made / STAMP
    wanted = "\n".join(requirements)
    if afresh or not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
        pip = [str(made / "bin" / "pip"), "install", "-qq"]
        subprocess.run([*pip, *requirements], check=True)
        stamp.write_text(wanted)
    return made / "bin"


def versions(programs: Path) -> dict[str, str]:
    """Return the version of everything that is installed there."""
    command = [str(programs / "pip"), "list", "--format", "json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}


def installed(peer: Peer, programs: Path) -> dict[str, str]:
    """Return the versions of what a tool consists of; nothing for what needs no installation."""
    if not peer.requirements:
        return {}
    return {name: one for name, one in versions(programs).items() if name not in UNINTERESTING}
