"""Bytes that change while size and modification time say that nothing did.

`touch -r`, `cp -p` and tools that restore times set the modification time back. The change
time nobody can set: it gives them away.
"""

import os
from pathlib import Path

import pytest

from story.daemon import PART_BYTES
from strange.scene import Scene


def rewrite(path: Path, at: int) -> bytes:
    """Other bytes at this offset, and the old size and time; the content after that."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"REWRITTEN")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(path)
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    return path.read_bytes()


async def test_rewritten_while_it_grows(scene: Scene) -> None:
    """The part that holds the bytes is sent again once the recording has ended.

    Seen failing with stored parts taken as compared.
    """
    path = scene.folder / "a.mp4"
    await scene.live()
    with open(path, "wb") as recorder:
        recorder.write(scene.sized(2 * PART_BYTES))
        recorder.flush()
        await scene.told("part sent", 2)
        content = rewrite(path, PART_BYTES + 100)
    await scene.until_stored(("a.mp4", content))
    assert [stream["parts_resent"] for stream in scene.streams()] == [1]


async def test_rewritten_while_it_is_sealed(scene: Scene) -> None:
    """All was compared, and it only waits to settle: it is opened again, and compared anew.

    Seen failing with versions told apart by size and modification time alone.
    """
    scene.daemon.environment["CLOSE_SETTLE_SECONDS"] = "6"
    path = scene.folder / "a.mp4"
    await scene.live()
    path.write_bytes(scene.sized(2 * PART_BYTES))
    await scene.told("all parts agree: settling")
    content = rewrite(path, 100 + len(scene.mp4))
    await scene.told("unsealed")
    await scene.until_stored(("a.mp4", content))


@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
async def test_rewritten_after_it_was_stored(scene: Scene, running: bool) -> None:
    """It is a new generation: a new object, and the old one stays; also when it happened
    while no daemon was there.

    Seen failing with stored recordings known by size and modification time alone.
    """
    path = scene.folder / "a.mp4"
    path.write_bytes(old := scene.sized(PART_BYTES + 1000))
    assert await scene.finish() == 0
    if running:
        await scene.live()
    new = rewrite(path, 100 + len(scene.mp4))
    if not running:
        await scene.live()
    await scene.until_stored(("a.mp4", old), ("a.mp4", new))


async def test_only_touched_after_it_was_stored(scene: Scene) -> None:
    """Another mode, owner or name changes no byte: it is read once for each such change,
    and not stored again.

    Seen failing with every new change time taken for a new generation.
    """
    path = scene.folder / "a.mp4"
    path.write_bytes(scene.mp4)
    assert await scene.finish() == 0
    os.chmod(path, 0o600)
    assert await scene.finish() == 0
    assert scene.daemon.log.count("touched since it was stored") == 1
    os.rename(path, scene.folder / "b.mp4")
    for _ in range(2):
        assert await scene.finish() == 0
    await scene.until_stored(("a.mp4", scene.mp4))
    assert scene.daemon.log.count("touched since it was stored") == 2, "not once for its name"
