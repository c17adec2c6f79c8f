"""Time to available: from the recorder's close to an object that can be read.

The recording reaches the store over a link slower than a local network, as from a venue.
CefMP4 sends while it is being recorded; the peers begin at the close, as they must. The
floor is what nobody who sends an ordinary MP4 early can avoid: part 1, in which the muxer
patches the length of mdat at the close, and what lies beyond the last whole part.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time

from bench import daemon as cefmp4
from bench.footage import floor_bytes
from bench.measure import BenchFailed, Numbers, spread, started, wait_until
from bench.peers import Peer, environment
from bench.progress import say
from bench.scale import Bench
from bench.stores import Looker, Store, sink, slow_link
from cefmp4.adapters.embedded import valkey
from cefmp4.core.geometry import Geometry

NAME = "recording.mp4"
PART_BYTES = 10 * 1024**2
"""The default of CHUNK_SIZE_BYTES."""
LOOK_SECONDS = 0.01


def run(bench: Bench) -> Numbers:
    """Several recordings; each is then sent by every peer over the same link."""
    seconds: dict[str, list[float]] = {"cefmp4": []}
    sizes: list[int] = []
    failed: set[str] = set()
    for number in range(1, bench.scale.link_rounds + 1):
        with (
            tempfile.TemporaryDirectory(dir=bench.folder) as folder,
            sink() as store,
            slow_link(store, bench.scale.link_bits_per_second) as far,
        ):
            say(f"round {number}: recording for {bench.scale.recording_seconds:.0f} s")
            path, took = _recorded(bench, far, folder)
            seconds["cefmp4"].append(took)
            sizes.append(os.path.getsize(path))
            for peer in bench.again().peers:
                if peer.is_variant:
                    continue
                say(f"round {number}: {peer.name}")
                try:
                    seconds.setdefault(peer.name, []).append(_sent(peer, far, path, folder))
                except BenchFailed as why:
                    failed.add(peer.name)
                    say(f"{peer.name}: {why}")
    bytes_per_second = bench.scale.link_bits_per_second / 8
    floors = [floor_bytes(size, Geometry(PART_BYTES)) / bytes_per_second for size in sizes]
    return {
        "size_bytes": sizes,
        "failed": sorted(failed),
        "recorded_at_bits_per_second": bench.scale.recording_bits_per_second,
        "link_bits_per_second": bench.scale.link_bits_per_second,
        "part_bytes": PART_BYTES,
        "seconds": {name: spread(rows) for name, rows in seconds.items()},
        "floor_seconds": spread(floors),
        "cefmp4_to_floor": spread(
            [took / floor for took, floor in zip(seconds["cefmp4"], floors, strict=True)]
        ),
    }


def _recorded(bench: Bench, far: Store, folder: str) -> tuple[str, float]:
    """Record into the watched directory; where it is, and seconds from close to stored."""
    instance, looker = f"bench-{secrets.token_hex(4)}", far.looker()
    with valkey(os.path.join(folder, "valkey")) as server:
        settings = cefmp4.settings(
            far, server.url, folder, instance, CHUNK_SIZE_BYTES=PART_BYTES
        )
        path = os.path.join(settings["WATCH_DIR"], NAME)
        with cefmp4.running(settings):
            closed_at = _record(bench, path)
            state = cefmp4.State(server.url, instance)
            [stream_id] = state.streams_of([path])
            state.close()
            if stream_id is None:
                raise BenchFailed("the recording was not begun before it was closed")
            key = cefmp4.key_of(stream_id, NAME)
            return path, _there_at(looker, key, 120.0) - closed_at


def _record(bench: Bench, path: str) -> float:
    scale = bench.scale
    command = [sys.executable, "-m", "bench.recorder", path, str(scale.recording_seconds)]
    told = subprocess.run(
        [*command, str(scale.recording_bits_per_second)],
        capture_output=True,
        timeout=scale.recording_seconds + 60,
        check=False,
    )
    if told.returncode:
        raise BenchFailed(f"the recorder failed: {told.stderr.decode(errors='replace')[-500:]}")
    return float(told.stdout)


def _sent(peer: Peer, far: Store, path: str, folder: str) -> float:
    """From the peer's start to the object at the store."""
    key, looker = f"{secrets.token_hex(4)}-{NAME}", far.looker()
    began = time.monotonic()
    command = peer.command(far, path, key)
    with (
        open(os.path.join(folder, "peer.log"), "ab") as log,
        started(command, environment(far, folder), log) as process,
    ):
        seconds = _there_at(looker, key, 300.0) - began
        process.wait(60.0)
    return seconds


def _there_at(looker: Looker, key: str, limit_seconds: float) -> float:
    """When HEAD answered 200."""
    return wait_until(
        lambda: looker.is_there(key), "the object is there", limit_seconds, LOOK_SECONDS
    )
