"""Run the benches and write down what they found.

    python -m bench [--quick] [--only http,restart] [--rounds N] [--out DIR]

Each bench merges its section into DIR/results.json, so that one can be run again alone.
The exit code is 1 when something did not do its work; never for what a figure is.
"""

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable

from rich.console import Console

from bench import (
    availability,
    crowd,
    curve,
    decisions,
    looks,
    machine,
    peers,
    report,
    restart,
    roundtrips,
    uploads,
    ways,
)
from bench.measure import BenchFailed, NotHere, Numbers
from bench.progress import say
from bench.scale import FULL, QUICK, Bench

BENCHES: dict[str, Callable[[Bench], Numbers]] = {
    "http": uploads.over_http,
    "tls": uploads.over_tls,
    "seaweedfs": uploads.to_seaweedfs,
    "availability": availability.run,
    "crowd": crowd.run,
    "looks": looks.run,
    "restart": restart.run,
    "roundtrips": roundtrips.run,
    "decisions": decisions.run,
    "curve": curve.run,
    "ways": ways.run,
}


def main() -> int:
    told = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # tidies up, as Ctrl-C does
    chosen = told.only.split(",") if told.only else list(BENCHES)
    unknown = sorted(set(chosen) - set(BENCHES))
    if unknown:
        say(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
        return 2
    scale = QUICK if told.quick else FULL
    if told.rounds:
        scale = dataclasses.replace(scale, rounds=told.rounds, real_store_rounds=told.rounds)
    found = peers.all_peers()
    present = tuple(peer for peer in found if peer.is_installed)
    missing = [peer.name for peer in found if not peer.is_installed]
    if missing:
        say(f"not installed, so left out: {', '.join(missing)}")
    head = {
        "machine": machine.described(peers.versions(present)),
        "peers_left_out": missing,
    }
    failed: list[str] = []
    for name in chosen:
        say(f"[bold]{name}[/bold]")
        moment = {**machine.moment(), "quick": told.quick}
        with tempfile.TemporaryDirectory(prefix="cefmp4-bench-") as folder:
            try:
                section = BENCHES[name](Bench(scale, present, folder))
            except BenchFailed as why:
                say(f"{name} is left out: {why}")
                failed += [] if isinstance(why, NotHere) else [name]
                continue
        failed += section.get("failed", [])
        report.merge(told.out, head, name, {**moment, **section})
    if report.load(told.out):
        report.show(told.out, Console())
        _draw(told.out)
        report.write(told.out)
    return 1 if failed else 0


def _draw(folder: str) -> None:
    """With the peers' Python, which has matplotlib; without it there are no plots."""
    script = os.path.join(peers.HERE, "plots.py")
    command = [peers.PYTHON, "-P", script, os.path.join(folder, report.RESULTS)]
    try:
        subprocess.run(command, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as why:
        say(f"no plots: {why}")


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="only see that it works")
    arguments.add_argument("--only", default="", help="some of them, separated by commas")
    arguments.add_argument("--rounds", type=int, default=0)
    arguments.add_argument("--out", default=os.path.join("docs", "bench"))
    return arguments.parse_args()


if __name__ == "__main__":
    sys.exit(main())
