"""Recordings that cannot be read, until they can: waited for, told, and never given up."""

import asyncio
import json
import os
import sys
from functools import partial

import pytest
from aiohttp import ClientSession

from cefmp4.adapters.disk import LocalDisk
from cefmp4.core.geometry import Span
from cefmp4.core.model import Status
from cefmp4.errors import ChunkProcessingError
from strange.scene import Scene
from stream.faults import on, recorded
from stream.twins import PATH, Twins
from waiting import wait_until
from web_server.serving import Line

MISSING_GRACE_SECONDS = 1
DENIED = "Permission denied"
THEN = "; it is tried again until it can be read"
AS_ANYBODY = """
import ctypes, os, sys
PR_CAPBSET_DROP = 24
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root reads everything
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


async def test_a_recording_that_may_not_be_read_is_waited_for(scene: Scene) -> None:
    """For want of permission on the file or its folder: said with a hint, the others go on,
    and it is stored once it may be read. `cefmp4 plan` says the same, of both.

    Seen failing with EACCES taken for a file that is gone, by the daemon and by `plan`, and
    with a `plan` that passes over what it cannot read.
    """
    scene.daemon.prefix = (sys.executable, "-c", AS_ANYBODY)
    hidden, locked = scene.folder / "a.mp4", scene.folder / "cam" / "b.mp4"
    locked.parent.mkdir()
    for path in (hidden, locked, scene.folder / "c.mp4"):
        path.write_bytes(scene.mp4 + path.name.encode())
    os.chmod(hidden, 0)
    await scene.live()
    await scene.told("give the user of this process permission")
    await scene.until_stored(*((n, scene.mp4 + n.encode()) for n in ("b.mp4", "c.mp4")))
    with open(locked, "r+b") as recorder:
        recorder.write(scene.mp4 + b"again")
        recorder.flush()
        await scene.told("begun ", 4)
        os.chmod(locked.parent, 0)
        await scene.told("cannot be ")
        seen = await foreseen(scene)
        assert seen[str(hidden)] == seen[str(locked)] == ([], f"{DENIED} (errno 13)")
        assert seen[str(locked.parent)] == ([], DENIED)
        await asyncio.sleep(2 * MISSING_GRACE_SECONDS)  # what is only locked is not missing
        os.chmod(locked.parent, 0o700)
    os.chmod(hidden, 0o600)
    for content in (b"a.mp4", b"again"):
        await wait_until(partial(_is_stored, scene, scene.mp4 + content), timeout_seconds=60)
    assert scene.ends() == []


async def test_what_is_behind_a_closed_door_is_not_called_safe(scene: Scene) -> None:
    """Neither by the page nor by the last line; `lost+found` is the file system's own.

    Seen failing with a scan that keeps it to itself, and with a page that is told nothing.
    """
    scene.daemon.prefix = (sys.executable, "-c", AS_ANYBODY)
    locked = scene.folder / "cam"
    locked.mkdir()
    (locked / "b.mp4").write_bytes(scene.mp4)
    (scene.folder / "lost+found").mkdir(mode=0)
    os.chmod(locked, 0)
    await scene.live()
    await scene.told("cannot be read")
    async with ClientSession() as session:
        line = Line(await session.get(f"{scene.daemon.address}/api/live"))
        told = {p["what"]: p["why"] for p in (await line.next("summary"))["problems"]}
        line.answer.close()
    assert told["closed_places"] == f"cannot be read: {locked}"
    assert scene.daemon.terminate() == 0
    os.chmod(locked, 0o700)
    last = scene.daemon.log.splitlines()[-1]
    assert "; not all can be read" in last
    assert last.endswith("unreadable=1")


async def foreseen(scene: Scene) -> dict[str, tuple[list[str], str]]:
    """Of each path what `cefmp4 plan` would do, and why it cannot be read, if so."""
    asking = await asyncio.create_subprocess_exec(
        *(*scene.daemon.prefix, sys.executable, "-m", "cefmp4", "plan", "--json"),
        env=scene.daemon.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asking.communicate()
    return {
        entry["path"]: (entry["next_actions"], entry["why"].removesuffix(THEN).split(": ")[-1])
        for entry in json.loads(told)
    }


async def _is_stored(scene: Scene, content: bytes) -> bool:
    return content in [found for _, found in await scene.objects()]


@pytest.mark.parametrize("operation", ["stat", "inspect", "body", "crc64nvme"])
async def test_a_disk_that_fails_for_a_while_is_waited_for(operation: str) -> None:
    """Whatever is asked of it: the recording is stored in the end, and once.

    Seen failing with such a failure taken for a permanent one.
    """
    twins = Twins()
    stream = await recorded(twins)
    twins.disk.before = on(operation, ChunkProcessingError("input/output error"), times=7)
    ended = await twins.finish(stream)
    assert ended.status is Status.COMPLETED_WITH_META
    assert list(twins.videos.values()) == [twins.content(PATH)]


async def test_an_error_of_the_disk_says_what_to_do() -> None:
    """Reading a process's memory at 0 is an input/output error, as of a failing disk."""
    path = f"/proc/{os.getpid()}/mem"
    disk = LocalDisk()
    version = disk.stat(path)
    assert version is not None
    try:
        with pytest.raises(ChunkProcessingError, match="errno 5") as caught:
            await disk.crc64nvme(path, version.identity, Span(1, 0, 1))
    finally:
        disk.close()
    assert caught.value.transient
    assert "kernel log" in caught.value.hint
