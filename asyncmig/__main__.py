"""``python -m asyncmig``, and the command ``asyncmig``."""

from __future__ import annotations

import gc
import sys

from asyncmig.cli.main import main

_OBJECTS_BEFORE_A_COLLECTION = 100_000
"""More than a start with nothing to do makes; the interpreter's default is 700."""


def program() -> int:
    """Be the whole program of this process, and return its exit code.

    Most runs end within a moment and leave no garbage. Looking for some while modules are imported,
    and again through all of them at the exit, takes a sixth of a start with nothing to do.
    Everything else at an exit, ``atexit`` functions and threads of the user's code, is as usual.
    """
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION)
    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(program())
