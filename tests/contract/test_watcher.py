"""The watcher with real notifications: what it says of a directory, and what it does not."""

import os
from pathlib import Path

import pytest

from cefmp4.events import Scan
from watching import CREATE, DELETE, WRITE, inotify, watching


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "rec"
    made.mkdir()
    return made


async def test_first_a_whole_scan(root: Path) -> None:
    """The first thing said is one scan of all that stands, empty files too."""
    paths = [root / "a.mp4", root / "sub" / "b.MP4"]
    paths[1].parent.mkdir()
    paths[0].write_bytes(b"abc")
    paths[1].touch()
    async with watching(root, inotify(root)) as told:
        (first,) = told.all
        assert isinstance(first, Scan)
        assert not first.away
        assert told.found == set(paths)
        assert first.found[str(paths[0])].size_bytes == 3


async def test_create_write_close_delete(root: Path) -> None:
    """Creation, the close after writing, and deletion are each told."""
    path = root / "a.mp4"
    async with watching(root, inotify(root)) as told:
        with path.open("wb") as recorder:
            await told.until(CREATE, path)
            assert told.count(WRITE, path) == 0
            recorder.write(b"x")
        await told.until(WRITE, path, closed=True)
        path.unlink()
        await told.until(DELETE, path)


async def test_moves(root: Path, tmp_path: Path) -> None:
    """Moved in is created, moved out is deleted, and .part to .mp4 is created."""
    outside, inside, part = tmp_path / "o.mp4", root / "i.mp4", root / "p.mp4.part"
    outside.write_bytes(b"x")
    part.write_bytes(b"x")
    async with watching(root, inotify(root)) as told:
        outside.rename(inside)
        await told.until(CREATE, inside)
        inside.rename(outside)
        await told.until(DELETE, inside)
        part.rename(root / "p.mp4")
        await told.until(CREATE, root / "p.mp4")
        assert part not in told.named


async def test_directories_that_appear_later(root: Path) -> None:
    """A file made right after its nested directory is told, and so is one made later."""
    folders = [root / f"day{day}" / "cam" / "1" for day in range(20)]
    async with watching(root, inotify(root)) as told:
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "a.mp4").write_bytes(b"x")
        for folder in folders:
            await told.until(CREATE, folder / "a.mp4")
        (folders[3] / "late.mp4").touch()
        await told.until(CREATE, folders[3] / "late.mp4")


async def test_a_directory_that_is_moved(root: Path, tmp_path: Path) -> None:
    """A directory moved about is told under its new name; moved out, it is told no more."""
    (root / "old" / "sub").mkdir(parents=True)
    (root / "old" / "sub" / "a.mp4").touch()
    async with watching(root, inotify(root)) as told:
        (root / "old").rename(root / "new")
        await told.until(CREATE, root / "new" / "sub" / "a.mp4")
        (root / "new" / "sub" / "b.mp4").touch()
        await told.until(CREATE, root / "new" / "sub" / "b.mp4")
        (root / "new").rename(tmp_path / "out")
        (root / "mark1.mp4").touch()
        await told.until(CREATE, root / "mark1.mp4")
        before = told.named
        (tmp_path / "out" / "sub" / "c.mp4").touch()
        (root / "mark2.mp4").touch()
        await told.until(CREATE, root / "mark2.mp4")
        assert told.named - before == {root / "mark2.mp4"}


async def test_a_directory_deleted_and_made_again(root: Path) -> None:
    """A directory that is made anew under its old name is watched anew."""
    folder = root / "cam"
    folder.mkdir()
    async with watching(root, inotify(root)) as told:
        for path in (folder / f"{number}.mp4" for number in range(5)):
            folder.rmdir()
            folder.mkdir()
            path.touch()
            await told.until(CREATE, path)
            path.unlink()


def make_what_is_no_recording(root: Path, target: Path, suffix: str) -> None:
    """Everything that looks a little like a recording, or lies where none is wanted."""
    target.mkdir(exist_ok=True)
    (target / "linked.mp4").touch()
    (root / "archive").mkdir(exist_ok=True)
    (root / "archive" / f"old{suffix}.mp4").touch()
    (root / f".hidden{suffix}.mp4").touch()
    (root / f"notes{suffix}.txt").touch()
    (root / f".dot{suffix}").mkdir()
    (root / f".dot{suffix}" / "in.mp4").touch()
    (root / f"dir{suffix}.mp4").mkdir()
    (root / f"folder{suffix}").symlink_to(target)
    os.mkfifo(root / f"fifo{suffix}.mp4")
    link = root / f"link{suffix}.mp4"
    link.symlink_to(target / "linked.mp4")
    link.unlink()
    link.symlink_to(target / "linked.mp4")


async def test_only_recordings_are_told(root: Path, tmp_path: Path) -> None:
    """Dot-files, other names, excluded folders, links, FIFOs and directories are not told."""
    make_what_is_no_recording(root, tmp_path / "elsewhere", "1")
    async with watching(root, inotify(root), excluded=(str(root / "archive"),)) as told:
        assert told.found == set()
        make_what_is_no_recording(root, tmp_path / "elsewhere", "2")
        (root / "LAST.Mp4").touch()
        await told.until(CREATE, root / "LAST.Mp4")
        await told.scan()
        assert told.named == told.found == {root / "LAST.Mp4"}


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe.mp4", b"two\nlines.mp4", "früh \u2028.mp4".encode()]
)
async def test_names_of_any_bytes(root: Path, raw: bytes) -> None:
    """A name that is no text, or holds a newline, comes through byte for byte."""
    folder = root / os.fsdecode(b"sub\xff")
    folder.mkdir()
    async with watching(root, inotify(root)) as told:
        (folder / os.fsdecode(raw)).touch()
        await told.until(WRITE, folder / os.fsdecode(raw), closed=True)
        await told.scan()
        found = {os.fsencode(path) for path in told.scans[-1].found}
        assert found == {os.fsencode(event.path) for event in told.events}
        assert found == {os.fsencode(folder) + b"/" + raw}
