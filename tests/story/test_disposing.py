"""AFTER_UPLOAD with the real daemon: recordings go only when their objects stand."""

import os
from pathlib import Path

from story.bucket import Bucket
from story.daemon import Daemon
from story.test_recordings import make_mp4
from waiting import wait_until

ID = "7f9c24e5-2f31-4a0e-9d3c-0b1f6a4d8e21"


async def test_a_recording_a_killed_daemon_left_hidden_is_not_forgotten(
    daemon: Daemon, store: Bucket
) -> None:
    """Its state was lost as well: it gets its name back, is stored, and only then deleted.

    Seen failing with hidden files not looked for, which the product did.
    """
    daemon.environment["AFTER_UPLOAD"] = "delete"
    hidden = Path(daemon.path(f".cefmp4-{ID}~a.mp4"))
    make_mp4(str(hidden), seconds=0.5)
    content = hidden.read_bytes()
    daemon.start("--once")
    (key,) = await store.wait_for_videos(1, timeout_seconds=60)
    assert key.endswith("/a.mp4")
    assert await store.content(key) == content
    assert daemon.wait(60) == 0
    assert "given its name back" in daemon.log
    assert os.listdir(daemon.watch_dir) == []


async def test_a_recording_waits_in_sight_while_its_archive_is_no_directory(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """It is stored, stays under its name, and is moved once the archive can take it.

    Seen failing with that error taken for one that does not pass.
    """
    archive = tmp_path / "archive"
    archive.mkdir()
    daemon.environment |= {"AFTER_UPLOAD": "move", "ARCHIVE_DIR": str(archive)}
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=30)
    archive.rmdir()
    archive.write_bytes(b"in the way")
    make_mp4(daemon.path("a.mp4"), seconds=0.5)
    content = Path(daemon.path("a.mp4")).read_bytes()
    await store.wait_for_videos(1, timeout_seconds=60)
    await wait_until(lambda: "AFTER_UPLOAD=move" in daemon.log, timeout_seconds=30)
    assert os.listdir(daemon.watch_dir) == ["a.mp4"]
    archive.unlink()
    await wait_until((archive / "a.mp4").exists, timeout_seconds=60)
    assert (archive / "a.mp4").read_bytes() == content
    await wait_until(lambda: os.listdir(daemon.watch_dir) == [])
