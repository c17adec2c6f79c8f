"""Recordings that are cut, replaced, deleted and moved about in the middle of their upload."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from story.daemon import PART_BYTES
from strange.scene import Scene


@asynccontextmanager
async def in_the_middle(scene: Scene, name: str = "a.mp4") -> AsyncIterator[Path]:
    """A recording of which two parts are in the store, still held open by its recorder."""
    await scene.live()
    path = scene.folder / name
    with open(path, "wb") as recorder:
        recorder.write(scene.sized(2 * PART_BYTES + 1000))
        recorder.flush()
        await scene.told("part sent", 2)
        yield path


@pytest.mark.parametrize("left", [0, 1000])
async def test_truncated(scene: Scene, left: int) -> None:
    """What was sent of it is dropped, and what is written instead is a stream of its own.

    Seen failing without holding the size against what was sent.
    """
    async with in_the_middle(scene) as path:
        os.truncate(path, left)
        await scene.told("stream abandoned")
        path.write_bytes(scene.mp4)
    await scene.until_stored(("a.mp4", scene.mp4))
    assert scene.ends() == [("failed", "truncated")]


@pytest.mark.parametrize("how", ["moved over", "deleted and made again"])
async def test_replaced(scene: Scene, tmp_path: Path, how: str) -> None:
    """Another file under the name is another stream, and no byte of the two is mixed, also
    where the file system gives it the same inode.

    Seen failing with parts named by path alone, whatever file is there.
    """
    new = scene.sized(3 * PART_BYTES)[::-1]
    (tmp_path / "new").write_bytes(new)
    async with in_the_middle(scene) as path:
        if how == "moved over":
            os.replace(tmp_path / "new", path)
        else:
            os.unlink(path)
            path.write_bytes(new)
    await scene.until_stored(("a.mp4", new))
    if how == "moved over":
        assert scene.ends() == [("failed", "replaced")]


async def test_moved_out_and_in_again_under_another_name(scene: Scene, tmp_path: Path) -> None:
    """Within the grace it is the same recording, and nothing is sent twice.

    Seen failing without the grace for a file that is missing.
    """
    scene.daemon.environment["MISSING_GRACE_SECONDS"] = "30"
    async with in_the_middle(scene) as path:
        os.rename(path, tmp_path / "out")
        await scene.told("the recording is gone")
        (scene.folder / "cam").mkdir()
        os.rename(tmp_path / "out", scene.folder / "cam" / "b.mp4")
        await scene.told("renamed")
    content = scene.sized(2 * PART_BYTES + 1000)
    await scene.until_stored(("a.mp4", content))
    (stream,) = scene.streams()
    assert stream["original_file_path"] == str(scene.folder / "cam" / "b.mp4")
    assert (stream["parts"], scene.daemon.log.count("part sent")) == (3, 3)


async def test_moved_out_for_good(scene: Scene, tmp_path: Path) -> None:
    """Its upload is aborted after the grace, and the file outside is left alone.

    Seen failing with a stream that ends and leaves its upload.
    """
    async with in_the_middle(scene) as path:
        os.rename(path, tmp_path / "out")
        await scene.told("stream abandoned")
    await scene.until_stored()
    assert scene.ends() == [("deleted_locally", "deleted_locally")]
    assert (tmp_path / "out").stat().st_size == 2 * PART_BYTES + 1000


async def test_linked_and_the_old_name_removed(scene: Scene) -> None:
    """How some tools rename: the new name is a recording, and it is stored whole.

    Seen failing with an inode that is known taken for a rename.
    """
    async with in_the_middle(scene) as path:
        os.link(path, scene.folder / "b.mp4")
        await scene.told("begun ", 2)
        os.unlink(path)
    await scene.until_stored(("b.mp4", scene.sized(2 * PART_BYTES + 1000)))
