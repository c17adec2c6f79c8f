"""Many recordings that grow slowly: what the daemon needs for them, and how late it is.

All are in flight when it begins, with sizes spread over a part, so that parts are due all
the time; new ones keep appearing. Beside each crowd stands one recording that grows as fast
as all of them together: what it needs is the cost of the bytes. Delays are between two
clocks of the same machine: the writer notes when a boundary was crossed, the sink when the
part's last byte had come.
"""

import dataclasses
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import daemon as cefmp4
from bench.footage import GB
from bench.measure import (
    Numbers,
    end,
    memory_bytes,
    open_files,
    percentiles,
    wait_until,
    wait_until_idle,
)
from bench.progress import say
from bench.scale import Bench
from bench.seeding import PART_BYTES, Planted, plant
from bench.stores import SinkControl, sink
from cefmp4.adapters.embedded import valkey

NEW_EVERY_SECONDS = 0.5
LOOK_SECONDS = 0.004
SETTLE_SECONDS = 2.0
ALONE_SECONDS = 30.0
LATE_SECONDS = 10.0
"""How long parts that were due at the end may still come."""


@dataclass(slots=True)
class Watched:
    """What was seen while they grew."""

    begun_at: dict[str, float] = field(default_factory=dict)
    """Name of a new recording to when its checkpoint was seen."""
    rss_bytes: int = 0
    files: int = 0


def run(bench: Bench) -> Numbers:
    """One crowd after the other."""
    told = [
        {**_crowd(bench, count, NEW_EVERY_SECONDS), "bytes_alone": _bytes_alone(bench, count)}
        for count in bench.scale.crowds
    ]
    return {
        "crowds": told,
        "bytes_per_second_each": bench.scale.crowd_bytes_per_second,
        "part_bytes": PART_BYTES,
        "seconds": bench.scale.crowd_seconds,
    }


def _bytes_alone(bench: Bench, count: int) -> Numbers:
    """One recording, and nothing new, at the rate of so many."""
    each = bench.scale.crowd_bytes_per_second
    scale = dataclasses.replace(
        bench.scale,
        crowd_bytes_per_second=each * count,
        crowd_seconds=min(bench.scale.crowd_seconds, ALONE_SECONDS),
    )
    say(f"one recording that grows as fast as {count}")
    told = _crowd(dataclasses.replace(bench, scale=scale), 1, 0.0)
    return {name: told[name] for name in ("cpu_share", "gb_per_second")}


def _crowd(bench: Bench, count: int, new_every_seconds: float) -> Numbers:
    with growing(bench, count, new_every_seconds) as crowd:
        return _measured(bench, count, crowd)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Recordings that are all in flight, and grow once `begin` is called."""

    daemon: cefmp4.Daemon
    state: cefmp4.State
    control: SinkControl
    writer: subprocess.Popen[bytes]

    def begin(self) -> None:
        if self.writer.stdin is not None:
            self.writer.stdin.write(b"go\n")
            self.writer.stdin.flush()


@contextmanager
def growing(bench: Bench, count: int, new_every_seconds: float) -> Iterator[Crowd]:
    """So many, taken up by a daemon that has come to rest."""
    say(f"{count} recordings: planting")
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        sink() as store,
        valkey(os.path.join(folder, "valkey")) as server,
    ):
        instance, control = f"bench-{secrets.token_hex(4)}", SinkControl(store)
        settings = cefmp4.settings(
            store,
            server.url,
            folder,
            instance,
            CHUNK_SIZE_BYTES=PART_BYTES,
            STREAM_TIMEOUT_SECONDS=3600,
        )
        planted = plant(settings["WATCH_DIR"], server.url, instance, control, count)
        plan = _plan(bench, folder, settings["WATCH_DIR"], planted, new_every_seconds)
        writer = _start_writer(folder, plan)
        state = cefmp4.State(server.url, instance)
        try:
            with cefmp4.running(settings) as daemon:
                wait_until(lambda: daemon.metric("active_streams_gauge") == count, "all", 240.0)
                wait_until_idle(daemon.pid, 30.0)
                say(f"{count} recordings: growing for {bench.scale.crowd_seconds:.0f} s")
                yield Crowd(daemon, state, control, writer)
        finally:
            end(writer)
            state.close()


def _plan(
    bench: Bench,
    folder: str,
    watch_dir: str,
    planted: list[Planted],
    new_every_seconds: float,
) -> Numbers:
    """What the writer is to do."""
    return {
        "recordings": [(each.path, each.size_bytes) for each in planted],
        "bytes_per_second": bench.scale.crowd_bytes_per_second,
        "part_bytes": PART_BYTES,
        "seconds": bench.scale.crowd_seconds,
        "new_every_seconds": new_every_seconds,
        "folder": watch_dir,
        "result": os.path.join(folder, "written.json"),
    }


def _start_writer(folder: str, plan: Numbers) -> subprocess.Popen[bytes]:
    path = os.path.join(folder, "plan.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(plan, file)
    command = [sys.executable, "-m", "bench.writer", path]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _measured(bench: Bench, count: int, crowd: Crowd) -> Numbers:
    daemon, state, control = crowd.daemon, crowd.state, crowd.control
    crowd.begin()
    time.sleep(SETTLE_SECONDS)
    began, cpu, asked, looks = (
        time.monotonic(),
        daemon.cpu_seconds(),
        state.commands(),
        state.looks,
    )
    seen = _watch(daemon, state, bench.scale.crowd_seconds - SETTLE_SECONDS)
    ended, cpu = time.monotonic(), daemon.cpu_seconds() - cpu
    asked = _difference(state.commands(), asked, state.looks - looks)
    result = os.path.join(os.path.dirname(daemon.watch_dir), "written.json")
    wait_until(lambda: os.path.exists(result), "the writer is done", 30.0)
    with open(result, encoding="utf-8") as file:
        written = json.load(file)
    appeared = {name: at for name, at in written["appeared"] if at >= began}
    _watch_late(daemon, state, seen, appeared)
    delays, missing = _delays(written["crossed"], control)
    begun = [seen.begun_at[n] - at for n, at in appeared.items() if n in seen.begun_at]
    seconds = ended - began
    rows = control.stats()["arrivals"]
    sent_bytes = sum(size for _, _, size, at in rows if began <= at <= ended)
    return {
        "recordings": count,
        "cpu_share": cpu / seconds,
        "bytes_sent": sent_bytes,
        "gb_per_second": sent_bytes / GB / seconds,
        "peak_rss_bytes": daemon.peak_rss_bytes(),
        "rss_bytes": seen.rss_bytes,
        "open_files": seen.files,
        "longest_block_seconds": daemon.metric("cefmp4_event_loop_longest_block_seconds"),
        "state_commands_per_second": sum(asked.values()) / seconds,
        "state_calls_per_second": _calls(asked) / seconds,
        "part_sent_after_seconds": percentiles(delays),
        "parts_not_sent": missing,
        "begun_after_seconds": percentiles(begun),
        "not_begun": len(appeared) - len(begun),
    }


def _watch(daemon: cefmp4.Daemon, state: cefmp4.State, seconds: float) -> Watched:
    """Look every few milliseconds which of the new ones have begun, and now and then at it."""
    seen, first, sampled = Watched(), 0, 0.0
    until = time.monotonic() + seconds
    while (now := time.monotonic()) < until:
        names = [f"new-{number:04}.mp4" for number in range(first, first + 16)]
        found = state.streams_of([os.path.join(daemon.watch_dir, name) for name in names])
        for name, stream_id in zip(names, found, strict=True):
            if stream_id is not None:
                seen.begun_at.setdefault(name, now)
        while f"new-{first:04}.mp4" in seen.begun_at:
            first += 1
        if now - sampled > 1.0:
            sampled = now
            seen.rss_bytes = max(seen.rss_bytes, memory_bytes(daemon.pid, "VmRSS"))
            seen.files = max(seen.files, open_files(daemon.pid))
        time.sleep(LOOK_SECONDS)
    return seen


def _watch_late(
    daemon: cefmp4.Daemon, state: cefmp4.State, seen: Watched, names: Iterable[str]
) -> None:
    """Those that had not begun when the time was over: else the slowest would not count."""
    deadline = time.monotonic() + LATE_SECONDS
    while left := [name for name in names if name not in seen.begun_at]:
        found = state.streams_of([os.path.join(daemon.watch_dir, name) for name in left])
        now = time.monotonic()
        seen.begun_at |= {
            name: now for name, stream_id in zip(left, found, strict=True) if stream_id
        }
        if now > deadline:
            return
        time.sleep(LOOK_SECONDS)


def _delays(
    crossed: list[tuple[str, int, float]], control: SinkControl
) -> tuple[list[float], int]:
    """From due to arrived, of every part that became due; and how many never came."""
    due = {(name, number): at for name, number, at in crossed}
    came: dict[tuple[str, int], float] = {}
    deadline = time.monotonic() + LATE_SECONDS
    while due.keys() - came.keys() and time.monotonic() < deadline:
        came = {
            (os.path.basename(key), number): at
            for key, number, _, at in control.stats()["arrivals"]
        }
        time.sleep(0.2)
    delays = [came[part] - at for part, at in due.items() if part in came]
    return delays, len(due) - len(delays)


def _difference(after: Mapping[str, int], before: Mapping[str, int], looks: int) -> Numbers:
    """Calls by command between the two, without our own."""
    told = {name: calls - before.get(name, 0) for name, calls in after.items()}
    told["hmget"] = told.get("hmget", 0) - looks
    told.pop("info", None)
    return {name: calls for name, calls in told.items() if calls > 0}


def _calls(asked: Mapping[str, int]) -> int:
    """What the daemon called itself: a script call counts once, not what runs inside it."""
    scripts = sum(
        calls for name, calls in asked.items() if name.startswith(("evalsha", "eval|"))
    )
    return scripts or sum(asked.values())
