"""The name and the text of a migration that is about to be written.

Pure: ``asyncmig new`` writes the file.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING

from asyncmig.errors import SettingsError
from asyncmig.migration import Version, key_of
from asyncmig.sources.names import Language
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_SEQUENCE_WIDTH = 4
_LONGEST_SLUG = 200  # with version and ending below the 255 bytes of common file systems


def next_version(existing: Sequence[Version], *, sequential: bool, now: datetime) -> Version:
    """Return a version above every existing one.

    Args:
        existing: The versions that there are, in any order.
        sequential: Count on from the newest one, with as many digits (four at the beginning);
            otherwise the version is ``now`` in UTC, as ``YYYYMMDDHHMMSS``. Timestamps keep the
            branches of a team apart, numbers do not.
        now: An aware time.
    """
    newest = max(existing, default=Version("0" * _SEQUENCE_WIDTH))
    following = Version(str(newest.number + 1).zfill(len(newest.text)))
    if sequential:
        return following
    # Two in one second, or a colleague's clock that runs ahead: still above, never out of order.
    return max(Version(now.astimezone(UTC).strftime("%Y%m%d%H%M%S")), following)


def file_name(version: Version | None, words: str, *, written_in: Language = Language.SQL) -> str:
    """Return the name of the file, such as ``0001_add_users.sql`` for "Add users".

    Args:
        version: Its version; ``None`` for a repeatable migration, ``R__add_users.sql``.
        words: What it does. Letters and digits of any alphabet stay, in lower case; all else
            turns into single underscores.
        written_in: The format of the file.

    Raises:
        SettingsError: There is no letter or digit in ``words``, or there are too many, or a
            repeatable migration is asked for in Python.
    """
    if version is None and written_in is Language.PYTHON:
        raise SettingsError("a repeatable migration is written in SQL", hint="leave --python out")
    slug = _slug(words)
    if not slug:
        raise SettingsError(
            f"{words!r} makes no name", hint="say what the migration does, in a few words"
        )
    if len(slug.encode()) > _LONGEST_SLUG:
        raise SettingsError("the name is too long for a file", hint="say it in a few words")
    separator = "" if version is None else "_"
    return f"{key_of(version, '')}{separator}{slug}.{written_in}"


def sql_template(*, repeatable: bool = False) -> str:
    """Return the text of a new SQL migration."""
    return _REPEATABLE_TEMPLATE if repeatable else _SQL_TEMPLATE


def python_template(dialect: Dialect) -> str:
    """Return the text of a new Python migration, for the driver of that database."""
    return _PYTHON_TEMPLATE.format(driver=_DRIVERS[dialect])


def _slug(words: str) -> str:
    """Return the words as part of a file name."""
    folded = unicodedata.normalize("NFC", words).lower()
    return re.sub(r"[\W_]+", "_", folded).strip("_")


_SQL_TEMPLATE = """\
-- migrate:up


-- migrate:down
-- What takes it back. If nothing can, delete from the marker on.

"""

_REPEATABLE_TEMPLATE = """\
-- Applied again whenever this file changes: CREATE OR REPLACE, or DROP … IF EXISTS and CREATE.

"""

_PYTHON_TEMPLATE = '''\
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import {driver}


async def up(connection: {driver}.Connection) -> None:
    """Apply the migration, inside the transaction that also writes the history."""
    raise NotImplementedError("write this migration")


async def down(connection: {driver}.Connection) -> None:
    """Take it back. If nothing can, delete this function."""
    raise NotImplementedError("write the way back")
'''

_DRIVERS = {Dialect.POSTGRESQL: "asyncpg", Dialect.SQLITE: "aiosqlite"}
