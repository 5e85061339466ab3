"""Variables of the environment in a script, spelled as a shell spells them: ``${NAME:-default}``.

goose asks for them with ``ENVSUB ON``; the forms are those of its library, mfridman/interpolate.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncmig.sources.place import Place

_VARIABLE = re.compile(
    r"\\\$|\$\$|\$(?P<name>[A-Za-z_]\w*)"
    r"|\$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<operator>:-|-|:\?|\?)(?P<other>[^}]*))?\}"
)


def substitute(script: str, values: Mapping[str, str], place: Place) -> str:
    """Return a script with what its variables stand for; one that is not set is empty.

    Raises:
        SourceError: A variable that must be set, ``${NAME:?why}``, is not.
    """
    return _VARIABLE.sub(partial(_value, values, place), script)


def _value(values: Mapping[str, str], place: Place, match: re.Match[str]) -> str:
    name = match["braced"] or match["name"]
    if name is None:
        return "$"
    operator, other = match["operator"] or "", match["other"] or ""
    value = values.get(name)
    if value is None or (operator.startswith(":") and not value):
        if operator.endswith("?"):
            raise place.wrong(f"${{{name}}} is not set: {other or 'it must be'}")
        return other
    return value
