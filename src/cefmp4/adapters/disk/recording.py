"""The recordings on the local disk: looked at and read, never written to.

Reading happens in a few threads of its own, a block at a time, so that the event loop
never waits for a disk and a part is never held in memory. A FIFO, a device or a link that
is not followed is no recording, whatever its name: nothing is opened for reading before a
descriptor that only points to it (O_PATH) has shown a regular file inside the watched
directory. What a path leads to can be another at every look, a descriptor's file cannot.

What must stay true: a descriptor is closed exactly once, also when the one who wanted
the bytes is cancelled while a thread still reads. Pages are not dropped from the page
cache: they are the recorder's.
"""

import asyncio
import errno
import hashlib
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NoReturn, TypeVar, TypeVarTuple, Unpack

from awscrt import checksums

from cefmp4.adapters.disk.writers import ask_writer
from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion, Inspection
from cefmp4.core.mp4 import read_boxes
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Digests
from cefmp4.selection import Selection, is_within, look, look_at_all

BLOCK_BYTES = 1024**2
TURN_BYTES = 32 * BLOCK_BYTES
"""How much a thread reads for one body before others get their turn."""

EVERYWHERE = Selection("/", ("*",))
"""For who has no watched directory: any file, links not followed."""

HINTS = {
    errno.EACCES: "give the user of this process permission to read it",
    errno.EPERM: "give the user of this process permission to read it",
    errno.EIO: "the disk reports an error: see the kernel log",
    errno.ESTALE: "the network filesystem lost it: mount it again",
    errno.EMFILE: "raise the limit of open files (LimitNOFILE, ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
}

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Sums:
    """The running checksums of a span. The libraries let other threads run meanwhile."""

    def __init__(self, digests: Digests) -> None:
        self.crc64nvme = 0
        self.crc32c: int | None = 0 if digests.crc32c else None
        self._md5 = hashlib.md5(usedforsecurity=False) if digests.md5 else None

    @property
    def md5(self) -> bytes | None:
        return self._md5.digest() if self._md5 else None

    def add(self, block: memoryview) -> None:
        self.crc64nvme = checksums.crc64nvme(block, self.crc64nvme)
        if self.crc32c is not None:
            self.crc32c = checksums.crc32c(block, self.crc32c)
        if self._md5:
            self._md5.update(block)


class Recording:
    """A recording to be read by threads. Errors come out as ChunkProcessingError.

    `close` never waits: a thread that is reading closes the descriptor when its block
    is done, and reads no other.
    """

    def __init__(self, path: str, selection: Selection) -> None:
        self._path = path
        self._selection = selection
        self._fd = -1
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False

    def open(self, identity: tuple[int, int] | None = None) -> None:
        """Open the regular file; with `identity`, only if it is that very file.

        Inodes alone are held against each other: a device may get another number when
        the machine starts again.
        """
        with self._in_use():
            self._fd = open_inside(self._selection, self._path)
            if identity is not None and os.fstat(self._fd).st_ino != identity[1]:
                raise ChunkProcessingError(f"another file is at {self._path!r} now")
            with suppress(OSError):  # advice only
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_NOREUSE)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_if_unused()

    def inspect(self) -> Inspection:
        """The writer is asked first: of one that has closed, every byte is seen then."""
        with self._in_use() as fd:
            writer = ask_writer(fd, self._path)
            boxes = read_boxes(
                lambda offset, length: os.pread(fd, length, offset), os.fstat(fd).st_size
            )
            return Inspection(boxes, writer)

    def read(self, offset: int, length: int) -> bytes:
        with self._in_use() as fd:
            block = os.pread(fd, length, offset)
        return block or self._ended(offset)

    def add_to(self, sums: Sums, buffer: memoryview, offset: int, length: int) -> None:
        """Read `length` bytes by way of `buffer`."""
        while length:
            with self._in_use() as fd:
                count = os.preadv(fd, [buffer[:length]], offset)
            if count == 0:
                self._ended(offset)
            sums.add(buffer[:count])
            offset, length = offset + count, length - count

    def _ended(self, offset: int) -> NoReturn:
        raise ChunkProcessingError(f"{self._path!r} ends at byte {offset}, too early")

    @contextmanager
    def _in_use(self) -> Iterator[int]:
        """The descriptor, which stays open until the block of code is left."""
        with self._lock:
            if self._closed:
                raise ChunkProcessingError(f"{self._path!r} is no longer being read")
            self._readers += 1
        try:
            yield self._fd
        except OSError as error:
            raise unreadable(self._path, error) from error
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._closed and not self._readers and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LocalBody:
    """The Body port: a span of an open recording, and its checksums."""

    def __init__(self, recording: Recording, threads: Executor, span: Span, sums: Sums) -> None:
        self.size_bytes = span.length
        self.crc64nvme = sums.crc64nvme
        self.crc32c = sums.crc32c
        self.md5 = sums.md5
        self._recording = recording
        self._threads = threads
        self._span = span

    async def blocks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        offset = self._span.offset
        while offset < self._span.end:
            length = min(BLOCK_BYTES, self._span.end - offset)
            block = await loop.run_in_executor(
                self._threads, self._recording.read, offset, length
            )
            yield block
            offset += len(block)


class LocalDisk:
    """The Disk port. `close` it in the end."""

    def __init__(self, selection: Selection = EVERYWHERE, threads: int = 4) -> None:
        self._selection = selection
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="disk")

    def close(self) -> None:
        """Take up no more reading; what is being read ends with its block."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def stat(self, path: str) -> FileVersion | None:
        try:
            return look(self._selection, path)
        except OSError as error:
            raise unreadable(path, error) from error

    def stat_all(
        self, known: Iterable[tuple[str, FileVersion | None]]
    ) -> list[FileVersion | ChunkProcessingError | None]:
        return look_at_all(self._selection, known, unreadable)

    async def inspect(self, path: str) -> Inspection:
        return await self._in_thread(_inspect, path, self._selection)

    @asynccontextmanager
    async def body(
        self, path: str, identity: tuple[int, int], span: Span, digests: Digests
    ) -> AsyncIterator[LocalBody]:
        async with self._opened(path, identity) as recording:
            sums = await self._sums(recording, span, digests)
            yield LocalBody(recording, self._threads, span, sums)

    async def crc64nvme(self, path: str, identity: tuple[int, int], span: Span) -> int:
        async with self._opened(path, identity) as recording:
            return (await self._sums(recording, span, Digests())).crc64nvme

    @asynccontextmanager
    async def _opened(
        self, path: str, identity: tuple[int, int] | None = None
    ) -> AsyncIterator[Recording]:
        recording = Recording(path, self._selection)
        try:
            await self._in_thread(recording.open, identity)
            yield recording
        finally:
            recording.close()

    async def _sums(self, recording: Recording, span: Span, digests: Digests) -> Sums:
        sums = Sums(digests)
        buffer = memoryview(bytearray(min(BLOCK_BYTES, span.length)))
        for offset in range(span.offset, span.end, TURN_BYTES):
            length = min(TURN_BYTES, span.end - offset)
            await self._in_thread(recording.add_to, sums, buffer, offset, length)
        return sums

    async def _in_thread(
        self, work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments
    ) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)


def _inspect(path: str, selection: Selection) -> Inspection:
    """Opened, read and closed in one go: those who wait for a thread have no file open."""
    recording = Recording(path, selection)
    try:
        recording.open()
        return recording.inspect()
    finally:
        recording.close()


def open_inside(selection: Selection, path: str) -> int:
    """A descriptor, for reading, of the regular file that `path` stands for.

    Wherever a link may have led in the meantime, it is inside the watched directory.
    Raises ChunkProcessingError when there is no such file, and OSError. Never blocks.
    """
    place = selection.locate(path)
    if place is None:
        raise ChunkProcessingError(f"{path!r} is behind a link that is not followed")
    with _pointing_to(place, os.O_NOFOLLOW) as pointer:
        if not stat.S_ISREG(os.fstat(pointer).st_mode):
            raise ChunkProcessingError(f"{path!r} is not a regular file")
        if is_within(path, selection.watch_dir):
            with _pointing_to(selection.watch_dir, os.O_DIRECTORY) as root:
                if not is_within(_place_of(pointer), _place_of(root)):
                    raise ChunkProcessingError(f"{path!r} leads out of the watched directory")
        return os.open(_link_to(pointer), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


@contextmanager
def _pointing_to(path: str, flags: int) -> Iterator[int]:
    """A descriptor that reads nothing and wakes nobody."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def _link_to(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _place_of(fd: int) -> str:
    """Where the kernel knows the descriptor's file to be now; no link is in it."""
    return os.readlink(_link_to(fd))


def unreadable(path: str, error: OSError) -> ChunkProcessingError:
    """The error for a file that may be readable later, with what a person can do."""
    return ChunkProcessingError(
        f"cannot read {path!r}: {error.strerror} (errno {error.errno})",
        hint=HINTS.get(error.errno or 0, ""),
    )
