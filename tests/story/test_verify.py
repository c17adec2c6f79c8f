"""`verify`, as a person at a terminal has it, with a real daemon, store and archive."""

import json
import os
from pathlib import Path

from story.bucket import Bucket
from story.daemon import Daemon
from story.test_recordings import make_mp4
from waiting import wait_until


async def test_objects_are_held_against_their_recordings(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """Archived, changed behind our back, or gone; by id and by key, while the daemon runs."""
    daemon.environment |= {"AFTER_UPLOAD": "move", "ARCHIVE_DIR": str(tmp_path / "archive")}
    for name in ("a.mp4", "b.mp4"):
        make_mp4(daemon.path(name), seconds=0.8)
    assert daemon.command("verify", "--all").stdout == "Nothing is stored yet.\n"
    daemon.start()
    keys = await store.wait_for_videos(2, timeout_seconds=60)
    await wait_until(lambda: os.listdir(daemon.watch_dir) == [], timeout_seconds=60)
    sound = daemon.command("verify", "--all")
    assert sound.returncode == 0, sound.stderr
    assert sound.stdout.count("identical   ") == sound.stdout.count("as its archived copy") == 2
    size = len(await store.content(keys[0]))
    await store.client.put_object(Bucket=store.name, Key=keys[0], Body=os.urandom(size))
    await store.client.delete_object(Bucket=store.name, Key=keys[1])
    told = daemon.command(
        "verify", keys[0], keys[1].split("/")[1][:13], "no/such/key", "--json"
    )
    assert told.returncode == 1
    findings = {row["key"]: row["verdict"] for row in json.loads(told.stdout)}
    assert findings == {keys[0]: "different", keys[1]: "missing", "no/such/key": "missing"}


async def test_an_object_whose_stream_is_forgotten_is_held_against_its_metadata(
    daemon: Daemon, store: Bucket
) -> None:
    """It needs nothing of the state but that it answers."""
    make_mp4(daemon.path("a.mp4"), seconds=0.8)
    daemon.start("--once")
    assert daemon.wait(60) == 0
    (key,) = await store.videos()
    daemon.environment["INSTANCE_ID"] = "another"
    found = daemon.command("verify", key)
    assert (found.returncode, "as its metadata JSON" in found.stdout) == (0, True)
    assert daemon.command("verify").returncode == 1
