"""The contract of the Disk port, kept by the real disk and by its twin in memory."""

import hashlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from awscrt import checksums

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.disk.writers import prepare_process
from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion, Writer
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Body, Digests, Disk
from contract.recorders import LocalRecorder, Recorder
from waiting import wait_until

MIB = 1024**2
CONTENT = bytes(range(256)) * 4096 * 2 + b"and a bit more"
WHOLE = Span(1, 0, len(CONTENT))
MIDDLE = Span(2, 1000, MIB + 77)
MP4 = bytes.fromhex(
    "00000010667479706d703432 00000000 00000009 6d6f6f76 00 00000009 6d646174 00"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A disk under test, who writes to it, and the path that is written."""

    disk: Disk
    recorder: Recorder
    path: str

    @property
    def version(self) -> FileVersion:
        version = self.disk.stat(self.path)
        assert version is not None
        return version

    async def content(self, body: Body) -> bytes:
        return b"".join([block async for block in body.blocks()])


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The file has CONTENT at first, and nobody has it open."""
    path = str(tmp_path / "x.mp4")
    if request.param == "memory":
        memory = MemoryDisk()
        memory.write(path, CONTENT)
        yield Place(memory, memory, path)
        return
    before = signal.getsignal(signal.SIGIO)
    prepare_process()
    disk, recorder = LocalDisk(), LocalRecorder()
    recorder.write(path, CONTENT)
    yield Place(disk, recorder, path)
    recorder.close()
    disk.close()
    signal.signal(signal.SIGIO, before)


def test_what_is_not_there_is_none(place: Place) -> None:
    """No such name, and a name below a file, are no recordings."""
    assert place.disk.stat(place.path + ".not") is None
    assert place.disk.stat(place.path + "/below.mp4") is None


def test_many_looked_at_together_are_told_as_one_by_one(place: Place) -> None:
    """In their order; of what has not changed, the very value that was known is given."""
    before = place.version
    gone = place.path + ".not"
    first, nothing, same = place.disk.stat_all(
        [(place.path, None), (gone, before), (place.path, before)]
    )
    assert first == before
    assert nothing is None
    assert same is before
    place.recorder.write(place.path, b"more")
    (grown,) = place.disk.stat_all([(place.path, before)])
    assert grown == place.version != before


def test_every_write_makes_another_version_of_the_same_file(place: Place) -> None:
    """Growing changes size and time, never the identity."""
    before = place.version
    place.recorder.write(place.path, b"more")
    assert place.version != before
    assert place.version.identity == before.identity
    assert place.version.size_bytes == len(CONTENT) + 4


async def test_bytes_changed_in_place_make_another_version(place: Place) -> None:
    """A patched header leaves the size, and the time stamp tells, as fine as it is."""
    before = place.version

    def patched() -> bool:
        place.recorder.patch(place.path, 40, b"1234")
        return place.version != before

    await wait_until(patched)
    assert place.version.size_bytes == before.size_bytes


def test_a_renamed_file_keeps_its_identity_and_a_replaced_one_does_not(place: Place) -> None:
    """The inode tells which file it is, whatever its name."""
    before = place.version
    place.recorder.rename(place.path, place.path + ".other.mp4")
    assert place.disk.stat(place.path) is None
    moved = place.disk.stat(place.path + ".other.mp4")
    assert moved is not None
    assert (moved.identity, moved.mtime_ns) == (before.identity, before.mtime_ns)
    place.recorder.write(place.path, CONTENT)
    assert place.version.identity != before.identity


async def test_inspect_tells_the_boxes(place: Place) -> None:
    """What is no MP4 is told so, and a whole MP4 is complete."""
    assert not (await place.disk.inspect(place.path)).boxes.is_mp4
    place.recorder.replace(place.path, MP4)
    boxes = (await place.disk.inspect(place.path)).boxes
    assert (boxes.complete, boxes.brand, boxes.problem) == (True, "mp42", None)


async def test_inspect_tells_whether_a_writer_is_there(place: Place) -> None:
    """Open from its opening to its closing, and again when it is opened again."""
    assert (await place.disk.inspect(place.path)).writer is Writer.CLOSED
    for _ in range(2):
        place.recorder.open_writer(place.path)
        assert (await place.disk.inspect(place.path)).writer is Writer.OPEN
        place.recorder.close_writer(place.path)
        assert (await place.disk.inspect(place.path)).writer is Writer.CLOSED


async def test_a_file_that_vanished_cannot_be_read(place: Place) -> None:
    """Whoever still wants it gets the error that is tried again."""
    identity = place.version.identity
    place.recorder.delete(place.path)
    with pytest.raises(ChunkProcessingError) as caught:
        await place.disk.inspect(place.path)
    assert caught.value.transient
    with pytest.raises(ChunkProcessingError):
        await place.disk.crc64nvme(place.path, identity, WHOLE)
    with pytest.raises(ChunkProcessingError):
        async with place.disk.body(place.path, identity, WHOLE, Digests()):
            pass


@pytest.mark.parametrize("span", [WHOLE, MIDDLE, Span(1, 0, 1), Span(1, 0, 0)])
async def test_a_body_has_the_bytes_of_its_span_and_their_checksums(
    place: Place, span: Span
) -> None:
    """In pieces of at most 1 MiB, as often as they are asked for."""
    wanted = CONTENT[span.offset : span.end]
    digests = Digests(crc32c=True, md5=True)
    async with place.disk.body(place.path, place.version.identity, span, digests) as body:
        assert body.size_bytes == span.length
        assert body.crc64nvme == checksums.crc64nvme(wanted)
        assert body.crc32c == checksums.crc32c(wanted)
        assert body.md5 == hashlib.md5(wanted, usedforsecurity=False).digest()
        for _ in range(2):
            blocks = [block async for block in body.blocks()]
            assert b"".join(blocks) == wanted
            assert all(0 < len(block) <= MIB for block in blocks)
    crc = await place.disk.crc64nvme(place.path, place.version.identity, span)
    assert crc == checksums.crc64nvme(wanted)


async def test_the_checksum_is_the_one_the_store_computes(place: Place) -> None:
    """The check value of CRC-64/NVME in the catalogue of CRCs."""
    place.recorder.replace(place.path, b"123456789")
    crc = await place.disk.crc64nvme(place.path, place.version.identity, Span(1, 0, 9))
    assert crc == 0xAE8B14860A799888


async def test_digests_nobody_asked_for_are_not_made(place: Place) -> None:
    """MD5 costs more than all the rest."""
    identity = place.version.identity
    async with place.disk.body(place.path, identity, MIDDLE, Digests()) as body:
        assert (body.crc32c, body.md5) == (None, None)


async def test_another_file_under_the_name_is_not_read(place: Place) -> None:
    """The inode is held against what was meant; a device may be renumbered at boot."""
    device, inode = place.version.identity
    assert await place.disk.crc64nvme(place.path, (device + 1, inode), MIDDLE)
    place.recorder.replace(place.path, CONTENT)
    with pytest.raises(ChunkProcessingError, match="another file"):
        await place.disk.crc64nvme(place.path, (device, inode), MIDDLE)
    with pytest.raises(ChunkProcessingError, match="another file"):
        async with place.disk.body(place.path, (device, inode), MIDDLE, Digests()):
            pass


async def test_a_span_beyond_the_end_is_not_read(place: Place) -> None:
    """A file shorter than was believed is an error, never a shorter part."""
    identity = place.version.identity
    beyond = Span(1, 0, len(CONTENT) + 1)
    with pytest.raises(ChunkProcessingError, match="too early"):
        await place.disk.crc64nvme(place.path, identity, beyond)
    with pytest.raises(ChunkProcessingError, match="too early"):
        async with place.disk.body(place.path, identity, beyond, Digests()):
            pass


async def test_an_open_body_keeps_its_file_whatever_happens_to_the_name(place: Place) -> None:
    """Renamed, replaced or deleted: the bytes are those of the file that was meant."""
    identity = place.version.identity
    async with place.disk.body(place.path, identity, WHOLE, Digests()) as body:
        place.recorder.rename(place.path, place.path + ".other.mp4")
        place.recorder.write(place.path, b"another file")
        assert await place.content(body) == CONTENT
        place.recorder.delete(place.path + ".other.mp4")
        assert await place.content(body) == CONTENT


async def test_bytes_changed_after_their_checksum_are_sent_as_they_are(place: Place) -> None:
    """The checksum is then wrong, and the store refuses the part."""
    identity = place.version.identity
    async with place.disk.body(place.path, identity, WHOLE, Digests()) as body:
        place.recorder.patch(place.path, 40, b"patched")
        assert checksums.crc64nvme(await place.content(body)) != body.crc64nvme
    assert await place.disk.crc64nvme(place.path, identity, WHOLE) != body.crc64nvme


async def test_a_file_cut_off_under_a_body_is_an_error(place: Place) -> None:
    """What was there for the checksums and is gone for the sending cannot be made up."""
    identity = place.version.identity
    async with place.disk.body(place.path, identity, WHOLE, Digests()) as body:
        place.recorder.truncate(place.path, MIB + 5)
        with pytest.raises(ChunkProcessingError, match="too early"):
            await place.content(body)


async def test_a_file_that_grows_does_not_change_a_span(place: Place) -> None:
    """What is written behind it belongs to other parts."""
    identity = place.version.identity
    async with place.disk.body(place.path, identity, MIDDLE, Digests()) as body:
        place.recorder.write(place.path, b"grown" * MIB)
        assert await place.content(body) == CONTENT[MIDDLE.offset : MIDDLE.end]
