"""The ``options`` of a PostgreSQL URL: command-line switches for the server's process."""

from __future__ import annotations

import re

# Words are parted by white space; a backslash takes the meaning from what follows it
# (PostgreSQL manual, "Parameter Key Words", options).
_WORD = re.compile(r"(?:\\.|[^\\\s])+", re.DOTALL)
_SETTING = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


def parse_options(text: str) -> tuple[dict[str, str], str]:
    """Part the settings (``-c name=value``, ``--name=value``) from everything else.

    Returns:
        The settings, and the rest as it was: what poolers and hosts look for, such as Neon's
        ``endpoint=``, has to reach them in the start-up packet.
    """
    settings: dict[str, str] = {}
    rest: list[str] = []
    words = _WORD.findall(text)
    while words:
        word = words.pop(0)
        taken = [word, words.pop(0)] if word == "-c" and words else [word]
        setting = _SETTING.fullmatch(_assignment(taken))
        if setting:
            # In switches the server reads a dash in a name as an underscore.
            settings[setting[1].replace("-", "_").lower()] = setting[2]
        else:
            rest += taken
    return settings, " ".join(rest)


def _assignment(taken: list[str]) -> str:
    """Return the ``name=value`` of a switch, empty if it is another switch."""
    word = "".join(taken)
    for begin in ("-c", "--"):
        if word.startswith(begin):
            return re.sub(r"\\(.)", r"\1", word.removeprefix(begin), flags=re.DOTALL)
    return ""
