"""Start-up with many streams in flight: seconds from exec until all are taken up again.

That is when the daemon's own gauge says that so many streams are active, and a sample of
recordings, grown by a part right after exec, has had each of these parts arrive in the
store: whichever comes last.
"""

import os
import random
import secrets
import tempfile
import time

from bench import daemon as cefmp4
from bench.measure import Numbers, wait_until
from bench.progress import say
from bench.scale import Bench
from bench.seeding import PART_BYTES, Planted, plant
from bench.stores import SinkControl, sink
from cefmp4.adapters.embedded import valkey

LIMIT_SECONDS = 240.0


def run(bench: Bench) -> Numbers:
    """One start for each number of streams."""
    starts = [_start(bench, count) for count in bench.scale.restarts]
    return {"starts": starts, "sample": bench.scale.restart_sample, "part_bytes": PART_BYTES}


def _start(bench: Bench, count: int) -> Numbers:
    say(f"{count} streams: planting")
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        sink() as store,
        valkey(os.path.join(folder, "valkey")) as state,
    ):
        instance, control = f"bench-{secrets.token_hex(4)}", SinkControl(store)
        settings = cefmp4.settings(
            store,
            state.url,
            folder,
            instance,
            CHUNK_SIZE_BYTES=PART_BYTES,
            STREAM_TIMEOUT_SECONDS=3600,
        )
        planted = plant(settings["WATCH_DIR"], state.url, instance, control, count)
        say(f"{count} streams: starting")
        began = time.monotonic()
        with cefmp4.running(settings, wait=False) as daemon:
            names = _grow(planted, bench.scale.restart_sample)
            ready = wait_until(daemon.is_ready, "cefmp4 is ready", LIMIT_SECONDS, 0.02)
            arrived = _when_arrived(control, names)
            active = wait_until(
                lambda: daemon.metric("active_streams_gauge") == count,
                f"{count} streams are active",
                LIMIT_SECONDS,
                0.05,
            )
            return {
                "streams": count,
                "ready_seconds": ready - began,
                "sample_arrived_seconds": arrived - began,
                "seconds": max(arrived, _seen_first(active, arrived)) - began,
                "cpu_seconds": daemon.cpu_seconds(),
                "peak_rss_bytes": daemon.peak_rss_bytes(),
            }


def _seen_first(active: float, arrived: float) -> float:
    """The gauge is asked last: when it was right at once, the sample was what took so long."""
    return arrived if active - arrived < 0.5 else active


def _grow(planted: list[Planted], count: int) -> set[str]:
    """Some of them, by a part; their names."""
    some = random.Random(1).sample(planted, min(count, len(planted)))  # noqa: S311
    for each in some:
        os.truncate(each.path, each.size_bytes + PART_BYTES)
    return {os.path.basename(each.path) for each in some}


def _when_arrived(control: SinkControl, names: set[str]) -> float:
    """When the last of these recordings' second parts had come."""
    times: dict[str, float] = {}

    def all_there() -> bool:
        for key, number, _, at in control.stats()["arrivals"]:
            if number == 2:
                times[os.path.basename(key)] = at
        return names <= times.keys()

    wait_until(all_there, "the parts of the sample arrived", LIMIT_SECONDS, 0.05)
    return max(times[name] for name in names)
