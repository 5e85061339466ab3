"""Do the same harm to every tool: ``python -m benchmarks.chaos``, see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.faults import FAULTS
from benchmarks.peers import PEERS
from benchmarks.peers.environment import install, versions
from benchmarks.ring import ring
from benchmarks.scenario import Verdict, judge
from tests.servers.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.faults.base import Fault, Incident
    from benchmarks.peers.base import Peer
    from benchmarks.ring import Exit, Ring

NOT_COMPARED = "not possible"
NOTABLE = 2.0  # seconds that the undisturbed run takes at most without being mentioned


@dataclass(frozen=True, slots=True)
class Result:
    """What a fault came to.

    Attributes:
        verdict: What became of the migrations.
        incident: How the disturbed runners ended.
        clean: How the undisturbed run ended that came after them.
    """

    verdict: Verdict
    incident: Incident
    clean: Exit


async def endure(ground: Ring, fault: Fault, patience: float) -> Result:
    """Disturb one tool on one database, run it once more in peace, and look at what is there."""
    await ground.prepare(fault.scenario, patience)
    try:
        incident = await fault.disturb(ground, patience)
    finally:
        await ground.clear()
    await ground.release()
    clean = await ground.run(patience)
    found = await ground.contents()
    verdict = judge(fault.scenario.expected, found, ended=incident.ended, clean_exit=clean.code)
    return Result(verdict, incident, clean)


def main() -> None:
    """Do the harm, print tables, and write everything as JSON."""
    options = _options()
    peers = [peer for peer in PEERS if peer.name in options.peer]
    programs = {peer.name: install(peer) for peer in peers}
    results: dict[tuple[str, str, str], list[Result]] = {}
    with postgres() as server:
        for fault, peer in _pairs(options, peers):
            rounds = results.setdefault((fault.database, fault.name, peer.name), [])
            for _ in range(options.rounds):
                with ring(peer, programs[peer.name], fault.database, server) as ground:
                    rounds.append(asyncio.run(endure(ground, fault, options.patience)))
            print(fault.database, fault.name, peer.name, cell(rounds), sep=" | ", file=sys.stderr)
    _write(Path(options.output), results, {name: versions(bin_) for name, bin_ in programs.items()})
    for database in options.database:
        print("\n".join(table(database, [peer.name for peer in peers], results)))


def table(
    database: str, names: list[str], results: dict[tuple[str, str, str], list[Result]]
) -> Iterator[str]:
    """Yield the lines of a Markdown table: a row for each fault, a column for each tool."""
    faults = list(dict.fromkeys(fault for kind, fault, _ in results if kind == database))
    compared = {name for kind, _, name in results if kind == database}
    columns = [name for name in names if name in compared]
    yield f"| {database} | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for fault in faults:
        cells = [cell(results.get((database, fault, name), [])) for name in columns]
        yield f"| {fault} | {' | '.join(cells)} |"
    yield ""


def cell(rounds: list[Result]) -> str:
    """Return the worst round in a few words: verdict, exit codes, remark, a notable clean run."""
    if not rounds:
        return NOT_COMPARED
    worst = min(rounds, key=lambda result: list(Verdict).index(result.verdict))
    codes = ", ".join(spell(one.code) for one in worst.incident.exits)
    remark = f"; {worst.incident.remark}" if worst.incident.remark else ""
    count = sum(result.verdict is worst.verdict for result in rounds)
    share = f" {count} of {len(rounds)}" if count < len(rounds) else ""
    is_notable = worst.clean.code != 0 or worst.clean.seconds > NOTABLE
    then = f"; then {spell(worst.clean.code)} in {worst.clean.seconds:.0f} s" if is_notable else ""
    return f"`{worst.verdict}`{share} ({codes}{remark}{then})"


def spell(code: int | None) -> str:
    """Return an exit code, the name of a signal, or that it did not end."""
    if code is None:
        return "no end"
    return signal.Signals(-code).name if code < 0 else str(code)


def _write(
    path: Path,
    results: dict[tuple[str, str, str], list[Result]],
    installed: dict[str, dict[str, str]],
) -> None:
    rows = [
        {
            "database": database,
            "fault": fault,
            "tool": name,
            "versions": installed[name],
            "rounds": [asdict(result) for result in rounds],
        }
        for (database, fault, name), rounds in results.items()
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def _pairs(options: argparse.Namespace, peers: list[Peer]) -> Iterator[tuple[Fault, Peer]]:
    for fault in FAULTS:
        if fault.database not in options.database:
            continue
        if options.fault and not any(word in fault.name for word in options.fault):
            continue
        for peer in peers:
            able = peer.leaves_transactions or not fault.wants_autocommit
            if able and fault.database in peer.databases:
                yield fault, peer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    names = [peer.name for peer in PEERS]
    databases = ["postgresql", "sqlite"]
    parser.add_argument("--peer", nargs="+", default=names, choices=names)
    parser.add_argument("--database", nargs="+", default=databases, choices=databases)
    parser.add_argument("--fault", nargs="+", help="words from the names of the faults")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--patience", type=float, default=90.0)
    parser.add_argument("--output", default="chaos.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
