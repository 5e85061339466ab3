"""``python -m asyncmig``, and the command ``asyncmig``."""

from __future__ import annotations

import sys

from asyncmig.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
