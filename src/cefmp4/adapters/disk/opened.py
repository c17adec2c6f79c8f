"""One recording, opened: read by threads, handed to sockets, and never written to.

A FIFO, a device or a link that is not followed is no recording, whatever its name: nothing
is opened for reading before a descriptor that only points to it (O_PATH) has shown a
regular file inside the watched directory. What a path leads to can be another at every
look, a descriptor's file cannot.

What must stay true: a descriptor is closed exactly once, also when the one who wanted
the bytes is cancelled while a thread still reads. And the page cache is left as it was
found: what was in it stays, for it is the recorder's or its reader's; what only our reading
has brought in goes again. Therefore the kernel is told to read nothing ahead by itself, and
the cache is asked for each block beforehand (`RWF_NOWAIT`). The blocks that it does not have
are ours; all of them are then called for at once, so that a disk is kept busy.
"""

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from awscrt import checksums

from cefmp4.adapters.disk.writers import ask_writer
from cefmp4.core.model import Inspection
from cefmp4.core.mp4 import read_boxes
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Digests
from cefmp4.selection import Selection, is_within

HINTS = {
    errno.EACCES: "give the user of this process permission to read it",
    errno.EPERM: "give the user of this process permission to read it",
    errno.EIO: "the disk reports an error: see the kernel log",
    errno.ESTALE: "the network filesystem lost it: mount it again",
    errno.EMFILE: "raise the limit of open files (LimitNOFILE, ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
}

NOT_OFFERED = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}
"""What a filesystem answers that does not know an offer of the kernel's."""

BLOCK_BYTES = 1024**2
OF_THE_SOCKET = (BlockingIOError, ConnectionError, TimeoutError)
"""What `sendfile` says of a socket, and never of a file."""
COPIED_BYTES = 64 * 1024


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
        self._cold: list[tuple[int, int]] = []
        """Offset and length of what was not in the page cache before we read it."""

    def open(self, identity: tuple[int, int] | None = None) -> None:
        """Open the regular file; with `identity`, only if it is that very file.

        Inodes alone are held against each other: a device may get another number when
        the machine starts again.
        """
        with self._in_use():
            self._fd = open_inside(self._selection, self._path)
            if identity is not None and os.fstat(self._fd).st_ino != identity[1]:
                raise ChunkProcessingError(f"another file is at {self._path!r} now")
            with suppress(OSError):  # advice only: read nothing ahead of what is asked for
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_RANDOM)

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
        """Read `length` bytes by way of `buffer`; the disk is asked for all of them first."""
        with self._in_use() as fd:
            self._call_for(fd, offset, length)
        while length:
            with self._in_use() as fd:
                count = os.preadv(fd, [buffer[:length]], offset)
            if count == 0:
                self._ended(offset)
            sums.add(buffer[:count])
            offset, length = offset + count, length - count

    def _call_for(self, fd: int, offset: int, length: int) -> None:
        """Have what is not in the page cache read into it, and remember what that is."""
        for start in range(offset, offset + length, BLOCK_BYTES):
            size = min(BLOCK_BYTES, offset + length - start)
            try:
                # In its middle: its ends may share a page with the blocks beside it.
                os.preadv(fd, [bytearray(1)], start + size // 2, os.RWF_NOWAIT)
            except BlockingIOError:
                os.posix_fadvise(fd, start, size, os.POSIX_FADV_WILLNEED)
                self._note_cold(start, size)
            except OSError as error:
                if error.errno not in NOT_OFFERED:
                    raise
                return

    def _note_cold(self, offset: int, length: int) -> None:
        if self._cold and sum(self._cold[-1]) == offset:
            offset, before = self._cold.pop()
            length += before
        self._cold.append((offset, length))

    def let_go(self) -> None:
        """Out of the page cache with what only we have brought into it."""
        with self._in_use() as fd:
            for offset, length in self._cold:
                os.posix_fadvise(fd, offset, length, os.POSIX_FADV_DONTNEED)
        self._cold.clear()

    def send_to(self, socket: int, offset: int, count: int) -> int:
        """Have the kernel copy up to `count` bytes on into a socket; how many it took.

        Raises BlockingIOError when it takes none just now, ConnectionError when the peer
        is gone. May be called once the recording is closed: then it is refused.
        """
        refused: OSError | None = None
        sent = 0
        with self._in_use() as fd:
            try:
                sent = self._sendfile(socket, fd, offset, count)
            except OF_THE_SOCKET as error:
                refused = error
        if refused is not None:
            raise refused
        return sent or self._ended(offset)

    def _sendfile(self, socket: int, fd: int, offset: int, count: int) -> int:
        try:
            return os.sendfile(socket, fd, offset, count)
        except OSError as error:
            if error.errno not in NOT_OFFERED:
                raise
        return os.write(socket, os.pread(fd, min(count, COPIED_BYTES), offset))

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
