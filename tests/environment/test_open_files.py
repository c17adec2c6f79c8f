"""The limit of open files: kept with any number of recordings, and waited out when reached."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.disk import LocalDisk, is_network_filesystem
from cefmp4.errors import CefMP4Error
from contract.peers import store_at
from environment.footage import whole_mp4
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

pytestmark = pytest.mark.timeout(180)
SECONDS = 90.0
RECORDINGS = 400
HINT = "raise the limit of open files"


def allow(daemon: Daemon, open_files: int) -> None:
    """From now on it may have no file open with a number from this one on."""
    assert daemon.process
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (open_files, most))


async def told(daemon: Daemon, what: str, times: int = 1) -> None:
    await wait_until(lambda: daemon.log.count(what) >= times, timeout_seconds=SECONDS)


async def test_many_recordings_within_few_open_files(daemon: Daemon) -> None:
    """A start that finds hundreds of unfinished recordings looks into them one by one.

    Seen failing when each was opened before the first of them was read.
    """
    daemon.environment |= {"STREAM_TIMEOUT_SECONDS": "300"}
    for number in range(RECORDINGS):
        Path(daemon.path(f"{number}.mp4")).write_bytes(whole_mp4(b"begun")[:30])
    daemon.start()
    await told(daemon, "begun ", RECORDINGS)
    daemon.kill()
    seen = daemon.log.count("silent, but unfinished")
    daemon.start()
    allow(daemon, 96)
    await told(daemon, "silent, but unfinished", seen + RECORDINGS)
    assert "Too many open files" not in daemon.log


async def test_no_file_can_be_opened_for_a_while(daemon: Daemon, store: Bucket) -> None:
    """It waits and says so; nothing is parked or called deleted, and then all is stored.

    Seen failing with a file that cannot be opened taken for one that is gone for good.
    """
    daemon.environment |= {"MISSING_GRACE_SECONDS": "1", "WRITE_METADATA": "false"}
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
    contents = {f"{number}.mp4": whole_mp4(os.urandom(1000)) for number in range(40)}

    def record(name: str) -> None:
        Path(daemon.path(name)).write_bytes(contents[name])

    async def all_stored(of: int = len(contents)) -> bool:
        return len(await store.videos()) == of

    record("0.mp4")
    await wait_until(lambda: all_stored(1), timeout_seconds=SECONDS)  # it watches by now
    allow(daemon, 3)
    for name in list(contents)[1:]:
        record(name)
    await told(daemon, HINT, 4)
    await asyncio.sleep(3.0)  # longer than the grace time
    allow(daemon, 1024)
    await wait_until(all_stored, timeout_seconds=SECONDS, every_seconds=0.2)
    for key in await store.videos():
        assert await store.content(key) == contents[os.path.basename(key)]
    assert "parked" not in daemon.log
    assert "abandoned" not in daemon.log
    assert "active_streams_gauge" in daemon.metrics()
    assert daemon.terminate() == 0


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open nothing for a while."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_disk_store_and_state_server_all_name_the_limit(
    tmp_path: Path, redis_url: str
) -> None:
    """Whatever could not be opened or connected, the hint is to raise the limit.

    Seen failing for the store and the state server: check that they run, it said.
    """
    path, disk = str(tmp_path / "a.mp4"), LocalDisk(threads=1)
    Path(path).write_bytes(b"1")
    hints = set()
    async with store_at("http://127.0.0.1:9") as store, open_checkpoints(redis_url, "x") as db:
        with no_more_files():
            for call in (disk.inspect(path), store.head("key"), db.load_unfinished()):
                with pytest.raises(CefMP4Error) as caught:
                    await call
                assert caught.value.transient
                hints.add(caught.value.hint)
    disk.close()
    assert hints == {f"{HINT} (LimitNOFILE, ulimit -n)"}


def test_whether_a_mount_is_shared_is_not_guessed_without_files(tmp_path: Path) -> None:
    """That the mounts cannot be read just now says nothing of who writes there.

    Seen failing with a network filesystem assumed: a paused recorder then counts as unknown.
    """
    with no_more_files(), pytest.raises(OSError, match="Too many open files"):
        is_network_filesystem(str(tmp_path))
