"""From a folder or a package to migrations.

:mod:`.folder` lists the names (:mod:`.location`, :mod:`.names`), puts the files of each migration
together (:mod:`.bundle`), and reads them: :mod:`.decode`, then :mod:`.sql_file` with
:mod:`.markers`, or :mod:`.python_file`. No database is touched, and no migration is run.
:mod:`.checksums` is the short way for a start at which nothing is pending.
:mod:`.scaffold` knows how a new file begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmig.on_demand import names_of

if TYPE_CHECKING:
    from asyncmig.sources.checksums import read_checksums
    from asyncmig.sources.folder import find_problems, load
    from asyncmig.sources.location import Source

_HOMES = {
    "Source": "location",
    "find_problems": "folder",
    "load": "folder",
    "read_checksums": "checksums",
}

__all__ = ["Source", "find_problems", "load", "read_checksums"]

__getattr__ = names_of(__name__, _HOMES)
