"""Stored recordings that were touched: are their bytes still the ones in the store?

A change time that moved alone may mean a new mode, owner, name or link, or other bytes
under a modification time that was set back. Only reading tells. Files are read one at a
time and never twice at once, so that a `chmod` over a whole archive slows down nobody;
what cannot be read, or changes meanwhile, is left to the next scan, which asks again.
"""

import asyncio
from collections.abc import Callable

import structlog

from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Disk, Fingerprint

Answer = Callable[[str, Fingerprint, FileVersion | None], None]
log = structlog.get_logger(__name__)


class Rereading:
    """Reads what it is asked about, in turn."""

    def __init__(self, disk: Disk, answer: Answer, rested: Callable[[], None]) -> None:
        """`answer` is told path, fingerprint, and the version that holds the stored bytes,
        None when other bytes stand there; `rested` is called when nothing is left to read."""
        self._disk, self._answer, self._rested = disk, answer, rested
        self._asked: dict[str, Fingerprint] = {}
        self._unreadable: set[str] = set()
        """What that was said of already."""
        self._reader: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, path: str, stored: Fingerprint) -> None:
        """Find out whether the file at `path` still holds what was stored of it."""
        self._asked.setdefault(path, stored)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_on())

    async def stop(self) -> None:
        """Read no more; the next start finds what is left."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read_on(self) -> None:
        while self._asked:
            path, stored = next(iter(self._asked.items()))
            try:
                version, same = await self._read(path, stored)
            except ChunkProcessingError as error:
                self._complain(path, error)
                version = None
            del self._asked[path]
            if version is not None:
                self._unreadable.discard(path)
                log.info("touched since it was stored", file_path=path, changed=not same)
                self._answer(path, stored, version if same else None)
        self._rested()

    def _complain(self, path: str, error: ChunkProcessingError) -> None:
        if path not in self._unreadable:
            self._unreadable.add(path)
            log.warning("cannot be read", file_path=path, error=str(error), hint=error.hint)

    async def _read(self, path: str, stored: Fingerprint) -> tuple[FileVersion | None, bool]:
        """The version that was read, None when it did not stay, and whether it agrees."""
        version = self._disk.stat(path)
        if version is None or stored != Fingerprint.of(version):
            return None, False
        whole = Span(1, 0, version.size_bytes)
        crc = await self._disk.crc64nvme(path, version.identity, whole)
        if self._disk.stat(path) != version:
            return None, False
        return version, crc == stored.crc64nvme
