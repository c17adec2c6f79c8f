"""What has the name of a recording and is none: it is passed over, and keeps nobody waiting."""

import os
import socket
from pathlib import Path

from strange.scene import Scene


def make_no_recordings(folder: Path) -> None:
    """One of each kind, named as recordings; a device only where one may be made."""
    os.mkfifo(folder / "fifo.mp4")
    (folder / "folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket.mp4"))
    if os.geteuid() == 0:
        os.mknod(folder / "device.mp4", 0o20600, os.makedev(1, 7))  # /dev/full


async def test_a_fifo_a_socket_a_device_and_a_folder_are_no_recordings(scene: Scene) -> None:
    """They hold up neither the daemon nor the recording beside them, nor the one inside.

    Seen failing with a folder of such a name not looked into.
    """
    make_no_recordings(scene.folder)
    (scene.folder / "folder.mp4" / "in it.mp4").write_bytes(scene.mp4)
    (scene.folder / "a.mp4").write_bytes(scene.mp4)
    assert await scene.finish() == 0
    await scene.until_stored(("a.mp4", scene.mp4), ("in it.mp4", scene.mp4))
    assert len(scene.streams()) == 2


async def test_no_recording_is_made_of_what_appears_under_its_name(scene: Scene) -> None:
    """Made while the daemon watches, and put in the place of a recording that was growing.

    Seen failing with whatever stands there taken for a file.
    """
    await scene.live()
    (scene.folder / "later").mkdir()
    make_no_recordings(scene.folder / "later")
    growing = scene.folder / "a.mp4"
    with open(growing, "wb") as recorder:
        recorder.write(b"grow")
        recorder.flush()
        await scene.told("begun ")
        os.mkfifo(scene.folder / "fifo")
        os.rename(scene.folder / "fifo", growing)
        await scene.told("stream abandoned")
    (scene.folder / "b.mp4").write_bytes(scene.mp4)
    await scene.until_stored(("b.mp4", scene.mp4))
    assert scene.ends() == [("deleted_locally", "deleted_locally")]
