"""From a folder or a package to migrations.

``load`` lists the names (:mod:`.location`, :mod:`.names`), puts the files of each migration
together (:mod:`.bundle`), and reads them (:mod:`.decode`, then :mod:`.sql_file` with
:mod:`.markers`, or :mod:`.python_file`). No database is touched, and no migration is run.
"""

from asyncmig.sources.load import find_problems, load
from asyncmig.sources.location import Source

__all__ = ["Source", "find_problems", "load"]
