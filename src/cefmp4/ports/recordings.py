"""The recordings, and what is done with them on this machine."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cefmp4.core.geometry import Span
from cefmp4.core.model import FileVersion, Inspection
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports.values import Digests, NoPicture, Picture, Probe


class FileSpan(Protocol):
    """Bytes of a file, for whoever can pass them on without reading them."""

    def send_to(self, socket: int, start: int, count: int) -> int:
        """Have the kernel copy up to `count` bytes, from `start` of the span on, into a socket.

        How many it took, at least one. `socket` is the descriptor of a connected stream
        socket that does not block. May wait for a disk: for a thread. Raises
        BlockingIOError when the socket takes none just now, ConnectionError when its peer is
        gone, and ChunkProcessingError as `Body.blocks` does.
        """
        ...


class Body(Protocol):
    """The bytes of one span, already read once for their checksums.

    Reading happens off the event loop and in pieces: a body never holds a whole part.
    """

    @property
    def file(self) -> FileSpan | None:
        """The same bytes as `blocks`; None where they must be handed over one by one."""
        ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def crc64nvme(self) -> int: ...

    @property
    def crc32c(self) -> int | None:
        """Only where it was asked for."""
        ...

    @property
    def md5(self) -> bytes | None:
        """Only where it was asked for."""
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """The bytes from the beginning, in pieces of at most 1 MiB. May be called again.

        Raises ChunkProcessingError when the file ends before the span does.
        """
        ...


class Disk(Protocol):
    """The recordings. Nothing here ever writes to one."""

    def stat(self, path: str) -> FileVersion | None:
        """The regular file at `path`, inside the watched directory; None for anything else.

        A link, also one among its folders, is followed only as FOLLOW_SYMLINKS says.

        A file that cannot be reached for a passing reason (EIO, ESTALE, EACCES) raises
        ChunkProcessingError: it is not gone.
        """
        ...

    def stat_all(
        self, known: Iterable[tuple[str, FileVersion | None]]
    ) -> list[FileVersion | ChunkProcessingError | None]:
        """`stat` of many paths, each with what was last seen there; in their order.

        Where nothing has changed the answer is the very value that was given; what `stat`
        would raise is given instead. Cheaper than one by one. Blocks: for a thread.
        """
        ...

    async def inspect(self, path: str) -> Inspection:
        """Read the top-level boxes and ask whether a writer has the file open.

        Raises ChunkProcessingError when the file cannot be read.
        """
        ...

    def body(
        self, path: str, identity: tuple[int, int], span: Span, digests: Digests
    ) -> AbstractAsyncContextManager[Body]:
        """Open a span of the file that has this identity, and read it once.

        Raises ChunkProcessingError when another file is there, or it is too short.
        """
        ...

    async def crc64nvme(self, path: str, identity: tuple[int, int], span: Span) -> int:
        """The checksum of a span as it is on the disk now. Errors as for `body`."""
        ...


class Prober(Protocol):
    """Looks into the media, in a child process that a hostile file cannot escape."""

    async def probe(self, path: str) -> Probe:
        """Describe the file at this absolute path. Never raises for a bad file."""
        ...


class Illustrator(Protocol):
    """Makes a picture of a recording, in a child process that a hostile file cannot escape."""

    async def picture(self, path: str) -> Picture | NoPicture:
        """A picture of the file at this absolute path. Never raises for a bad file."""
        ...


class Disposal(Protocol):
    """What becomes of a recording after its object was verified (`AFTER_UPLOAD`)."""

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        """Delete or move this very version of the file; what was done, for the log.

        None when another version stands there: it is left alone. While a process has it
        open for writing ChunkProcessingError is raised. May be called again after a crash
        in the middle of it. Where it cannot be carried out, the file has its name again.
        """
        ...

    async def reveal(self, hidden: str) -> str | None:
        """Give a hidden file its name back, or one beside it; that name. None: it is gone."""
        ...
