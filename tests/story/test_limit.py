"""`cefmp4 limit`, as a person at a terminal has it, with a real daemon and a real store."""

import os
import re
import time
from pathlib import Path

import pytest

from story.bucket import Bucket
from story.daemon import Daemon
from story.test_recordings import make_mp4
from waiting import wait_until

TIMEOUT_SECONDS = 60.0
KIB, MIB = 1024, 1024**2
SLACK_SECONDS = 0.5
"""The burst, a slice, and what the trials at the start have left of them."""


def figure(daemon: Daemon, name: str) -> float:
    """A gauge of the uploads."""
    found = re.search(rf"^cefmp4_upload_{name} (\S+)$", daemon.metrics(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def rate(daemon: Daemon) -> float:
    return figure(daemon, "rate_limit_bytes_per_second")


@pytest.mark.timeout(300)
async def test_a_limit_holds_and_is_changed_while_the_daemon_runs(
    daemon: Daemon, store: Bucket
) -> None:
    """By the setting, then by a person, over a restart, then by the setting again.

    Seen failing with parts sent without asking the pace, with a limit only read at the
    start, and with one that is not read there.
    """
    daemon.environment["UPLOAD_RATE_LIMIT_BYTES_PER_SECOND"] = "256K"
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=TIMEOUT_SECONDS)
    assert (rate(daemon), figure(daemon, "slots_limit")) == (256 * KIB, 4)
    path = daemon.path("a.mp4")
    began = time.monotonic()
    make_mp4(path, seconds=0.9)
    await wait_until(lambda: figure(daemon, "slots_used") > 0, timeout_seconds=TIMEOUT_SECONDS)
    by_setting = daemon.command("limit")
    assert by_setting.returncode == 0
    assert by_setting.stdout.splitlines() == [
        "now      256K (262144 bytes per second)",
        "because  the setting: 256K",
    ]
    changed = daemon.command("limit", "1m")
    assert changed.stdout.splitlines() == [
        "now      1M (1048576 bytes per second)",
        "because  set by a person: 1m",
    ]
    await wait_until(lambda: rate(daemon) == MIB)
    (key,) = await store.wait_for_videos(1, timeout_seconds=TIMEOUT_SECONDS)
    elapsed = time.monotonic() - began
    content = Path(path).read_bytes()
    assert elapsed >= len(content) / MIB - SLACK_SECONDS, "faster than ever allowed"
    assert await store.content(key) == content
    assert "failed" not in daemon.log
    assert daemon.terminate() == 0
    daemon.start()
    await wait_until(lambda: daemon.log.count("/metrics") == 2, timeout_seconds=60)
    assert rate(daemon) == MIB
    taken_back = daemon.command("limit", "default")
    assert "because  the setting: 256K" in taken_back.stdout
    await wait_until(lambda: rate(daemon) == 256 * KIB)
    changes = re.findall(r"upload rate limit .*bytes_per_second=(\d+)", daemon.log)
    assert [int(change) for change in changes] == [256 * KIB, MIB, MIB, 256 * KIB]


@pytest.mark.timeout(300)
async def test_at_a_low_rate_every_part_gets_through(daemon: Daemon, store: Bucket) -> None:
    """Several recordings share little: none is taken for dead, by the store or by us.

    Seen failing with whole pieces granted, and the wait for each counted as silence.
    """
    daemon.environment |= {
        "UPLOAD_RATE_LIMIT_BYTES_PER_SECOND": "64K",
        "STALL_SECONDS": "2",
    }
    daemon.module = "faults.hasty"
    sizes = 0
    for name in "abc":
        make_mp4(daemon.path(f"{name}.mp4"), seconds=0.04)
        sizes += os.stat(daemon.path(f"{name}.mp4")).st_size
    began = time.monotonic()
    daemon.start()
    keys = await store.wait_for_videos(3, timeout_seconds=200)
    assert time.monotonic() - began >= sizes / (64 * KIB) - SLACK_SECONDS
    stored = sorted([await store.content(key) for key in keys])
    assert stored == sorted(Path(daemon.path(f"{name}.mp4")).read_bytes() for name in "abc")
    assert "failed" not in daemon.log


async def test_a_limit_that_is_none_is_refused(daemon: Daemon) -> None:
    """Exit 2, in one line; without a daemon a good one waits for the next start."""
    wrong = daemon.command("limit", "08:00,2M", "25:00,off")
    assert wrong.returncode == 2
    assert "must have times from 00:00 to 23:59, not 25:00" in wrong.stderr
    noted = daemon.command("limit", "Mon-00:00,2M Tue-00:00,2M")
    assert noted.returncode == 0
    assert noted.stdout.splitlines() == [
        "now      2M (2097152 bytes per second)",
        "because  set by a person: Mon-00:00,2M Tue-00:00,2M",
        "noted    no daemon runs, the next start does it",
    ]
    shown = daemon.command("limit", "00:00,off 12:00,1M")
    assert re.search(r"^next     (off|1M) from (\w{3}-)?(00|12):00 on$", shown.stdout, re.M)
    assert daemon.command("limit", "default").stdout.splitlines()[:2] == [
        "now      off",
        "because  the setting: off",
    ]
