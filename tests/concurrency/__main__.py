"""Measure what the tests only bound.

    python -m tests.concurrency --processes 32 --rounds 20 [postgresql|sqlite]
    python -m tests.concurrency --waiting 100
    python -m tests.concurrency --dead-peers

Prints Markdown. The exit code is 1 when something was not as it has to be.
"""

from __future__ import annotations

import argparse
import sys

from tests.concurrency.crowd import crowd
from tests.concurrency.dead_peers import aftermaths, cut_off_waiter
from tests.concurrency.race import races

MOST_CONNECTIONS = 20
MOST_QUERIES = 500
READY_WITHIN = {16: 0.3, 100: 2.0}


def main() -> int:
    """Measure what was asked for."""
    options = _options()
    if options.waiting:
        return _report_crowd(options.waiting)
    if options.dead_peers:
        return _report_dead_peers()
    kinds = [options.database] if options.database else ["postgresql", "sqlite"]
    return max(_report_race(kind, options.processes, options.rounds) for kind in kinds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.concurrency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("database", nargs="?", choices=["postgresql", "sqlite"])
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--waiting", type=int, metavar="PROCESSES")
    parser.add_argument("--dead-peers", action="store_true")
    return parser.parse_args()


def _report_race(kind: str, processes: int, rounds: int) -> int:
    """Print each round as it ends, and the sum of all."""
    _say(f"{processes} processes at once, an empty database, 50 pending, {kind}:", "")
    _say(
        "| round | exits | each once | seconds | locks and sessions left |", "|---|---|---|---|---|"
    )
    exits = good = 0
    for number, found in enumerate(races(kind, processes, rounds), start=1):
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(found.exits.items()))
        once = "yes" if found.once else "NO"
        _say(f"| {number} | {codes} | {once} | {found.seconds:.2f} | {found.left} |")
        exits += found.exits[0]
        good += found.once and found.left == 0
    _say("", f"{exits} of {processes * rounds} exits of 0; {good} of {rounds} rounds applied once.")
    return int((exits, good) != (processes * rounds, rounds))


def _report_crowd(waiters: int) -> int:
    """Print what the waiting cost, and how soon everybody was ready."""
    found = crowd(waiters)
    limit = READY_WITHIN.get(waiters)
    rows = [
        ("connections at most, while they arrived", f"{found.arriving.most}", ""),
        ("connections half of the time, while they waited", f"{found.waiting.usual:.0f}", ""),
        ("connections at most, while they waited", f"{found.waiting.most}", f"{MOST_CONNECTIONS}"),
        ("queries a second, while they waited", f"{found.waiting.rate:.0f}", f"{MOST_QUERIES}"),
        ("ready after the last COMMIT, median", f"{found.median * 1000:.0f} ms", ""),
        (
            "ready after the last COMMIT, slowest",
            f"{found.slowest * 1000:.0f} ms",
            f"{limit * 1000:.0f} ms" if limit else "",
        ),
    ]
    _say(f"{waiters} processes that wait for one:", "")
    _say("| what | measured | limit |", "|---|---|---|")
    _say(*(f"| {' | '.join(row)} |" for row in rows))
    is_light = found.waiting.most <= MOST_CONNECTIONS and found.waiting.rate <= MOST_QUERIES
    is_quick = limit is None or found.slowest <= limit
    return int(not (is_light and is_quick and found.exits == {0}))


def _report_dead_peers() -> int:
    """Print how long each death was noticed after, as it is known."""
    _say("| the runner | what happens | database | the next one goes on | it ends | clean |")
    _say("|---|---|---|---|---|---|")
    failed = 0
    for case, found in aftermaths():
        row = f"| {case.moment} | {case.fault} | {case.kind} "
        if found is None:
            _say(f"{row}| not measured: needs root and `ip` | | |")
            continue
        clean = "yes" if found.clean else "NO"
        _say(f"{row}| {_after(found.freed)} | {_after(found.noticed)} | {clean} |")
        failed += found.freed is None or not found.clean
    waiter = _after(cut_off_waiter()) or "not measured, or not within two minutes"
    _say("", f"A runner that waits for another one, cut off in the same way, ends {waiter}.")
    return int(failed > 0)


def _after(seconds: float | None) -> str:
    return "" if seconds is None else f"after {seconds:.1f} s"


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - its output is its result


if __name__ == "__main__":
    sys.exit(main())
