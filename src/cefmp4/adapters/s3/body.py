"""A part on its way to the store, streamed from a `Body` and never held whole.

aiobotocore hands whatever it gets as body straight to aiohttp, and aiohttp takes an
instance of its own `Payload` as it is. So a `Payload` that pulls the blocks out of our
`Body` costs one block of memory, however large the part is.

What must stay true:
- a body that fails while it is sent comes out as that very failure, although aiohttp
  wraps it (`failures_first`);
- an answer that came before all bytes were handed over proves nothing (`sent_whole`);
- no piece is handed over before the pace allows it, and that wait counts as no silence;
- a peer that takes no more bytes is noticed: aiohttp's read timeout only starts when the
  whole body is written, so that without a limit here a part could hang for ever.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from cefmp4.errors import CefMP4Error
from cefmp4.pace import Pace
from cefmp4.ports import Body

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

PIECE_BYTES = 256 * 1024
"""What one stall time must suffice for: a piece, not a block, so that several parts on
one thin uplink (here 35 kbit/s each in 60 s) still count as progress."""


class StreamedBody(Payload):
    """A `Body` as aiohttp wants it."""

    _autoclose = True  # whoever opened the Body closes it

    def __init__(
        self, body: Body, stall_seconds: float, content_sha256: str, pace: Pace
    ) -> None:
        super().__init__(body)
        self._body = body
        self._size = body.size_bytes
        self._stall_seconds = stall_seconds
        self._pace = pace
        self._handed_over_bytes = 0
        self._failure: CefMP4Error | None = None
        self.content_sha256 = content_sha256
        """What the signature says of the payload."""

    @property
    def sent_whole(self) -> bool:
        return self._handed_over_bytes == self._body.size_bytes

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send all of it, from the beginning: aiohttp does so again on a stale connection."""
        self._handed_over_bytes, self._failure = 0, None
        try:
            async for block in self._body.blocks():
                await self._write_block(writer, block)
        except CefMP4Error as error:
            self._failure = error
            raise

    async def _write_block(self, writer: AbstractStreamWriter, block: bytes) -> None:
        view = memoryview(block)
        while view:
            grant = self._pace.reserve(min(len(view), PIECE_BYTES))
            if grant.wait_seconds:
                await asyncio.sleep(grant.wait_seconds)
            piece, view = view[: grant.size_bytes], view[grant.size_bytes :]
            self._handed_over_bytes += len(piece)
            async with asyncio.timeout(self._stall_seconds):
                await writer.write(piece)

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    @contextmanager
    def failures_first(self) -> Iterator[None]:
        """Raise what the body itself raised, not what aiohttp made of it."""
        try:
            yield
        except Exception as error:
            if self._failure is not None:
                raise self._failure from error
            raise

    def read(self, size: int = -1) -> NoReturn:
        """Only here because botocore takes a body for one by this attribute."""
        raise TypeError("a part is streamed, not read")

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:
        """Only here because aiohttp wants it of every payload."""
        raise TypeError("a part is streamed, not decoded")


async def content_sha256(body: Body) -> str:
    """The SHA-256 of a body, for stores that refuse UNSIGNED-PAYLOAD (Backblaze B2).

    It costs a second read of the span, but no memory.
    """
    digest = hashlib.sha256()
    async for block in body.blocks():
        digest.update(block)
    return digest.hexdigest()
