"""The disk of the store, or of the state server, is full: waited out, and nothing is lost."""

import asyncio
import configparser
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cefmp4.adapters.embedded import valkey
from environment.footage import MIB, Footage, whole_mp4
from environment.mounts import Mounts, mounting
from servers import S3Server, s3_client
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until

pytestmark = pytest.mark.timeout(240)
SECONDS = 120.0


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    with mounting(str(tmp_path)) as mounts:
        yield mounts


async def told(daemon: Daemon, what: str, times: int = 1) -> None:
    await wait_until(lambda: daemon.log.count(what) >= times, timeout_seconds=SECONDS)


@asynccontextmanager
async def embedded_store(daemon: Daemon, data_dir: str) -> AsyncIterator[Bucket]:
    """The store that runs inside the daemon, as its log and its credentials file tell."""
    profiles = configparser.ConfigParser(interpolation=None)
    profiles.read(os.path.join(data_dir, "credentials"), encoding="ascii")
    keys = profiles["default"]
    (url,) = re.findall(r"store  (http://\S+)", daemon.log)
    server = S3Server(url, keys["aws_access_key_id"], keys["aws_secret_access_key"])
    async with s3_client(server) as client:
        yield Bucket(client, "recordings")


async def test_the_embedded_store_is_full(daemon: Daemon, mounts: Mounts) -> None:
    """It says so and waits; with room made, every recording is stored byte for byte.

    Seen failing, all but the first parked, with a refusal of the store taken as final.
    """
    disk = mounts.directory("disk")
    mounts.tmpfs(disk, 60 * MIB)
    data_dir = os.path.join(disk, "cefmp4")
    for name in [name for name in daemon.environment if name.startswith(("S3_", "REDIS_"))]:
        del daemon.environment[name]
    daemon.environment["EMBEDDED_DATA_DIR"] = data_dir
    daemon.start("--embedded")
    await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
    contents = {f"{number}.mp4": whole_mp4(os.urandom(18 * MIB)) for number in range(4)}
    for name, content in contents.items():
        Path(daemon.path(name)).write_bytes(content)
    await told(daemon, "is its disk full?")
    mounts.resize(disk, 512 * MIB)
    async with embedded_store(daemon, data_dir) as store:
        for key in await store.wait_for_videos(len(contents), SECONDS):
            assert await store.content(key) == contents[os.path.basename(key)]
        assert await store.uploads() == []
    assert "parked" not in daemon.log
    assert daemon.terminate() == 0


async def test_the_state_server_cannot_write(
    daemon: Daemon, store: Bucket, mounts: Mounts
) -> None:
    """Its append-only file meets a full disk for longer than a lease: nothing is given up.

    Seen failing with a claim that has lapsed taken for one that was lost.
    """
    disk = mounts.directory("disk")
    mounts.tmpfs(disk, 4 * MIB)
    filler = Path(disk) / "filler"
    with valkey(os.path.join(disk, "valkey")) as server:
        daemon.environment |= {"REDIS_URL": server.url, "CLAIM_LEASE_SECONDS": "3"}
        daemon.start()
        await wait_until(daemon.is_ready, timeout_seconds=SECONDS)
        footage = Footage()
        footage.begin(daemon.path("a.mp4"))
        await wait_until(store.parts_in_flight, timeout_seconds=SECONDS)
        fill(filler)
        footage.end(daemon.path("a.mp4"))
        await told(daemon, "the claim could not be renewed")
        await told(daemon, "the server cannot save to its disk: see its log, free some space")
        await asyncio.sleep(4.0)  # longer than the lease
        filler.unlink()
        await told(daemon, "the claim is renewed again")
        (key,) = await store.wait_for_videos(1, SECONDS)
        assert await store.content(key) == footage.content
        assert await store.uploads() == []
        assert "parked" not in daemon.log
        assert daemon.terminate() == 0


def fill(filler: Path) -> None:
    """Write until nothing more fits."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return
