"""Links, hard and symbolic: which are recordings, and that none leads out of the tree."""

import asyncio
import os
from pathlib import Path

import pytest

from cefmp4.watcher import UNANNOUNCED_SECONDS
from strange.scene import Scene


def make_links(folder: Path, outside: Path, mp4: bytes) -> None:
    """Every kind of link, beside one recording, `a.mp4`, and one file nobody asks for."""
    outside.mkdir()
    (outside / "secret.mp4").write_bytes(mp4 + b"secret")
    (folder / ".incoming").mkdir()
    (folder / ".incoming" / "take").write_bytes(mp4 + b"taken")
    (folder / "cam").mkdir()
    (folder / "a.mp4").write_bytes(mp4)
    links = {
        "to a hidden file.mp4": ".incoming/take",
        "to a recording.mp4": "a.mp4",
        "cam/up and back.mp4": "../a.mp4",
        "outside.mp4": str(outside / "secret.mp4"),
        "outside up.mp4": f"../{outside.name}/secret.mp4",
        "twice outside.mp4": "outside link",
        "outside link": str(outside / "secret.mp4"),
        "folder.mp4": "cam",
        "outside folder": str(outside),
        "cam/loop": "..",
        "itself.mp4": "itself.mp4",
        "dangling.mp4": "nowhere",
        "device.mp4": "/dev/zero",
        "below a file.mp4": "a.mp4/x",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)


@pytest.mark.parametrize("follow", [False, True])
async def test_links_are_followed_only_when_asked_and_never_out(
    scene: Scene, tmp_path: Path, follow: bool
) -> None:
    """Nothing is stored twice, nothing goes round in circles; with FOLLOW_SYMLINKS a link to
    a file of the tree that is no recording under its own name is one, and is left alone.

    Seen failing with links looked at by `stat`, and without asking where their target is.
    """
    make_links(scene.folder, tmp_path / "outside", scene.mp4)
    scene.daemon.environment |= {"FOLLOW_SYMLINKS": str(follow), "AFTER_UPLOAD": "delete"}
    link = ("to a hidden file.mp4", scene.mp4 + b"taken")
    expected = [("a.mp4", scene.mp4), *([link] if follow else [])]
    assert await scene.finish() == 0
    await scene.until_stored(*expected)
    assert len(scene.streams()) == len(expected)
    assert not (scene.folder / "a.mp4").exists()
    assert (scene.folder / "to a hidden file.mp4").read_bytes() == scene.mp4 + b"taken"
    assert await scene.finish() == 0
    assert len(scene.streams()) == len(expected), "something was done twice"


async def test_a_followed_link_that_gets_another_target_is_another_recording(
    scene: Scene,
) -> None:
    """As when a file is replaced; a target that comes only later is taken then, too, and is
    no reason to think that notifications fail.

    Seen failing with a late target taken for a lost notification.
    """
    scene.daemon.environment["FOLLOW_SYMLINKS"] = "true"
    (scene.folder / ".takes").mkdir()
    link = scene.folder / "now.mp4"
    link.symlink_to(".takes/1")
    await scene.live()
    (scene.folder / ".takes" / "1").write_bytes(scene.mp4)
    await scene.until_stored(("now.mp4", scene.mp4))
    await asyncio.sleep(UNANNOUNCED_SECONDS + 1)  # then it would have been concluded
    (scene.folder / ".takes" / "2").write_bytes(scene.mp4 + b"2")
    (scene.folder / "new").symlink_to(".takes/2")
    os.replace(scene.folder / "new", link)
    await scene.until_stored(("now.mp4", scene.mp4), ("now.mp4", scene.mp4 + b"2"))
    assert "notifications fail" not in scene.daemon.log


async def test_a_folder_swapped_for_a_link_leads_nowhere(scene: Scene, tmp_path: Path) -> None:
    """In the middle of a recording, to a folder outside with a file of the same name: that
    one is not uploaded, and the recording is gone like any other.

    Seen failing with only the last name of a path held against links.
    """
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.mp4").write_bytes(scene.mp4 + b"secret")
    (scene.folder / "cam").mkdir()
    await scene.live()
    with open(scene.folder / "cam" / "a.mp4", "wb") as recorder:
        recorder.write(scene.mp4[:1000])
        recorder.flush()
        await scene.told("begun ")
        os.rename(scene.folder / "cam", tmp_path / "aside")
        (scene.folder / "cam").symlink_to(tmp_path / "outside")
        await scene.told("stream abandoned")
    (scene.folder / "b.mp4").write_bytes(scene.mp4)
    await scene.until_stored(("b.mp4", scene.mp4))
    assert scene.ends() == [("deleted_locally", "deleted_locally")]


async def test_each_hard_link_is_a_recording(scene: Scene, tmp_path: Path) -> None:
    """Two names of one file, and one of a file outside: each is stored under its own name,
    and nothing again when a link more changes the file's change time.

    Seen failing with a second name of a stored file taken for its rename.
    """
    (scene.folder / "a.mp4").write_bytes(scene.mp4)
    os.link(scene.folder / "a.mp4", scene.folder / "b.mp4")
    (tmp_path / "outside").write_bytes(scene.mp4 + b"outside")
    os.link(tmp_path / "outside", scene.folder / "c.mp4")
    expected = [("a.mp4", scene.mp4), ("b.mp4", scene.mp4), ("c.mp4", scene.mp4 + b"outside")]
    assert await scene.finish() == 0
    await scene.until_stored(*expected)
    os.link(scene.folder / "a.mp4", tmp_path / "backup")
    os.link(scene.folder / "c.mp4", scene.folder / "d.mp4")
    assert await scene.finish() == 0
    await scene.until_stored(*expected, ("d.mp4", scene.mp4 + b"outside"))
