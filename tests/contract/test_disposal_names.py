"""AFTER_UPLOAD and names: the longest there are, and paths that lead elsewhere."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.core.model import AfterUpload
from cefmp4.selection import Selection

LONGEST = "ä" * 125 + "x.mp4"


@dataclass
class Place:
    """A watched directory, and an archive on another filesystem where there is one."""

    watched: Path
    archive: Path

    async def dispose(self, name: str, what: AfterUpload, stream_id: str) -> str | None:
        path = str(self.watched / name)
        disk = LocalDisk()
        version = disk.stat(path)
        disk.close()
        assert version is not None
        watched = Selection(str(self.watched), ("*.mp4",))
        disposal = LocalDisposal(what, watched, str(self.archive), lambda _: False)
        return await disposal.dispose(path, version, stream_id)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "watched").mkdir()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with TemporaryDirectory(dir=memory) as archive:
        yield Place(tmp_path / "watched", Path(archive))


async def test_the_longest_name_finds_its_way_into_the_archive(place: Place) -> None:
    """Also twice: a name of 255 bytes has no room for more.

    Seen failing with a name for the copy, and one beside a taken name, that only add to it.
    """
    for number in ("1", "2"):
        (place.watched / LONGEST).write_text(number)
        assert await place.dispose(LONGEST, AfterUpload.MOVE, "7aa6bbe2-" + number)
    assert os.listdir(place.watched) == []
    assert (place.archive / LONGEST).read_text() == "1"
    (other,) = set(os.listdir(place.archive)) - {LONGEST}
    assert (place.archive / other).read_text() == "2"


async def test_what_lies_behind_a_link_is_left_alone(place: Place, tmp_path: Path) -> None:
    """Though it is the very file that was stored, moved out with its directory.

    Seen failing without asking where the path leads.
    """
    (place.watched / "cam").mkdir()
    (place.watched / "cam" / "a.mp4").write_text("1")
    os.rename(place.watched / "cam", tmp_path / "out")
    os.symlink(tmp_path / "out", place.watched / "cam")
    disk = LocalDisk()
    version = disk.stat(str(tmp_path / "out" / "a.mp4"))
    disk.close()
    assert version is not None
    watched = Selection(str(place.watched), ("*.mp4",))
    disposal = LocalDisposal(AfterUpload.DELETE, watched, None, lambda _: False)
    path = str(place.watched / "cam" / "a.mp4")
    assert await disposal.dispose(path, version, "id") is None
    assert (tmp_path / "out" / "a.mp4").read_text() == "1"
