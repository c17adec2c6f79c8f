"""State lost is not data lost: the daemon killed, Redis emptied, and all is found again."""

import json
import os
import re
from pathlib import Path

from redis import Redis

from cefmp4.demo.recorder import Kind, record
from story.bucket import Bucket
from story.daemon import PART_BYTES, Daemon
from waiting import wait_until


def grow(path: str, content: bytes) -> None:
    """A recorder writes some more."""
    with open(path, "ab") as file:
        file.write(content)


def parts_sent(log: str) -> list[int]:
    """The numbers of the parts that were sent, in order."""
    return [int(number) for number in re.findall(r"part sent.*?\bpart=(\d+)", log)]


def finished_recording(folder: Path) -> bytes:
    """The bytes of an ordinary MP4 of a bit more than three parts."""
    path = str(folder / "whole.mp4")
    record(path, Kind.ORDINARY, seconds=6, bits_per_second=24_000_000, realtime=False)
    content = Path(path).read_bytes()
    assert len(content) > 3 * PART_BYTES
    return content


async def test_with_redis_emptied_and_the_daemon_killed_nothing_is_sent_twice(
    daemon: Daemon, store: Bucket, redis_url: str, tmp_path: Path
) -> None:
    """A growing recording goes on in its upload, a stored one stays the one object it is.

    Seen failing with `Daemon` leaving `recollection.wanted` false: every part was sent
    again, and the stored recording twice.
    """
    whole = finished_recording(tmp_path)
    growing, stored = daemon.path("growing.mp4"), daemon.path("stored.mp4")
    grow(stored, whole)
    daemon.start()
    await store.wait_for_videos(1)
    grow(growing, whole[: 2 * PART_BYTES + 1000])

    async def two_parts() -> bool:
        return list((await store.parts_in_flight()).values()) == [2]

    await wait_until(two_parts, timeout_seconds=30)
    uploads, videos = await store.uploads(), await store.videos()
    daemon.kill()
    with Redis.from_url(redis_url) as client:
        client.flushall()
    before = len(daemon.log)
    daemon.start()
    await wait_until(lambda: "found again in the store" in daemon.log, timeout_seconds=30)
    await wait_until(lambda: "recognised in the store" in daemon.log, timeout_seconds=30)
    assert await store.uploads() == uploads
    grow(growing, whole[2 * PART_BYTES + 1000 :])
    keys = await store.wait_for_videos(2)
    assert videos[0] in keys
    for key in keys:
        assert await store.content(key) == whole
    assert await store.uploads() == []
    assert sorted(parts_sent(daemon.log[before:])) == [3, 4]
    assert daemon.command("streams").stdout.count("completed_with_meta") == 2


async def test_at_the_start_only_orphans_of_this_instance_are_aborted(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """A Create that landed after its stream had ended; not what somebody else began.

    Seen failing without the sweep at the start, and with every upload taken for ours.
    """
    grow(daemon.path("a.mp4"), finished_recording(tmp_path))
    daemon.start()
    (key,) = await store.wait_for_videos(1)
    assert daemon.terminate() == 0
    for late in (key, "streams/by-hand/a.mp4"):
        await store.client.create_multipart_upload(Bucket=store.name, Key=late)
    daemon.start()
    await wait_until(lambda: "orphaned upload aborted" in daemon.log, timeout_seconds=30)
    assert [key for key, _ in await store.uploads()] == ["streams/by-hand/a.mp4"]
    await wait_until(lambda: "cefmp4_orphaned_uploads_aborted_total 1.0" in daemon.metrics())
    assert "cefmp4_orphaned_uploads 0.0" in daemon.metrics()
    assert await store.videos() == [key]
    assert os.path.exists(daemon.path("a.mp4"))


async def test_gc_lists_orphans_and_aborts_them_only_when_told(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """Without a daemon too; what somebody else began is counted, and left alone.

    Seen failing with `--abort` taken for granted, and with foreign uploads among the rows.
    """
    grow(daemon.path("a.mp4"), finished_recording(tmp_path))
    daemon.start("--once")
    assert daemon.wait() == 0
    (key,) = await store.videos()
    for late in (key, "streams/by-hand/a.mp4"):
        await store.client.create_multipart_upload(Bucket=store.name, Key=late)
    listed = daemon.command("gc")
    assert listed.returncode == 0, listed.stderr
    assert key in listed.stdout
    assert "its stream has ended" in listed.stdout
    assert "1 to abort: cefmp4 gc --abort" in listed.stdout
    assert "1 more, not begun by this instance: not touched." in listed.stdout
    assert len(await store.uploads()) == 2
    rows = {
        row["s3_key"]: row["fate"] for row in json.loads(daemon.command("gc", "--json").stdout)
    }
    assert rows == {key: "orphan", "streams/by-hand/a.mp4": "foreign"}
    assert "1 aborted." in daemon.command("gc", "--abort").stdout
    assert [left for left, _ in await store.uploads()] == ["streams/by-hand/a.mp4"]
    assert await store.videos() == [key]
