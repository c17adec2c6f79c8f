"""What only the real disk can do wrong: odd files, slow readers, descriptors, memory."""

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from awscrt import checksums

from cefmp4.adapters.disk import LocalDisk
from cefmp4.core.geometry import Span
from cefmp4.core.mp4 import Boxes
from cefmp4.errors import ChunkProcessingError, S3OperationError
from cefmp4.ports import Digests
from contract import media
from waiting import wait_until

FINCORE = shutil.which("fincore")

MIB = 1024**2
GIB = 1024**3


@pytest.fixture
def disk() -> Iterator[LocalDisk]:
    disk = LocalDisk()
    yield disk
    disk.close()


def file_of(directory: Path, size_bytes: int, name: str = "x.mp4") -> str:
    """The path of a new file that is one hole."""
    with open(directory / name, "wb") as file:
        file.truncate(size_bytes)
    return str(directory / name)


def identity_of(disk: LocalDisk, path: str) -> tuple[int, int]:
    version = disk.stat(path)
    assert version is not None
    return version.identity


def is_open_here(path: str) -> bool:
    """Whether this process has a descriptor of the file."""
    fds = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return any(os.readlink(fd) == path for fd in fds if os.path.lexists(fd))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "kind", ["fifo", "directory", "socket", "link", "dangling link", "device"]
)
async def test_what_is_no_regular_file_is_no_recording(
    disk: LocalDisk, tmp_path: Path, kind: str
) -> None:
    """Under whatever name it stands, it is neither waited for nor followed."""
    path = str(tmp_path / "x.mp4")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "device":
        path = "/dev/null"
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path)
    else:
        (tmp_path / "target").write_bytes(b"x" if kind == "link" else b"")
        os.symlink(tmp_path / ("target" if kind == "link" else "nowhere"), path)
    open_before = len(os.listdir("/proc/self/fd"))
    assert disk.stat(path) is None
    with pytest.raises(ChunkProcessingError):
        await disk.inspect(path)
    with pytest.raises(ChunkProcessingError):
        await disk.crc64nvme(path, (0, 0), Span(1, 0, 1))
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_what_cannot_be_reached_is_not_taken_for_gone(disk: LocalDisk, tmp_path: Path) -> None:
    """An error that may pass is told apart from a file that is not there."""
    with pytest.raises(ChunkProcessingError, match="errno 36") as caught:
        disk.stat(str(tmp_path / f"{'x' * 300}.mp4"))
    assert caught.value.transient


async def test_an_error_says_which_file_and_what_to_do(disk: LocalDisk, tmp_path: Path) -> None:
    """Without descriptors nothing can be read; the hint names the limit."""
    path = file_of(tmp_path, 1, "x\udcff.mp4")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    await disk.inspect(path)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(ChunkProcessingError) as caught:
            await disk.inspect(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert r"x\udcff.mp4" in str(caught.value)
    assert "errno 24" in str(caught.value)
    assert "limit of open files" in caught.value.hint


@pytest.mark.parametrize("flavour", media.FLAVOURS, ids=lambda flavour: flavour.name)
async def test_a_real_recording_is_complete_only_once_it_is_closed(
    disk: LocalDisk, tmp_path: Path, flavour: media.Flavour
) -> None:
    """Whatever the muxer does at the end, the boxes tell before from after."""
    path = str(tmp_path / "x.mp4")
    loop = asyncio.get_running_loop()
    seen: list[Boxes] = []

    def look() -> None:
        looking = asyncio.run_coroutine_threadsafe(disk.inspect(path), loop)
        seen.append(looking.result(10).boxes)

    await asyncio.to_thread(media.record, path, flavour, frames=150, before_close=look)
    assert [(boxes.is_mp4, boxes.complete) for boxes in seen] == [(True, False)]
    after = (await disk.inspect(path)).boxes
    assert (after.complete, after.brand) == (True, "isom")
    assert after.fragmented == (flavour is media.FRAGMENTED)


async def test_a_hole_reads_as_zeros(disk: LocalDisk, tmp_path: Path) -> None:
    """A sparse file is as long as it says, beyond what 32 bits hold."""
    path = file_of(tmp_path, 5 * GIB)
    span = Span(1, 5 * GIB - 3 * MIB, 3 * MIB)
    crc = await disk.crc64nvme(path, identity_of(disk, path), span)
    assert crc == checksums.crc64nvme(bytes(3 * MIB))


async def test_a_body_never_holds_its_part(disk: LocalDisk, tmp_path: Path) -> None:
    """A few blocks of 1 MiB are the most that a body of any length takes: four, where the
    reader is well ahead, and what little they are wrapped in."""
    path = file_of(tmp_path, 64 * MIB)
    span, digests = Span(1, 0, 64 * MIB), Digests(crc32c=True, md5=True)
    tracemalloc.start()
    try:
        async with disk.body(path, identity_of(disk, path), span, digests) as body:
            assert sum([len(block) async for block in body.blocks()]) == 64 * MIB
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4.5 * MIB


@pytest.mark.parametrize("wait_seconds", [0.0, 0.001, 0.02])
async def test_a_cancelled_reader_leaves_no_descriptor(
    disk: LocalDisk, tmp_path: Path, wait_seconds: float
) -> None:
    """Cancelled before the opening, in it or in the reading: it ends with its block."""
    path = file_of(tmp_path, 300 * GIB)
    identity, span = identity_of(disk, path), Span(1, 0, 300 * GIB)

    async def send() -> int:
        async with disk.body(path, identity, span, Digests()):
            raise AssertionError("300 GiB were read in no time")

    readers = [asyncio.create_task(send()) for _ in range(3)]
    readers += [asyncio.create_task(disk.crc64nvme(path, identity, span)) for _ in range(3)]
    await asyncio.sleep(wait_seconds)
    for reader in readers:
        reader.cancel()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    await wait_until(lambda: not is_open_here(path), timeout_seconds=2)
    assert await asyncio.wait_for(disk.crc64nvme(path, identity, Span(1, 0, 1)), 2)


async def test_a_body_read_too_late_is_an_error(disk: LocalDisk, tmp_path: Path) -> None:
    """Who keeps a body beyond its context gets no bytes, least of all another file's."""
    path = file_of(tmp_path, 2 * MIB)
    span = Span(1, 0, 2 * MIB)
    async with disk.body(path, identity_of(disk, path), span, Digests()) as body:
        blocks = body.blocks()
        assert len(await anext(blocks)) == MIB
    assert not is_open_here(path)
    with pytest.raises(ChunkProcessingError, match="no longer"):
        await anext(blocks)


async def test_one_long_reading_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    """Even a single thread takes turns."""
    long, short = file_of(tmp_path, 300 * GIB, "long.mp4"), file_of(tmp_path, 1, "short.mp4")
    disk = LocalDisk(threads=1)
    reading = asyncio.create_task(
        disk.crc64nvme(long, identity_of(disk, long), Span(1, 0, 300 * GIB))
    )
    await wait_until(lambda: is_open_here(long))
    async with asyncio.timeout(5):
        assert await disk.crc64nvme(short, identity_of(disk, short), Span(1, 0, 1))
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    disk.close()


async def test_the_page_cache_is_left_as_it_was_found(disk: LocalDisk, tmp_path: Path) -> None:
    """What was in it stays; what only our reading has brought into it goes again.

    Seen failing without the letting go, also after a failure, and with a kernel that reads
    ahead.
    """
    if FINCORE is None:
        pytest.skip("fincore is not installed")
    path = file_of(tmp_path, 0)
    with open(path, "r+b") as file:
        file.write(os.urandom(MIB) * 24)
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        os.pread(file.fileno(), 3 * MIB, 5 * MIB)
        before = cached_bytes(path)
        if before != 3 * MIB:
            pytest.skip(f"this filesystem keeps {before} bytes where 3 MiB were read")
        for span in (Span(1, 0, 10 * MIB), Span(2, 10 * MIB, 10 * MIB)):
            async with disk.body(path, identity_of(disk, path), span, Digests()):
                assert cached_bytes(path) >= 10 * MIB - 1
        await disk.crc64nvme(path, identity_of(disk, path), Span(1, 0, 24 * MIB))
        assert cached_bytes(path) == before
        with pytest.raises(S3OperationError):
            async with disk.body(path, identity_of(disk, path), Span(1, 0, MIB), Digests()):
                raise S3OperationError("UploadPart", "SlowDown", "a store that takes nothing")
    assert cached_bytes(path) == before


def cached_bytes(path: str) -> int:
    """How much of a file is in the page cache, as util-linux tells."""
    assert FINCORE is not None
    told = subprocess.run(
        [FINCORE, "--bytes", "--noheadings", "--output", "RES", path],
        capture_output=True,
        check=True,
    )
    return int(told.stdout)
