"""A part on its way to the store, streamed from a `Body` and never held whole.

aiobotocore hands whatever it gets as body straight to aiohttp, and aiohttp takes an
instance of its own `Payload` as it is. Ours hands a file to the kernel where that can send
it (`sending.py`): on plain HTTP. Else, over TLS, it pulls the blocks out of our `Body`, which
costs one block of memory, however large the part is.

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

from cefmp4.adapters.s3.sending import PIECE_BYTES, FileSending, Terms
from cefmp4.errors import CefMP4Error
from cefmp4.ports import Body

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

WORD_SECONDS = 5.0
"""An answer to the whole part may be faster than the word of the thread that has sent it,
which then follows at once. Later than this it will not come: the answer was too early."""


class StreamedBody(Payload):
    """A `Body` as aiohttp wants it."""

    _autoclose = True  # whoever opened the Body closes it

    def __init__(self, body: Body, content_sha256: str, terms: Terms) -> None:
        super().__init__(body)
        self._body = body
        self._size = body.size_bytes
        self._terms = terms
        self._handed_over_bytes = 0
        self._sending: FileSending | None = None
        self._failure: CefMP4Error | None = None
        self.content_sha256 = content_sha256
        """What the signature says of the payload."""

    @property
    def sent_whole(self) -> bool:
        sending = self._sending
        handed_over = sending.taken_bytes if sending else self._handed_over_bytes
        return handed_over == self._body.size_bytes

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send all of it, from the beginning: aiohttp does so again on a stale connection."""
        self._handed_over_bytes, self._sending, self._failure = 0, None, None
        try:
            if (sending := self._by_the_kernel(writer)) is not None:
                self._sending = sending
                await self._send_file(sending, writer)
                return
            async for block in self._body.blocks():
                await self._write_block(writer, block)
                del block  # before the next one is read
        except CefMP4Error as error:
            self._failure = error
            raise

    def _by_the_kernel(self, writer: AbstractStreamWriter) -> FileSending | None:
        """What sends the file, where the connection takes its bytes as they are."""
        file, transport = self._body.file, writer.transport
        if file is None or transport is None or transport.get_extra_info("sslcontext"):
            return None
        writer.send_headers()
        if transport.is_closing() or transport.get_write_buffer_size():
            return None  # the transport has the head still to send
        connection = transport.get_extra_info("socket")
        return FileSending(file, self._body.size_bytes, connection, self._terms)

    async def _send_file(self, sending: FileSending, writer: AbstractStreamWriter) -> None:
        thread = asyncio.get_running_loop().run_in_executor(self._terms.threads, sending.run)
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            if sending.asked_bytes == self._body.size_bytes:  # the answer may have been faster
                if writer.transport is None or writer.transport.is_closing():
                    sending.stop()  # no more of it can be taken
                await asyncio.wait({thread}, timeout=WORD_SECONDS)
            if not thread.done() or sending.taken_bytes < self._body.size_bytes:
                raise
        finally:
            if not thread.done():
                sending.stop()
            thread.add_done_callback(_heard)

    async def _write_block(self, writer: AbstractStreamWriter, block: bytes) -> None:
        view = memoryview(block)
        while view:
            grant = self._terms.pace.reserve(min(len(view), PIECE_BYTES))
            if grant.wait_seconds:
                await asyncio.sleep(grant.wait_seconds)
            piece, view = view[: grant.size_bytes], view[grant.size_bytes :]
            self._handed_over_bytes += len(piece)
            async with asyncio.timeout(self._terms.stall_seconds):
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


def _heard(thread: asyncio.Future[None]) -> None:
    """However it ended: nobody waits for it."""
    if not thread.cancelled():
        thread.exception()


async def content_sha256(body: Body) -> str:
    """The SHA-256 of a body, for stores that refuse UNSIGNED-PAYLOAD (Backblaze B2).

    It costs a second read of the span, but no memory.
    """
    digest = hashlib.sha256()
    async for block in body.blocks():
        digest.update(block)
    return digest.hexdigest()
