"""One large file: CPU seconds per GB, throughput and peak memory, beside the peers.

The same file for everybody, written to the disk and in the page cache, in 16 MiB parts, 4
at a time. Each contender meets a store that was started for it. CefMP4 is measured twice:
as the daemon it is, from idle to stored, and as a whole process like the peers.
"""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from bench import daemon as cefmp4
from bench.footage import GB, warm, whole_mp4
from bench.measure import (
    BenchFailed,
    Numbers,
    Usage,
    run_command,
    spread,
    wait_until,
    wait_until_idle,
)
from bench.peers import AT_A_TIME, PART_MIB, Peer, environment
from bench.progress import say
from bench.scale import MIB, Bench
from bench.stores import Store, make_certificates, real_store, sink
from cefmp4.adapters.embedded import valkey

LIMIT_SECONDS = 120.0
LARGE_PART_MIB = 64
NAME = "upload.mp4"


@dataclass(frozen=True, slots=True)
class Case:
    """One upload: this file, to this store."""

    store: Store
    path: str
    redis_url: str
    folder: str

    def settings(self, part_mib: int = PART_MIB) -> dict[str, str]:
        """The defaults, but for the size of a part; nothing is written beside the object."""
        return cefmp4.settings(
            self.store,
            self.redis_url,
            self.folder,
            f"bench-{secrets.token_hex(4)}",
            CHUNK_SIZE_BYTES=part_mib * MIB,
            MAX_PARTS_IN_FLIGHT=2 * AT_A_TIME,
            WRITE_METADATA="false",
        )


Contender = Callable[[Case], Usage]
Opened = Callable[[str], AbstractContextManager[Store]]
"""Starts a store, with a folder for it."""


def by_daemon(part_mib: int = PART_MIB) -> Contender:
    """From the move into the watched directory to HEAD 200; CPU from idle to the end."""

    def upload(case: Case) -> Usage:
        settings = case.settings(part_mib)
        state = cefmp4.State(case.redis_url, settings["INSTANCE_ID"])
        looker, target = case.store.looker(), os.path.join(settings["WATCH_DIR"], NAME)
        keys: list[str] = []

        def stored() -> bool:
            if not keys:
                [found] = state.streams_of([target])
                keys.extend([cefmp4.key_of(found, NAME)] if found else [])
            return bool(keys) and looker.is_there(keys[0])

        with cefmp4.running(settings) as daemon, lent(case.path, target):
            wait_until_idle(daemon.pid)
            before = daemon.cpu_seconds()
            began = cefmp4.moved(case.path, target)
            seconds = wait_until(stored, "the object is there", LIMIT_SECONDS) - began
            wait_until(lambda: state.begun() == 0, "its stream has ended", 30.0)
            usage = Usage(seconds, daemon.cpu_seconds() - before, daemon.peak_rss_bytes())
        state.close()
        return usage

    return upload


def by_once(case: Case) -> Usage:
    """`cefmp4 run --once` on the file, from exec to exit."""
    settings = case.settings()
    os.makedirs(settings["WATCH_DIR"], exist_ok=True)
    target = os.path.join(settings["WATCH_DIR"], NAME)
    with lent(case.path, target):
        cefmp4.moved(case.path, target)
        return run_command(cefmp4.command("--once"), settings, LIMIT_SECONDS)


def by_peer(peer: Peer) -> Contender:
    """The peer's command, from exec to exit."""

    def upload(case: Case) -> Usage:
        command = peer.command(case.store, case.path, NAME)
        usage = run_command(command, environment(case.store, case.folder), LIMIT_SECONDS)
        if not case.store.looker().is_there(NAME):
            raise BenchFailed(f"{peer.name} stored nothing")
        return usage

    return upload


@contextmanager
def lent(path: str, target: str) -> Iterator[None]:
    """The file comes back, whatever happened."""
    try:
        yield
    finally:
        if os.path.exists(target):
            os.rename(target, path)


def over_http(bench: Bench) -> Numbers:
    """To the sink; beside it one upload in large parts, for its memory."""
    return _against(bench, lambda _: sink(), bench.scale.rounds, large_parts=True)


def over_tls(bench: Bench) -> Numbers:
    """To the sink behind TLS, with a certificate made for it."""
    made = make_certificates(bench.folder)
    return _against(bench.again(), lambda _: sink(made), bench.scale.rounds)


def to_seaweedfs(bench: Bench) -> Numbers:
    """To a store that keeps what it is sent."""
    return _against(bench.again(), real_store, bench.scale.real_store_rounds)


def _against(
    bench: Bench, opened: Opened, rounds: int, *, large_parts: bool = False
) -> Numbers:
    path = os.path.join(bench.folder, NAME)
    whole_mp4(path, bench.scale.upload_bytes)
    warm(path)
    contenders: dict[str, Contender] = {
        "cefmp4 (daemon)": by_daemon(),
        "cefmp4 run --once, whole process": by_once,
        **{peer.name: by_peer(peer) for peer in bench.peers},
    }
    if large_parts:
        contenders[f"cefmp4 (daemon), {LARGE_PART_MIB} MiB parts"] = by_daemon(LARGE_PART_MIB)
    usages: dict[str, list[Usage]] = {name: [] for name in contenders}
    failed: set[str] = set()
    with valkey(os.path.join(bench.folder, f"valkey-{secrets.token_hex(3)}")) as state:
        for number in range(1, rounds + 1):
            for name, upload in contenders.items():
                say(f"round {number} of {rounds}: {name}")
                try:
                    with _case(bench, path, opened, state.url) as case:
                        usages[name].append(upload(case))
                except BenchFailed as why:
                    failed.add(name)
                    say(f"{name}: {why}")
    told: Numbers = {name: _figures(rows, path) for name, rows in usages.items() if rows}
    return {
        "size_bytes": bench.scale.upload_bytes,
        "part_bytes": PART_MIB * MIB,
        "at_a_time": AT_A_TIME,
        "contenders": told,
        "failed": sorted(failed),
    }


@contextmanager
def _case(bench: Bench, path: str, opened: Opened, redis_url: str) -> Iterator[Case]:
    """A store of its own, and a folder that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        opened(os.path.join(folder, "store")) as store,
    ):
        os.sync()  # what the last one has left to write is no matter of this one
        yield Case(store, path, redis_url, folder)


def _figures(usages: list[Usage], path: str) -> Numbers:
    size_bytes = os.path.getsize(path)
    return {
        "cpu_seconds_per_gb": spread([u.cpu_seconds / (size_bytes / GB) for u in usages]),
        "bytes_per_second": spread([size_bytes / u.seconds for u in usages]),
        "seconds": spread([u.seconds for u in usages]),
        "peak_rss_bytes": spread([u.peak_rss_bytes for u in usages]),
    }
