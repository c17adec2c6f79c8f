"""The kernel gives no more inotify watches, or none at all: the daemon polls, and says so.

The limits are those of a user namespace of the daemon's own, so nobody else meets them.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from environment.footage import whole_mp4
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

pytestmark = pytest.mark.timeout(120)
SECONDS = 60.0
LIMITS = "/proc/sys/user"
SAYS_SO = "looking again and again, as notifications fail"


def namespaced(*command: str) -> list[str]:
    unshare = shutil.which("unshare") or pytest.skip("there is no unshare here")
    return [unshare, "--user", "--map-root-user", "sh", "-c", *command]


@pytest.mark.parametrize(
    ("limit", "allowed", "hint"),
    [
        ("max_inotify_watches", 2, "fs.inotify.max_user_watches"),
        ("max_inotify_instances", 0, "fs.inotify.max_user_instances"),
    ],
)
async def test_inotify_is_exhausted(
    limit: str, allowed: int, hint: str, daemon: Daemon, store: Bucket
) -> None:
    """What appears in any directory is found all the same, once it said what to raise.

    Seen failing, the daemon ended, with the limit not translated into WatchLimit.
    """
    lower = f"echo {allowed} > {LIMITS}/{limit}"
    tried = subprocess.run(namespaced(lower), capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no user namespace of our own here: {tried.stderr.strip()}")
    folders = [Path(daemon.path(f"camera-{number}")) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    daemon.environment["POLL_INTERVAL_SECONDS"] = "0.5"
    daemon.prefix = namespaced(f'{lower}; exec "$@"', "sh")
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
    await wait_until(lambda: SAYS_SO in daemon.log, timeout_seconds=SECONDS)
    assert hint in daemon.log
    contents = {}
    for folder in folders:
        contents[f"{folder.name}.mp4"] = whole_mp4(os.urandom(1000))
        (folder / f"{folder.name}.mp4").write_bytes(contents[f"{folder.name}.mp4"])
    for key in await store.wait_for_videos(len(folders), SECONDS):
        assert await store.content(key) == contents[os.path.basename(key)]
    assert daemon.log.count(SAYS_SO) == 1
