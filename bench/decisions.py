"""What thinking and looking cost: calls of `plan` per second, and a scan of many files."""

import asyncio
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import daemon as cefmp4
from bench.measure import Numbers, wait_until_idle
from bench.progress import say
from bench.scale import MIB, Bench
from bench.stores import sink
from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.embedded import valkey
from cefmp4.core.facts import Facts
from cefmp4.core.fingerprint import Fingerprint
from cefmp4.core.geometry import Geometry
from cefmp4.core.model import Checkpoint, FileVersion, Part, Parts
from cefmp4.core.plan import plan
from cefmp4.core.policy import Policy
from cefmp4.selection import Selection, list_tree

PART_BYTES = 10 * MIB
FILES_IN_A_DIRECTORY = 1_000
TOKEN = "bench"  # noqa: S105


def run(bench: Bench) -> Numbers:
    """Both."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        return {
            "plans": [
                _planned(count, bench.scale.plan_seconds) for count in bench.scale.planned_parts
            ],
            "scans": [
                _scanned(os.path.join(folder, str(count)), count, bench.scale.scans)
                for count in bench.scale.scanned_files
            ],
        }


def _planned(parts: int, seconds: float) -> Numbers:
    """A recording that grows and has so many parts stored: nothing is due; then one is."""
    say(f"plan with {parts} parts")
    stored = _with_parts(parts)
    size = stored.sent_end + PART_BYTES // 2
    policy = Policy(PART_BYTES)
    return {
        "parts": parts,
        "nothing_due_per_second": _rate(_facts(size), stored, policy, seconds),
        "part_due_per_second": _rate(_facts(size + PART_BYTES * 16), stored, policy, seconds),
    }


def _facts(size_bytes: int) -> Facts:
    return Facts(FileVersion(1, 2, size_bytes, 3, 4), quiet_seconds=0.1)


def _with_parts(count: int) -> Checkpoint:
    geometry = Geometry(PART_BYTES)
    numbers = range(1, count + 1)
    parts = (Part(n, geometry.length_of(n), f"{n:032x}", n, 0.0) for n in numbers)
    return Checkpoint(
        stream_id="00000000-0000-8000-8000-000000000000",
        path="/recordings/a.mp4",
        identity=(1, 2),
        bucket="bench",
        key="streams/a.mp4",
        geometry=geometry,
        started_at=0.0,
        upload_id="upload",
        parts=Parts.of(parts),
    )


def _rate(facts: Facts, stored: Checkpoint, policy: Policy, seconds: float) -> float:
    """Calls per second of this process's CPU time."""
    calls, at_a_time = 0, 1
    began = time.process_time()
    while (used := time.process_time() - began) < seconds:
        for _ in range(at_a_time):
            plan(facts, stored, policy)
        calls += at_a_time
        at_a_time = min(2 * at_a_time, 1_000)
    return calls / used


def _scanned(folder: str, count: int, scans: int) -> Numbers:
    """A listing alone, and a scan by a daemon that knows all these files as stored."""
    say(f"scan of {count} files")
    watch_dir = os.path.join(folder, "recordings")
    for number in range(count):
        if number % FILES_IN_A_DIRECTORY == 0:
            directory = os.path.join(watch_dir, f"{number // FILES_IN_A_DIRECTORY:04}")
            os.makedirs(directory)
        with open(os.path.join(directory, f"{number}.mp4"), "wb") as file:
            file.write(b"x")
    selection = Selection(watch_dir, ("*.mp4",))
    seconds = []
    for _ in range(scans):
        began = time.process_time()
        found = list_tree(selection).files
        seconds.append(time.process_time() - began)
    fingerprints = {path: Fingerprint.of(version) for path, version in found.items()}
    return {
        "files": count,
        "list_tree_cpu_seconds": statistics.median(seconds),
        **_by_daemon(folder, fingerprints, scans),
    }


def _by_daemon(folder: str, fingerprints: dict[str, Fingerprint], scans: int) -> Numbers:
    with _knowing_daemon(folder, fingerprints) as daemon:
        wait_until_idle(daemon.pid, 60.0)
        idle = _used(daemon, scans, scanning=False)
        used = _used(daemon, scans, scanning=True)
        return {
            "daemon_scan_cpu_seconds": max(0.0, used - idle) / scans,
            "peak_rss_bytes": daemon.peak_rss_bytes(),
        }


def _used(daemon: cefmp4.Daemon, scans: int, *, scanning: bool) -> float:
    """CPU seconds over the time of so many scans, with or without them."""
    before = daemon.cpu_seconds()
    for _ in range(scans):
        if scanning:
            daemon.scan(TOKEN)
        time.sleep(0.5)
    wait_until_idle(daemon.pid, 60.0)
    return daemon.cpu_seconds() - before


@contextmanager
def _knowing_daemon(
    folder: str, fingerprints: dict[str, Fingerprint]
) -> Iterator[cefmp4.Daemon]:
    instance = f"bench-{secrets.token_hex(4)}"
    with sink() as store, valkey(os.path.join(folder, "valkey")) as server:
        asyncio.run(_remember(server.url, instance, fingerprints))
        settings = cefmp4.settings(
            store, server.url, folder, instance, WEB_TOKEN=TOKEN, SCAN_INTERVAL_SECONDS=3600
        )
        with cefmp4.running(settings) as daemon:
            yield daemon


async def _remember(redis_url: str, instance: str, stored: dict[str, Fingerprint]) -> None:
    async with open_checkpoints(redis_url, instance) as checkpoints:
        await checkpoints.claim()
        await checkpoints.remember_stored(stored)
        await checkpoints.set_whole()
        await checkpoints.release()
