"""AFTER_UPLOAD on real files: what is deleted or moved is the stored version and no other,
nobody has it open for writing, and a crash at any point of it costs nothing.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cefmp4.core.model import AfterUpload
from cefmp4.errors import ChunkProcessingError
from contract.disposing import CONTENT, InBetween, Place, writer_of

pytest_plugins = ["contract.disposal_fixtures"]
pytestmark = pytest.mark.usefixtures("prepared")


async def test_delete_removes_the_recording(place: Place) -> None:
    """And leaves nothing in its place."""
    assert await place.dispose() == "deleted"
    assert place.names() == set()


async def test_move_keeps_the_relative_path(place: Place) -> None:
    """Directories of the archive are made as they are needed."""
    assert await place.dispose(AfterUpload.MOVE) == f"moved to {place.archived}"
    assert place.archived.read_bytes() == CONTENT
    assert place.names() == set()


async def test_move_never_replaces_what_is_in_the_archive(place: Place) -> None:
    """A second recording of the same name stands beside the first, by its stream id."""
    place.archived.parent.mkdir(parents=True)
    place.archived.write_bytes(b"the first")
    await place.dispose(AfterUpload.MOVE)
    assert place.archived.read_bytes() == b"the first"
    assert place.archived.with_name("a-id.mp4").read_bytes() == CONTENT


async def test_move_to_another_filesystem_is_a_whole_copy(
    place: Place, another_filesystem: Path
) -> None:
    """With the file's own time, and no trace of the copying; also after a crash in it."""
    place.archive = another_filesystem
    place.archived.parent.mkdir()
    place.archived.with_name(".cefmp4-id.partial").write_bytes(CONTENT[:5])
    await place.dispose(AfterUpload.MOVE)
    assert os.listdir(place.archived.parent) == ["a.mp4"]
    assert place.archived.read_bytes() == CONTENT
    assert place.archived.stat().st_mtime_ns == place.version.mtime_ns
    assert place.names() == set()


async def test_a_new_device_number_is_no_other_file(place: Place) -> None:
    """Disks are numbered anew at every start of the machine."""
    place.version = replace(place.version, device=place.version.device + 1)
    assert await place.dispose() == "deleted"


@pytest.mark.parametrize("change", ["grown", "patched", "replaced", "gone"])
async def test_another_version_is_left_alone(place: Place, change: str) -> None:
    """What stands there now was not stored."""
    if change == "grown":
        with open(place.recording, "ab") as file:
            file.write(b"more")
    elif change == "patched":
        place.recording.write_bytes(CONTENT.upper())
        os.utime(place.recording, ns=(0, place.version.mtime_ns + 1))
    elif change == "replaced":
        new = place.recording.with_name("new.mp4")
        new.write_bytes(CONTENT)
        os.utime(new, ns=(0, place.version.mtime_ns))
        os.replace(new, place.recording)
    else:
        place.recording.unlink()
    there = place.names()
    assert await place.dispose() is None
    assert place.names() == there == (set() if change == "gone" else {"a.mp4"})


async def test_a_file_that_is_open_for_writing_is_left_alone_until_it_is_closed(
    place: Place,
) -> None:
    """What its writer writes next would go with the name."""
    with writer_of(place.recording):
        with pytest.raises(ChunkProcessingError) as caught:
            await place.dispose()
        assert place.names() == {"a.mp4"}
        assert caught.value.transient
        assert caught.value.hint
    assert await place.dispose() == "deleted"
    assert place.names() == set()


async def test_a_file_opened_in_the_last_moment_is_put_back(place: Place) -> None:
    """Its name is gone for an instant only; once it is closed it is deleted."""
    with open(place.recording, "rb") as held:
        writers: list[int] = []
        place.asked = InBetween(
            lambda: writers.append(os.open(place.recording, os.O_WRONLY | os.O_APPEND))
        )
        with pytest.raises(ChunkProcessingError):
            await place.dispose()
        assert place.names() == {"a.mp4"}
        assert os.fstat(held.fileno()).st_ino == place.version_now().inode
    os.close(writers.pop())
    assert await place.dispose() == "deleted"


async def test_a_file_written_to_in_the_last_moment_is_put_back(place: Place) -> None:
    """It is another version by then, whoever wrote it."""

    def write() -> None:
        with open(place.recording, "ab") as file:
            file.write(b"more")

    place.asked = InBetween(write)
    assert await place.dispose() is None
    assert place.names() == {"a.mp4"}
    assert place.recording.read_bytes() == CONTENT + b"more"


async def test_where_the_name_is_taken_meanwhile_it_is_put_back_beside_it(
    place: Place,
) -> None:
    """Neither file replaces the other."""
    os.rename(place.recording, place.hidden)
    with open(place.hidden, "ab") as file:
        file.write(b"more")
    place.recording.write_bytes(b"a new one")
    assert await place.dispose() is None
    assert place.names() == {"a.mp4", "a-id.mp4"}
    assert place.recording.read_bytes() == b"a new one"
    assert place.beside.read_bytes() == CONTENT + b"more"


@pytest.mark.parametrize("new", [False, True], ids=["name free", "name taken"])
@pytest.mark.parametrize("what", [AfterUpload.DELETE, AfterUpload.MOVE])
async def test_a_crash_in_the_middle_is_carried_on(
    place: Place, what: AfterUpload, new: bool
) -> None:
    """The hidden file is the one that was stored; a new one under its old name is not."""
    os.rename(place.recording, place.hidden)
    if new:
        place.recording.write_bytes(CONTENT)
    assert await place.dispose(what)
    assert place.names() == ({"a.mp4"} if new else set())
    assert place.archived.exists() == (what is AfterUpload.MOVE)


async def test_what_was_done_is_not_done_again(place: Place) -> None:
    """A process that died before it wrote so down asks once more."""
    await place.dispose(AfterUpload.MOVE)
    assert await place.dispose(AfterUpload.MOVE) is None
    assert os.listdir(place.archived.parent) == ["a.mp4"]


async def test_an_archive_that_cannot_be_written_to_is_said_with_a_hint(place: Place) -> None:
    """The recording waits, and is moved once that is mended."""
    place.archive.write_bytes(b"not a directory")
    with pytest.raises(ChunkProcessingError, match="AFTER_UPLOAD=move") as caught:
        await place.dispose(AfterUpload.MOVE)
    assert "ARCHIVE_DIR" in caught.value.hint
    assert caught.value.transient
    assert place.names() == {"a.mp4"}, "it must not look gone meanwhile"
    place.archive.unlink()
    await place.dispose(AfterUpload.MOVE)
    assert place.archived.read_bytes() == CONTENT
    assert place.names() == set()


@pytest.mark.parametrize("what", [AfterUpload.DELETE, AfterUpload.MOVE])
async def test_a_crash_while_it_was_put_back_is_carried_on(
    place: Place, what: AfterUpload
) -> None:
    """Two names of one file are taken for one, and both are gone in the end."""
    os.link(place.recording, place.hidden)
    assert await place.dispose(what)
    assert place.names() == set()
