"""The cost of a byte over the number of recordings and over their size: is it flat?

Complete recordings are moved in all at once, over HTTP to the sink, nothing beside the
objects; sparse ones, read once before, so that the disk has no part in it.
"""

import os
import secrets
import tempfile

from bench import daemon as cefmp4
from bench.footage import GB, warm, whole_mp4
from bench.measure import Numbers, wait_until, wait_until_idle
from bench.progress import say
from bench.scale import MIB, Bench
from bench.stores import SinkControl, sink
from cefmp4.adapters.embedded import valkey

PART_BYTES = 16 * MIB
SMALLEST_PART_BYTES = 5 * MIB
LIMIT_SECONDS = 300.0


def run(bench: Bench) -> Numbers:
    """Both curves, a daemon of its own for each point."""
    scale = bench.scale
    return {
        "recordings": [
            _point(bench, count, scale.curve_recording_bytes, SMALLEST_PART_BYTES)
            for count in scale.curve_recordings
        ],
        "sizes": [_point(bench, 1, size, PART_BYTES) for size in scale.curve_sizes],
        "part_bytes_of_recordings": SMALLEST_PART_BYTES,
        "part_bytes_of_sizes": PART_BYTES,
    }


def _point(bench: Bench, count: int, size_bytes: int, part_bytes: int) -> Numbers:
    say(f"{count} recordings of {size_bytes // MIB} MiB")
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        sink() as store,
        valkey(os.path.join(folder, "valkey")) as server,
    ):
        settings = cefmp4.settings(
            store,
            server.url,
            folder,
            f"bench-{secrets.token_hex(4)}",
            CHUNK_SIZE_BYTES=part_bytes,
            WRITE_METADATA="false",
        )
        batch, control = os.path.join(folder, "batch"), SinkControl(store)
        os.mkdir(batch)
        for number in range(count):
            path = os.path.join(batch, f"{number:05}.mp4")
            whole_mp4(path, size_bytes, sparse=True)
            warm(path)
        with cefmp4.running(settings) as daemon:
            wait_until_idle(daemon.pid)
            before = daemon.cpu_seconds()
            began = cefmp4.moved(batch, os.path.join(daemon.watch_dir, "batch"))
            ended = wait_until(
                lambda: control.stats(10**9)["objects"] >= count,
                f"{count} objects are there",
                LIMIT_SECONDS,
                0.02,
            )
            wait_until_idle(daemon.pid)
            used = daemon.cpu_seconds() - before
            return {
                "recordings": count,
                "size_bytes": size_bytes,
                "seconds": ended - began,
                "cpu_seconds_per_gb": used / (count * size_bytes / GB),
                "peak_rss_bytes": daemon.peak_rss_bytes(),
            }
