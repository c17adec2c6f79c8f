"""The recordings on the local disk: looked at and read, never written to.

Reading happens in a few threads of its own, a block at a time, so that the event loop
never waits for a disk and a part is never held in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple, Unpack

from cefmp4.adapters.disk.opened import BLOCK_BYTES, Recording, Sums, unreadable
from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion, Inspection
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Digests
from cefmp4.selection import Selection, look, look_at_all

TURN_BYTES = 32 * BLOCK_BYTES
"""How much a thread reads for one body before others get their turn."""

EVERYWHERE = Selection("/", ("*",))
"""For who has no watched directory: any file, links not followed."""

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


@dataclass(frozen=True, slots=True)
class LocalFileSpan:
    """The FileSpan port."""

    recording: Recording
    span: Span

    def send_to(self, socket: int, start: int, count: int) -> int:
        return self.recording.send_to(socket, self.span.offset + start, count)


class LocalBody:
    """The Body port: a span of an open recording, and its checksums."""

    def __init__(self, recording: Recording, threads: Executor, span: Span, sums: Sums) -> None:
        self.size_bytes = span.length
        self.crc64nvme = sums.crc64nvme
        self.crc32c = sums.crc32c
        self.md5 = sums.md5
        self.file = LocalFileSpan(recording, span)
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
            offset += len(block)
            yield block
            del block  # before the next one is read


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
            try:
                yield recording
            except Exception:  # read again later, what stays in the cache would not be ours
                with suppress(ChunkProcessingError):
                    await self._in_thread(recording.let_go)
                raise
            await self._in_thread(recording.let_go)
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
