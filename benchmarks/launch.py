"""Start a program and say what it cost: ``python -I -S launch.py LOG PROGRAM ...``.

Prints its exit code (or minus the signal that ended it), its seconds, its CPU seconds and its peak
RSS in kB. It is a process of its own because Linux lets a program inherit the peak of the process
that started it (``mm`` of fork(2) until execve(2)), and it imports next to nothing to keep that
small: below 10 MB nothing can be told apart.
"""

from __future__ import annotations

import os
import sys
import time


def main(log: str, *command: str) -> None:
    """Run the command to its end, with all that it writes in ``log``."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    began = time.perf_counter()
    child = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    cpu = usage.ru_utime + usage.ru_stime
    print(os.waitstatus_to_exitcode(status), seconds, cpu, usage.ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
