"""Keep passwords out of what is printed."""

from __future__ import annotations

import re


def redacted(text: str) -> str:
    """Return the text with ``***`` for the password of any URL in it."""
    text = re.sub(r"(://[^\s:/@]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&\s]*", r"\1***", text)
