"""All hostile files at once in the directory of a real daemon, beside an honest recording."""

import asyncio
import os
import select
import shutil
import socket
from collections.abc import Iterator, Set
from pathlib import Path

import jsonschema
import pytest

from cefmp4.metadata import metadata_schema
from contract import media
from hostile.files import LYING, POINTING, Elsewhere
from story.bucket import Bucket
from story.daemon import Daemon, recorder
from waiting import wait_until

pytest_plugins = ["story.conftest"]

BEGINS_LIKE_NO_MP4 = {
    name for name in POINTING if name.startswith(("hls", "ff", "sdp", "dash,"))
}
RESIDENT_BYTES = 400 * 1024**2


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def write_hostile_files(daemon: Daemon, folder: Path, listener: socket.socket) -> Set[str]:
    """All of them, moved in at once; their names."""
    secret = folder / "secret.m4v"
    secret.write_bytes(media.recorded(media.FRAGMENTED))
    to = Elsewhere(listener.getsockname()[1], str(secret))
    made = {name: points(to) for name, points in POINTING.items()}
    made |= {name: lies() for name, lies in LYING.items()}
    for name, content in made.items():
        Path(daemon.path(f"{name}.mp4")).write_bytes(content)
    return made.keys()


def name_of(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".mp4")


def most_resident_bytes(daemon: Daemon) -> int:
    assert daemon.process is not None
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as lines:
        (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def test_hostile_files_are_stored_as_they_are_and_hurt_nobody(
    daemon: Daemon, store: Bucket, listener: socket.socket, tmp_path: Path
) -> None:
    """Byte for byte, each with its JSON; nobody is called, and memory stays bounded.

    Seen failing without `-f mov` and with `-protocol_whitelist file,http,tcp,udp,rtp`.
    """
    daemon.environment["STREAM_TIMEOUT_SECONDS"] = "1"
    daemon.start()
    names = write_hostile_files(daemon, tmp_path, listener)
    with recorder(daemon.path("honest.mp4"), seconds=3.0) as process:
        await asyncio.to_thread(process.wait, 60)
    keys = await store.wait_for_videos(len(names) + 1, timeout_seconds=100)
    assert {name_of(key) for key in keys} == names | {"honest"}
    for key in keys:
        content = Path(daemon.path(f"{name_of(key)}.mp4")).read_bytes()
        assert await store.content(key) == content, key
        document = await store.metadata(key)
        jsonschema.validate(document, metadata_schema())
        assert document["container"]["playable"] is True or name_of(key) != "honest"
    assert not select.select([listener], [], [], 0)[0]
    assert most_resident_bytes(daemon) < RESIDENT_BYTES
    assert daemon.terminate() == 0


async def test_what_is_no_mp4_is_refused_where_that_is_asked_for(
    daemon: Daemon, store: Bucket, listener: socket.socket, tmp_path: Path
) -> None:
    """REJECT_NON_MP4: by its first bytes; what only looks like one is stored as it is.

    Seen failing with an incomplete MP4 taken for none.
    """
    daemon.environment |= {"STREAM_TIMEOUT_SECONDS": "1", "REJECT_NON_MP4": "true"}
    names = write_hostile_files(daemon, tmp_path, listener)
    daemon.start("--once")
    keys = await store.wait_for_videos(len(names - BEGINS_LIKE_NO_MP4), timeout_seconds=100)
    assert await asyncio.to_thread(daemon.wait, 60) == 1
    assert {name_of(key) for key in keys} == names - BEGINS_LIKE_NO_MP4
    assert daemon.log.count("why=not_mp4") == len(BEGINS_LIKE_NO_MP4)
    assert not select.select([listener], [], [], 0)[0]


async def test_a_recording_is_stored_while_all_probes_hang(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """More files than there are turns make the prober hang: what is recorded does not wait.

    Seen failing with a turn held while a recording is described, which the product did.
    """
    ffprobe, hanging = tmp_path / "ffprobe", tmp_path / "hang"
    hanging.touch()
    ffprobe.write_text(f"#!/bin/sh\nwhile [ -e '{hanging}' ]; do sleep 0.2; done\nexit 1\n")
    ffprobe.chmod(0o755)
    daemon.environment |= {"FFPROBE_PATH": str(ffprobe), "PROBE_TIMEOUT_SECONDS": "600"}
    daemon.start()
    for number in range(12):
        path = Path(daemon.path(f"{number}.mp4"))
        path.write_bytes(media.recorded(media.ORDINARY))
    await wait_until(lambda: daemon.log.count("] stored ") == 12, timeout_seconds=60)
    shutil.copyfile(daemon.path("0.mp4"), daemon.path("honest.mp4"))
    await wait_until(lambda: daemon.log.count("] stored ") == 13, timeout_seconds=60)
    os.unlink(hanging)
    await store.wait_for_videos(13, timeout_seconds=60)
