"""Ten thousand recordings at once: all are stored, and what is used for them is bounded."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from environment.footage import whole_mp4
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

TEN_THOUSAND = 10_000
OPEN_FILES = 96


@pytest.mark.timeout(180)
async def test_five_hundred_at_once(daemon: Daemon, store: Bucket, tmp_path: Path) -> None:
    """Moved in together, they are all stored, within few open files and little memory.

    Seen failing with slots that let everybody in: the files that are open meet the limit.
    """
    daemon.environment["WRITE_METADATA"] = "false"
    await all_are_stored(daemon, store, tmp_path, 500, within_seconds=150)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_ten_thousand_at_once(daemon: Daemon, store: Bucket, tmp_path: Path) -> None:
    """The same with ten thousand, each with its metadata beside it."""
    await all_are_stored(daemon, store, tmp_path, TEN_THOUSAND, within_seconds=3500)


async def all_are_stored(
    daemon: Daemon, store: Bucket, folder: Path, count: int, within_seconds: float
) -> None:
    """Have so many recordings appear in one moment, and see what becomes of them."""
    daemon.module = "environment.counting_daemon"
    daemon.environment |= {
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "COUNT_TASKS_IN": str(folder / "tasks"),
    }
    daemon.prefix = ("sh", "-c", f'ulimit -n {OPEN_FILES}; exec "$@"', "sh")
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=60)
    (folder / "batch").mkdir()
    contents = {}
    for number in range(count):
        contents[f"{number}.mp4"] = whole_mp4(os.urandom(100))
        (folder / "batch" / f"{number}.mp4").write_bytes(contents[f"{number}.mp4"])
    began = time.monotonic()
    os.rename(folder / "batch", daemon.path("batch"))

    async def done() -> bool:
        await asyncio.sleep(1.0)
        return f"streams_completed_total {float(count)}" in daemon.metrics()

    await wait_until(done, timeout_seconds=within_seconds)
    seconds = time.monotonic() - began
    keys = [key async for key in every_key(store)]
    videos = [key for key in keys if key.endswith(".mp4")]
    assert sorted(os.path.basename(key) for key in videos) == sorted(contents)
    for key in videos[:: max(1, count // 200)]:
        assert await store.content(key) == contents[os.path.basename(key)]
    assert await store.uploads() == []
    tasks = int((folder / "tasks").read_text())
    say(f"{count} recordings: {seconds:.0f} s, {peak_mib(daemon)} MiB, {tasks} tasks")
    assert tasks < 2 * count + 100
    assert peak_mib(daemon) < 120 + count * 16 / 1024
    assert "Too many open files" not in daemon.log
    assert daemon.terminate() == 0


async def every_key(store: Bucket) -> AsyncIterator[str]:
    """However many there are: a listing comes in pages."""
    async for page in store.client.get_paginator("list_objects_v2").paginate(Bucket=store.name):
        for row in page.get("Contents", []):
            yield row["Key"]


def peak_mib(daemon: Daemon) -> int:
    """The most memory it ever had resident."""
    assert daemon.process
    status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def say(figures: str) -> None:
    """Shown by `make soak`."""
    print(figures)  # noqa: T201
