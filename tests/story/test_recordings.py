"""Read these first: one recording each, from its recorder to its object."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import av
import jsonschema
import pytest

from cefmp4.demo.recorder import Kind, record
from cefmp4.metadata import metadata_schema
from story.bucket import Bucket
from story.daemon import PART_BYTES, Daemon, recorder, stopped
from waiting import wait_until

LONG_SECONDS = 300.0
"""Longer than any look at it takes: it is stopped."""


async def ended(process: subprocess.Popen[bytes]) -> None:
    """The recorder has closed its file and left."""
    await wait_until(lambda: process.poll() is not None, timeout_seconds=30)


async def stored_as_recorded(store: Bucket, path: str) -> str:
    """The one object is the file, byte for byte, and nothing else is in the bucket."""
    (key,) = await store.wait_for_videos(1)
    assert await store.content(key) == Path(path).read_bytes()
    assert await store.uploads() == []
    return key


def seconds_of(path: str) -> float:
    """How long it plays."""
    with av.open(path) as container:
        return float(container.duration or 0) / av.time_base


def make_mp4(path: str, *, seconds: float = 1.0, bits_per_second: int = 60_000_000) -> None:
    """A finished recording, made as fast as the disk takes it."""
    record(
        path, Kind.ORDINARY, seconds=seconds, bits_per_second=bits_per_second, realtime=False
    )


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_growing_recording_is_uploaded_while_it_grows(
    kind: Kind, daemon: Daemon, store: Bucket
) -> None:
    """Parts are in the store while it records; moments after the close all of it is."""
    daemon.start()
    path = daemon.path("a.mp4")
    with recorder(path, kind, seconds=LONG_SECONDS) as process:
        await wait_until(store.parts_in_flight, timeout_seconds=30)
        await stopped(process)
        key = await stored_as_recorded(store, path)
    document = await store.metadata(key)
    jsonschema.validate(document, metadata_schema())
    assert document["duration_seconds"] == pytest.approx(seconds_of(path), abs=0.2)
    assert document["total_size_bytes"] == os.stat(path).st_size
    assert document["seal_reason"] == "closed"
    assert document["container"]["playable"] is True
    assert document["container"]["fragmented"] is (kind is Kind.FRAGMENTED)
    assert document["container"]["faststart"] is (kind is not Kind.ORDINARY)


async def test_a_recording_is_renamed_to_mp4_when_it_ends(
    daemon: Daemon, store: Bucket
) -> None:
    """`.part` is nobody's business; the finished name is."""
    daemon.start()
    path = daemon.path("a.mp4")
    with recorder(path, seconds=1.0, part_suffix=True) as process:
        await ended(process)
        await stored_as_recorded(store, path)


async def test_a_finished_file_is_moved_in(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """It needs no writer to close it: it is complete, and nobody has it open."""
    daemon.start()
    await wait_until(daemon.is_ready)
    make_mp4(str(tmp_path / "b.mp4"))
    os.rename(tmp_path / "b.mp4", daemon.path("b.mp4"))
    await stored_as_recorded(store, daemon.path("b.mp4"))


async def test_a_directory_appears_with_a_recording_in_it(
    daemon: Daemon, store: Bucket
) -> None:
    """Sub-directories are watched, also those that come later."""
    daemon.start()
    await wait_until(daemon.is_ready)
    os.makedirs(daemon.path("room 1", "today"))
    make_mp4(daemon.path("room 1", "today", "c.mp4"))
    key = await stored_as_recorded(store, daemon.path("room 1", "today", "c.mp4"))
    assert key.endswith("/c.mp4")


async def test_files_that_were_there_before_the_start_are_taken(
    daemon: Daemon, store: Bucket
) -> None:
    """What arrived while the daemon was down is uploaded; what is stored is not again."""
    make_mp4(daemon.path("a.mp4"))
    daemon.start()
    await stored_as_recorded(store, daemon.path("a.mp4"))
    assert daemon.terminate() == 0
    make_mp4(daemon.path("b.mp4"), seconds=0.5)
    daemon.start()
    await store.wait_for_videos(2)
    assert daemon.log.count("begun ") == 2


async def test_a_daemon_killed_in_the_middle_carries_on(daemon: Daemon, store: Bucket) -> None:
    """SIGKILL while it records: the next start takes the same upload up again."""
    daemon.start()
    path = daemon.path("a.mp4")
    with recorder(path, seconds=LONG_SECONDS) as process:
        await wait_until(store.parts_in_flight, timeout_seconds=30)
        (upload,) = await store.uploads()
        daemon.kill()
        assert await store.uploads() == [upload]
        daemon.start()
        await stopped(process)
        await stored_as_recorded(store, path)
    assert daemon.log.count("upload created") == 1


async def test_sigterm_lets_parts_land_and_the_next_start_goes_on(
    daemon: Daemon, store: Bucket
) -> None:
    """Exit 0 within the grace, nothing finalized, nothing lost."""
    daemon.start()
    path = daemon.path("a.mp4")
    with recorder(path, seconds=LONG_SECONDS) as process:
        await wait_until(store.parts_in_flight, timeout_seconds=30)
        assert daemon.terminate() == 0
        assert "stopped: the next start goes on" in daemon.log.splitlines()[-1]
        assert "unfinished=1 set_aside=0" in daemon.log.splitlines()[-1]
        assert len(await store.uploads()) == 1
        daemon.start()
        await stopped(process)
        await stored_as_recorded(store, path)
    await wait_until(lambda: "finished " in daemon.log)
    assert daemon.terminate() == 0
    assert (
        "stopped: everything seen so far and still there is stored"
        in daemon.log.splitlines()[-1]
    )


async def test_a_daemon_that_waits_for_an_outage_can_be_stopped(daemon: Daemon) -> None:
    """SIGTERM while the state server is away at the start: exit 0, at once."""
    daemon.environment |= {"REDIS_URL": "redis://127.0.0.1:1/0"}
    daemon.start()
    await wait_until(lambda: "not yet" in daemon.log)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(timeout_seconds=5) == 0
    assert "stopped before everything was looked at" in daemon.log.splitlines()[-1]


async def test_two_recordings_at_once(daemon: Daemon, store: Bucket) -> None:
    """Neither waits for the other."""
    daemon.start()
    paths = [daemon.path("a.mp4"), daemon.path("b.mp4")]
    with (
        recorder(paths[0], seconds=LONG_SECONDS) as first,
        recorder(paths[1], Kind.FRAGMENTED, seconds=LONG_SECONDS) as second,
    ):
        await wait_until(lambda: _both_in_flight(store), timeout_seconds=30)
        await stopped(first)
        await stopped(second)
        keys = await store.wait_for_videos(2)
    for key, path in zip(sorted(keys, key=lambda k: k[-5:]), paths, strict=True):
        assert await store.content(key) == Path(path).read_bytes()
    assert await store.uploads() == []


async def _both_in_flight(store: Bucket) -> bool:
    return sum(count > 0 for count in (await store.parts_in_flight()).values()) == 2


async def test_a_small_recording_is_one_put(daemon: Daemon, store: Bucket) -> None:
    """Smaller than one part: no multipart upload is ever begun."""
    daemon.start()
    make_mp4(daemon.path("a.mp4"), seconds=0.4, bits_per_second=1_000_000)
    assert os.stat(daemon.path("a.mp4")).st_size < PART_BYTES
    key = await stored_as_recorded(store, daemon.path("a.mp4"))
    assert "upload created" not in daemon.log
    document = await store.metadata(key)
    jsonschema.validate(document, metadata_schema())
    assert len(document["chunks"]) == 1


async def test_a_recording_that_changes_after_it_was_stored_is_a_new_object(
    daemon: Daemon, store: Bucket
) -> None:
    """The old object stays as it was."""
    daemon.start()
    path = daemon.path("a.mp4")
    make_mp4(path)
    old_key = await stored_as_recorded(store, path)
    old = Path(path).read_bytes()
    make_mp4(path, seconds=0.5)
    keys = await store.wait_for_videos(2)
    (new_key,) = set(keys) - {old_key}
    assert await store.content(old_key) == old
    assert await store.content(new_key) == Path(path).read_bytes()


async def test_a_recording_that_is_renamed_in_the_middle_stays_one_stream(
    daemon: Daemon, store: Bucket
) -> None:
    """Its recorder goes on writing to it under the new name."""
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=LONG_SECONDS) as process:
        await wait_until(store.parts_in_flight, timeout_seconds=30)
        os.rename(daemon.path("a.mp4"), daemon.path("b.mp4"))
        await stopped(process)
        key = await stored_as_recorded(store, daemon.path("b.mp4"))
    assert (await store.metadata(key))["original_file_path"] == daemon.path("b.mp4")


async def test_a_recording_that_is_deleted_leaves_nothing(
    daemon: Daemon, store: Bucket
) -> None:
    """Its upload is aborted after the grace time, and the status says why."""
    daemon.environment["MISSING_GRACE_SECONDS"] = "1"
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=LONG_SECONDS):
        await wait_until(store.parts_in_flight, timeout_seconds=30)
    os.unlink(daemon.path("a.mp4"))

    async def none_left() -> bool:
        return not await store.uploads()

    await wait_until(none_left, timeout_seconds=30)
    assert await store.keys() == []
    await wait_until(lambda: "deleted_locally" in daemon.command("streams").stdout)


async def test_once_finishes_what_is_present(daemon: Daemon, store: Bucket) -> None:
    """`--once`: everything present is stored, then it exits 0."""
    for name in ("a.mp4", "b.mp4"):
        make_mp4(daemon.path(name), seconds=0.5)
    daemon.start("--once")
    assert await asyncio.to_thread(daemon.wait) == 0
    assert len(await store.videos()) == 2


async def test_after_upload_deletes_only_what_was_verified(
    daemon: Daemon, store: Bucket
) -> None:
    """AFTER_UPLOAD=delete: the recording goes once its object stands."""
    daemon.environment["AFTER_UPLOAD"] = "delete"
    daemon.start()
    make_mp4(daemon.path("a.mp4"))
    content = Path(daemon.path("a.mp4")).read_bytes()
    (key,) = await store.wait_for_videos(1)
    assert await store.content(key) == content
    await wait_until(lambda: os.listdir(daemon.watch_dir) == [])


async def test_after_upload_moves_to_the_archive(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """AFTER_UPLOAD=move keeps the relative path under ARCHIVE_DIR."""
    daemon.environment |= {"AFTER_UPLOAD": "move", "ARCHIVE_DIR": str(tmp_path / "archive")}
    os.mkdir(daemon.path("room"))
    make_mp4(daemon.path("room", "a.mp4"))
    daemon.start()
    await store.wait_for_videos(1)
    await wait_until((tmp_path / "archive" / "room" / "a.mp4").exists)
    assert os.listdir(daemon.path("room")) == []
