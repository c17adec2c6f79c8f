"""How the bytes of a part can move, and how fast a closed recording is read again.

The daemon's own ways beside those that were tried and not chosen, each in a process of its
own, with the same file to the same sink. Reading is measured with the file out of the page
cache, beside `dd`, and in it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time

from bench.footage import GB, warm, whole_mp4
from bench.measure import BenchFailed, NotHere, Numbers, spread
from bench.progress import say
from bench.scale import Bench
from bench.stores import Store, make_certificates, sink
from bench.way import BLOCKS, CRT, SENDFILE, UVLOOP, spans_of
from cefmp4.adapters.disk import LocalDisk

OVER = {
    "http": (SENDFILE, BLOCKS, UVLOOP, CRT),
    "tls": (BLOCKS, UVLOOP, CRT),
}
LIMIT_SECONDS = 120.0


def run(bench: Bench) -> Numbers:
    """All ways in turn, several times."""
    path = os.path.join(bench.folder, "way.mp4")
    whole_mp4(path, bench.scale.upload_bytes)
    warm(path)
    told: Numbers = {over: _over(bench, over, path) for over in OVER}
    return {
        "size_bytes": bench.scale.upload_bytes,
        "cpu_seconds_per_gb": told,
        "reading": _reading(path, bench.scale.rounds),
    }


def _over(bench: Bench, over: str, path: str) -> Numbers:
    try:
        made = make_certificates(bench.folder) if over == "tls" else None
    except NotHere:
        return {}
    used: dict[str, list[float]] = {name: [] for name in OVER[over]}
    with sink(made) as store:
        for number in range(1, bench.scale.rounds + 1):
            for name, rows in used.items():
                say(f"round {number} of {bench.scale.rounds}: {name} over {over}")
                rows.append(_sent(name, store, path) / (bench.scale.upload_bytes / GB))
    return {name: spread(rows) for name, rows in used.items()}


def _sent(name: str, store: Store, path: str) -> float:
    command = [sys.executable, "-m", "bench.way", name]
    command += [store.endpoint_url, store.ca_bundle or "", path]
    told = subprocess.run(command, capture_output=True, timeout=LIMIT_SECONDS, check=False)
    if told.returncode:
        raise BenchFailed(f"{name}: {told.stderr.decode(errors='replace')[-500:]}")
    return float(json.loads(told.stdout)["cpu_seconds"])


def _reading(path: str, rounds: int) -> Numbers:
    """Bytes per second of a comparison, and of `dd`; CPU seconds per GB of the former."""
    ours, dd, cpu = [], [], []
    size = os.path.getsize(path)
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}: reading")
        _out_of_the_cache(path)
        began = time.monotonic()
        asyncio.run(_compared(path))
        ours.append(size / (time.monotonic() - began))
        _out_of_the_cache(path)
        began = time.monotonic()
        command = ["dd", f"if={path}", "of=/dev/null", "bs=1M", "status=none"]
        subprocess.run(command, check=True, timeout=LIMIT_SECONDS)
        dd.append(size / (time.monotonic() - began))
        warm(path)
        before = time.process_time()
        asyncio.run(_compared(path))
        cpu.append((time.process_time() - before) / (size / GB))
    return {
        "cold_bytes_per_second": spread(ours),
        "dd_cold_bytes_per_second": spread(dd),
        "warm_cpu_seconds_per_gb": spread(cpu),
    }


async def _compared(path: str) -> None:
    disk, seen = LocalDisk(), os.stat(path)
    for span in spans_of(path):
        await disk.crc64nvme(path, (seen.st_dev, seen.st_ino), span)
    disk.close()


def _out_of_the_cache(path: str) -> None:
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
