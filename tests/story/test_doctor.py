"""`doctor`, as a person at a terminal has it: before the first start, and beside a daemon."""

import json
import shutil
from pathlib import Path

from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until


async def test_a_daemon_is_examined_while_it_works(daemon: Daemon, store: Bucket) -> None:
    """Everything it needs is there, nothing is left behind, and it is not disturbed.

    When its directory vanishes, and none can be made in its place, it is said to be waited
    for, and commands go on. Seen failing with "the start makes it", and with commands that
    refuse a setting only a start needs.
    """
    place = Path(daemon.watch_dir) / "disk"
    daemon.environment["WATCH_DIR"] = str(place / "recordings")
    (place / "recordings").mkdir(parents=True)
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=60)
    told = daemon.command("doctor", "--json")
    assert told.returncode == 0, told.stdout
    rows = {row["what"]: row for row in json.loads(told.stdout)}
    assert not [row for row in rows.values() if row["health"] == "failed"]
    assert rows["instance"]["found"].startswith("process ")
    listing = await store.client.list_multipart_uploads(Bucket=store.name)
    assert (listing.get("Uploads", []), await store.keys()) == ([], [])
    table = daemon.command("doctor").stdout
    assert "how to mend it" in table
    assert daemon.environment["S3_SECRET_ACCESS_KEY"] not in told.stdout + table
    shutil.rmtree(place)
    place.touch()
    told, listed = daemon.command("doctor", "--json"), daemon.command("streams")
    assert (told.returncode, listed.returncode) == (1, 0), listed.stderr
    failed = {r["what"]: r for r in json.loads(told.stdout) if r["health"] == "failed"}
    assert failed.keys() == {"settings", "watched directory"}
    assert "cannot be created" in failed["settings"]["found"]
    assert "is gone, and process " in failed["watched directory"]["found"]
    assert "put back" in failed["watched directory"]["mend"]
    assert daemon.process is not None
    assert daemon.process.poll() is None


async def test_what_is_wrong_is_told_with_its_remedy_and_without_secrets(
    daemon: Daemon,
) -> None:
    """Wrong settings one line each; then a store and a state server that are away."""
    sound = dict(daemon.environment)
    daemon.environment |= {"PROM_PORT": "http", "LOG_LEVEL": "LOUD"}
    told = daemon.command("doctor", "--json")
    assert told.returncode == 1
    rows = json.loads(told.stdout)
    assert [row["what"] for row in rows if row["health"] == "failed"] == ["settings"] * 2
    assert "store" in {row["what"] for row in rows if row["health"] == "not asked"}
    misspelt = Path(daemon.log_path).parent / ".env"
    misspelt.write_text("LOG_LEVLE=INFO\n")
    told, ran = daemon.command("doctor"), daemon.command("run")
    assert "is LOG_LEVEL meant?" in told.stdout, "next to what is wrong"
    assert ("is LOG_LEVEL meant?" in ran.stderr, ran.returncode) == (True, 2)
    misspelt.unlink()
    daemon.environment = sound | {
        "S3_ENDPOINT_URL": "http://127.0.0.1:1",
        "REDIS_URL": "redis://me:hush-hush@127.0.0.1:1/0",
    }
    told = daemon.command("doctor", "--json")
    assert (told.returncode, told.stderr) == (1, "")
    failed = [row for row in json.loads(told.stdout) if row["health"] == "failed"]
    assert [row["what"] for row in failed] == ["state server", "store"]
    assert all(row["mend"] for row in failed)
    for secret in ("hush-hush", sound["S3_SECRET_ACCESS_KEY"]):
        assert secret not in told.stdout
    assert "127.0.0.1:1" in told.stdout
    unused = daemon.command("doctor", "--embedded")
    assert (unused.returncode, "cefmp4 run --embedded" in unused.stdout) == (1, True)
