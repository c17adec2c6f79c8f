"""CefMP4 as its users run it: a process of its own, told by its environment."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import redis

from bench.measure import cpu_seconds, end, memory_bytes, wait_until
from bench.stores import BUCKET, Store
from cefmp4.adapters.checkpoints.keys import Keyspace

MIB = 1024**2
LEAVING_SECONDS = 30.0


def settings(
    store: Store, redis_url: str, folder: str, instance: str, **more: object
) -> dict[str, str]:
    """Defaults, but for where things are, and what a bench says of itself."""
    told = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "WATCH_DIR": os.path.join(folder, "recordings"),
        "S3_ENDPOINT_URL": store.endpoint_url,
        "S3_ACCESS_KEY_ID": store.access_key_id,
        "S3_SECRET_ACCESS_KEY": store.secret_access_key,
        "S3_REGION_NAME": store.region,
        "S3_BUCKET_NAME": BUCKET,
        "S3_CA_BUNDLE": store.ca_bundle or "",
        "REDIS_URL": redis_url,
        "INSTANCE_ID": instance,
        "PROM_PORT": "0",
        "APP_ENV": "production",
    }
    return told | {name: str(value) for name, value in more.items()}


@dataclass(slots=True)
class Daemon:
    """A `cefmp4 run` that was started, and what it uses."""

    process: subprocess.Popen[bytes]
    log_path: str
    environment: Mapping[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def watch_dir(self) -> str:
        return self.environment["WATCH_DIR"]

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"cefmp4 ended: {self.log()[-2000:]}")
        return "/metrics" in self.log()

    def log(self) -> str:
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def metric(self, name: str) -> float | None:
        found = re.search(rf"^{name} (\S+)$", self._ask("/metrics", "GET"), re.MULTILINE)
        return float(found[1]) if found else None

    def scan(self, token: str) -> None:
        """Have it look at the whole directory."""
        self._ask("/api/scan", "POST", {"Authorization": f"Bearer {token}"})

    @property
    def address(self) -> str:
        """Of the page and all else that it serves."""
        found: list[str] = re.findall(r"(http://\S+)/metrics", self.log())
        return found[-1]

    def _ask(self, path: str, method: str, headers: Mapping[str, str] | None = None) -> str:
        call = urllib.request.Request(
            self.address + path, method=method, headers=dict(headers or {})
        )
        with urllib.request.urlopen(call, timeout=30) as answer:
            return bytes(answer.read()).decode()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def peak_rss_bytes(self) -> int:
        return memory_bytes(self.pid, "VmHWM")

    def stop(self) -> None:
        """As a person would, then as the system would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LEAVING_SECONDS)
            except subprocess.TimeoutExpired:
                end(self.process)


@contextmanager
def running(environment: Mapping[str, str], *, wait: bool = True) -> Iterator[Daemon]:
    """A daemon on its own directory, ready unless told otherwise."""
    os.makedirs(environment["WATCH_DIR"], exist_ok=True)
    log_path = os.path.join(environment["HOME"], f"{environment['INSTANCE_ID']}.log")
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            command(), env=environment, stdout=log, stderr=log, start_new_session=True
        )
    daemon = Daemon(process, log_path, environment)
    try:
        if wait:
            wait_until(daemon.is_ready, "cefmp4 is ready", 60.0)
        yield daemon
    finally:
        daemon.stop()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cefmp4", "run", *arguments]


class State:
    """What the state server holds of one instance, and how much it was asked."""

    def __init__(self, redis_url: str, instance: str) -> None:
        self._redis: Any = redis.Redis.from_url(redis_url)
        self._keys = Keyspace(instance)
        self.looks = 0
        """How often we asked for streams ourselves: HMGET, one each."""

    def begun(self) -> int:
        """How many recordings have a checkpoint."""
        return int(self._redis.hlen(self._keys.paths))

    def streams_of(self, paths: list[str]) -> list[str | None]:
        """The ids of the streams of these recordings, None where there is none yet."""
        self.looks += 1
        told = self._redis.hmget(self._keys.paths, [os.fsencode(path) for path in paths])
        return [name.decode() if name else None for name in told]

    def commands(self) -> dict[str, int]:
        """Calls by command since the server began."""
        told = cast("dict[str, dict[str, int]]", self._redis.info("commandstats"))
        return {name.removeprefix("cmdstat_"): row["calls"] for name, row in told.items()}

    def close(self) -> None:
        self._redis.close()


def moved(path: str, target: str) -> float:
    """The file is in the watched directory; since when (monotonic seconds)."""
    began = time.monotonic()
    os.rename(path, target)
    return began


def key_of(stream_id: str, name: str) -> str:
    """Under the default S3_KEY_TEMPLATE, for names without odd letters."""
    return f"streams/{stream_id}/{quote(name)}"
