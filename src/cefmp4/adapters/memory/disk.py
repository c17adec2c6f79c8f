"""The Disk port in memory, for tests that need thousands of histories a second.

As strict as Linux: an open body keeps its file when the name is deleted or given to
another file, and sees every byte that is changed under it. Nothing here takes time, and
time stamps come from a counter, so that a history can be played again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from awscrt import checksums

from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion, Inspection, Writer
from cefmp4.core.mp4 import Boxes, read_boxes
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Digests

DEVICE = 1
BLOCK_BYTES = 1024**2


@dataclass(slots=True, eq=False)
class MemoryFile:
    """What an inode holds."""

    inode: int
    content: bytearray = field(default_factory=bytearray)
    mtime_ns: int = 0
    ctime_ns: int = 0
    writers: int = 0
    boxes: Boxes | None = None
    """Given by the test; None: read from the content."""

    @property
    def version(self) -> FileVersion:
        return FileVersion(DEVICE, self.inode, len(self.content), self.mtime_ns, self.ctime_ns)

    def read(self, offset: int, length: int) -> bytes:
        """Raises ChunkProcessingError when the file ends before."""
        block = bytes(self.content[offset : offset + length])
        if len(block) < length:
            raise ChunkProcessingError(f"the file ends at byte {len(self.content)}, too early")
        return block


class MemoryBody:
    """The Body port: a span of a file that may change between its sums and its bytes."""

    def __init__(self, file: MemoryFile, span: Span, digests: Digests) -> None:
        content = file.read(span.offset, span.length)
        self.size_bytes = span.length
        self.crc64nvme: int = checksums.crc64nvme(content)
        self.crc32c: int | None = checksums.crc32c(content) if digests.crc32c else None
        self.md5: bytes | None = None
        if digests.md5:
            self.md5 = hashlib.md5(content, usedforsecurity=False).digest()
        self.file = None
        self._file = file
        self._span = span

    async def blocks(self) -> AsyncIterator[bytes]:
        for offset in range(self._span.offset, self._span.end, BLOCK_BYTES):
            await asyncio.sleep(0)
            yield self._file.read(offset, min(BLOCK_BYTES, self._span.end - offset))


class MemoryDisk:
    """The Disk port, and the verbs of a recorder. Failures are injected at three seams.

    `before(operation)` runs before "stat", "inspect", "body" and "crc64nvme" and may
    raise; `during_body(path, span)` runs between the checksums and the bytes of a body;
    `writers_unknown` makes `inspect` unable to tell of writers.
    """

    def __init__(self) -> None:
        self.files: dict[str, MemoryFile] = {}
        self.before: Callable[[str], None] | None = None
        self.during_body: Callable[[str, Span], None] | None = None
        self.writers_unknown = False
        self._inodes = count(1)
        self._ticks = count(1)

    # --- the port -----------------------------------------------------------------

    def stat(self, path: str) -> FileVersion | None:
        self._announce("stat")
        file = self.files.get(path)
        return file.version if file else None

    def stat_all(
        self, known: Iterable[tuple[str, FileVersion | None]]
    ) -> list[FileVersion | ChunkProcessingError | None]:
        return [self._seen_again(path, before) for path, before in known]

    def _seen_again(
        self, path: str, before: FileVersion | None
    ) -> FileVersion | ChunkProcessingError | None:
        try:
            there = self.stat(path)
        except ChunkProcessingError as error:
            return error
        return before if there == before else there

    async def inspect(self, path: str) -> Inspection:
        await asyncio.sleep(0)
        self._announce("inspect")
        file = self._file(path)
        writer = Writer.OPEN if file.writers else Writer.CLOSED
        if self.writers_unknown:
            writer = Writer.UNKNOWN
        return Inspection(file.boxes or read_boxes_of(file.content), writer)

    @asynccontextmanager
    async def body(
        self, path: str, identity: tuple[int, int], span: Span, digests: Digests
    ) -> AsyncIterator[MemoryBody]:
        await asyncio.sleep(0)
        self._announce("body")
        body = MemoryBody(self._file(path, identity), span, digests)
        if self.during_body:
            self.during_body(path, span)
        yield body

    async def crc64nvme(self, path: str, identity: tuple[int, int], span: Span) -> int:
        await asyncio.sleep(0)
        self._announce("crc64nvme")
        return MemoryBody(self._file(path, identity), span, Digests()).crc64nvme

    # --- the recorder ---------------------------------------------------------------

    def write(self, path: str, data: bytes, offset: int | None = None) -> None:
        """Append, or write at `offset`; an absent file is created, a gap reads as zeros."""
        file = self.files.setdefault(path, MemoryFile(next(self._inodes)))
        offset = len(file.content) if offset is None else offset
        file.content.extend(bytes(max(0, offset - len(file.content))))
        file.content[offset : offset + len(data)] = data
        self._changed(file)

    def patch(self, path: str, offset: int, data: bytes) -> None:
        """Overwrite bytes that are there; the size stays."""
        if offset + len(data) > len(self.files[path].content):
            raise ValueError("a patch may not let the file grow")
        self.write(path, data, offset)

    def truncate(self, path: str, size_bytes: int) -> None:
        file = self.files[path]
        del file.content[size_bytes:]
        file.content.extend(bytes(size_bytes - len(file.content)))
        self._changed(file)

    def replace(self, path: str, data: bytes) -> None:
        """Another file takes the name, as by writing elsewhere and renaming."""
        self.files.pop(path, None)
        self.write(path, data)

    def rename(self, old_path: str, new_path: str) -> None:
        file = self.files.pop(old_path)
        self.files[new_path] = file
        file.ctime_ns = next(self._ticks)

    def delete(self, path: str) -> None:
        del self.files[path]

    def open_writer(self, path: str) -> None:
        """A process opens the file for writing; an absent one is created."""
        if path not in self.files:
            self.write(path, b"")
        self.files[path].writers += 1

    def close_writer(self, path: str) -> None:
        file = self.files[path]
        if not file.writers:
            raise ValueError("nobody has it open for writing")
        file.writers -= 1

    # --- within -----------------------------------------------------------------------

    def _announce(self, operation: str) -> None:
        if self.before:
            self.before(operation)

    def _changed(self, file: MemoryFile) -> None:
        file.mtime_ns = file.ctime_ns = next(self._ticks)

    def _file(self, path: str, identity: tuple[int, int] | None = None) -> MemoryFile:
        file = self.files.get(path)
        if file is None:
            raise ChunkProcessingError(f"cannot read {path!r}: it is not there")
        if identity is not None and file.inode != identity[1]:
            raise ChunkProcessingError(f"another file is at {path!r} now")
        return file


def read_boxes_of(content: bytes | bytearray) -> Boxes:
    """The boxes of bytes in memory."""
    return read_boxes(
        lambda offset, length: bytes(content[offset : offset + length]), len(content)
    )
