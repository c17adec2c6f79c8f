"""The recorder's machine died: what the guide on that says becomes of its recordings."""

import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from environment.footage import Footage, whole_mp4
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

SECONDS = 30.0


@pytest.fixture
def daemon(daemon: Daemon) -> Daemon:
    """Quick to take a recording as closed."""
    daemon.environment["CLOSE_SETTLE_SECONDS"] = "0.1"
    return daemon


async def told(daemon: Daemon, what: str, times: int = 1) -> None:
    await wait_until(lambda: daemon.log.count(what) >= times, timeout_seconds=SECONDS)


async def dies(daemon: Daemon, store: Bucket) -> None:
    """One recording is stored, of another two parts are, and the power is cut."""
    Path(daemon.path("stored.mp4")).write_bytes(whole_mp4(bytes(1000)))
    Footage().begin(daemon.path("growing.mp4"))
    daemon.start()
    await store.wait_for_videos(1)

    async def two_parts() -> bool:
        return list((await store.parts_in_flight()).values()) == [2]

    await wait_until(two_parts, timeout_seconds=SECONDS)
    daemon.kill()


def other_disk(daemon: Daemon, *, copied: bool) -> None:
    """What is mounted there now has other inodes; the old disk is away."""
    old = Path(daemon.watch_dir).rename(f"{daemon.watch_dir}.{uuid4()}")
    if copied:
        subprocess.run(["cp", "-a", old, daemon.watch_dir], check=True)
    else:
        Path(daemon.watch_dir).mkdir()


async def test_a_copy_of_the_disk_is_gone_on_with_and_a_lost_disk_is_cleared_up(
    daemon: Daemon, store: Bucket, redis_url: str
) -> None:
    """With an empty state server it is the bytes that decide, whatever the inodes; where the
    disk is lost, `abort` and one start leave nothing of it in the store.

    Seen failing without a recollection, with `gc` aborting what is forgotten at once, and with
    no wish heeded while the directory is away.
    """
    await dies(daemon, store)
    ((key, upload_id),), videos = await store.uploads(), await store.videos()
    other_disk(daemon, copied=True)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    assert "forgotten" in daemon.command("gc", "--abort").stdout
    assert await store.uploads() == [(key, upload_id)]  # a recording may yet claim it
    before = len(daemon.log)
    daemon.start()
    await told(daemon, "recognised in the store")
    await told(daemon, "found again in the store")
    assert daemon.terminate() == 0
    assert "part sent" not in daemon.log[before:]
    assert (await store.uploads(), await store.videos()) == ([(key, upload_id)], videos)
    other_disk(daemon, copied=False)
    assert daemon.command("abort", key.split("/")[1]).returncode == 0
    daemon.start()
    await told(daemon, "the watched directory is away")

    async def cleared() -> bool:
        return not await store.uploads()

    await wait_until(cleared, timeout_seconds=SECONDS)
    assert await store.videos() == videos
