"""What one part costs the state server and the store: exchanges, bytes, calls.

A relay between the daemon and its Valkey counts. It is the slope between recordings of few
and of many parts that counts for a part, so that beginnings, renewals of the claim and
other constants fall out.
"""

import os
import secrets
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import daemon as cefmp4
from bench.footage import growing_mp4, whole_mp4
from bench.measure import Numbers, wait_until, wait_until_idle
from bench.progress import say
from bench.relay import Relay, relayed
from bench.scale import Bench
from bench.seeding import PART_BYTES
from bench.stores import SinkControl, sink
from cefmp4.adapters.embedded import valkey

TIMES = 3
LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A daemon at rest between a relay and a sink."""

    daemon: cefmp4.Daemon
    state: cefmp4.State
    relay: Relay
    control: SinkControl

    def path(self, name: str) -> str:
        return os.path.join(self.daemon.watch_dir, name)


def run(bench: Bench) -> Numbers:
    """Slopes over several recordings of both lengths, and the calls of whole recordings."""
    few, many = bench.scale.few_parts, bench.scale.many_parts
    rows = []
    with _scene(bench) as scene:
        for number in range(TIMES):
            say(f"recordings of {few} and {many} parts, {number + 1} of {TIMES}")
            rows.append(_slope(_grown(scene, few), _grown(scene, many), many - few))
        calls = [{"parts": parts, **_stored(scene, parts)} for parts in (few, many)]
    return {
        "few_parts": few,
        "many_parts": many,
        "per_part": {name: statistics.median(row[name] for row in rows) for name in rows[0]},
        "recordings": calls,
    }


@contextmanager
def _scene(bench: Bench) -> Iterator[Scene]:
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        sink() as store,
        valkey(os.path.join(folder, "valkey")) as server,
        relayed(server.url) as relay,
    ):
        instance = f"bench-{secrets.token_hex(4)}"
        settings = cefmp4.settings(
            store,
            relay.url,
            folder,
            instance,
            CHUNK_SIZE_BYTES=PART_BYTES,
            STREAM_TIMEOUT_SECONDS=3600,
        )
        with cefmp4.running(settings) as daemon:
            wait_until_idle(daemon.pid)
            state = cefmp4.State(server.url, instance)
            yield Scene(daemon, state, relay, SinkControl(store))
            state.close()


def _grown(scene: Scene, parts: int) -> Numbers:
    """What passed while so many parts of a growing recording were sent."""
    path = scene.path(f"growing-{secrets.token_hex(4)}.mp4")
    before, arrived = _traffic(scene), len(scene.control.stats()["arrivals"])
    growing_mp4(path, parts * PART_BYTES + 4096)
    wait_until(
        lambda: len(scene.control.stats(arrived)["arrivals"]) >= parts,
        f"{parts} parts were sent",
        LIMIT_SECONDS,
    )
    wait_until_idle(scene.daemon.pid)
    return _slope(before, _traffic(scene), 1)


def _traffic(scene: Scene) -> Numbers:
    """All of it; the questions once a second are no scripts."""
    told, calls = scene.relay.traffic, scene.state.commands()
    return {
        "script_calls": calls.get("evalsha", 0) + calls.get("eval", 0),
        "exchanges": told.exchanges,
        "bytes_sent": told.bytes_sent,
        "bytes_answered": told.bytes_answered,
    }


def _slope(few: Numbers, many: Numbers, parts: int) -> Numbers:
    return {name: (many[name] - few[name]) / parts for name in few}


def _stored(scene: Scene, parts: int) -> Numbers:
    """The calls to the store for one closed recording, its metadata JSON included."""
    before = scene.control.stats()
    path = scene.path(f"whole-{secrets.token_hex(4)}.mp4")
    whole_mp4(path + ".new", parts * PART_BYTES - 4096, sparse=True)
    os.rename(path + ".new", path)
    wait_until(
        lambda: scene.control.stats()["objects"] >= before["objects"] + 2,
        "the object and its metadata are there",
        LIMIT_SECONDS,
    )
    wait_until_idle(scene.daemon.pid)
    calls = scene.control.stats()["calls"]
    made = {name: n - before["calls"].get(name, 0) for name, n in calls.items()}
    return {"calls": {name: n for name, n in made.items() if n}}
