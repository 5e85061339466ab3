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


def install(peer: Peer, root: Path = ROOT) -> Path:
    """Return the ``bin`` folder of an environment that has the tool.

    One that is there already is used again, but asyncmig is installed from the checkout each time.
    """
    tool = peer.requirements[0]
    is_checkout = tool == str(PROJECT)
    environment = root / (peer.name if is_checkout else tool.partition("=")[0])
    stamp = environment / STAMP
    wanted = "\n".join(peer.requirements)
    if is_checkout or not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [str(environment / "bin" / "pip"), "install", "-qq"]
        subprocess.run([*pip, *peer.requirements], check=True)
        stamp.write_text(wanted)
    return environment / "bin"


def versions(programs: Path) -> dict[str, str]:
    """Return the version of everything that is installed there."""
    command = [str(programs / "pip"), "list", "--format", "json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}
