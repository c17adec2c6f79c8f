"""A part on its way: how much of it is held, and that it keeps to the pace."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from cefmp4.adapters.s3 import Capabilities, Checksum, S3Store, StoreSettings
from cefmp4.adapters.s3.body import UNSIGNED_PAYLOAD, StreamedBody
from cefmp4.adapters.s3.client import open_client
from cefmp4.adapters.s3.sending import Terms
from cefmp4.core.congestion import Strain
from cefmp4.errors import S3OperationError
from cefmp4.pace import Pace
from contract.bodies import BLOCK_BYTES, BytesBody
from contract.peers import (
    answering,
    etag_of,
    failure,
    part,
    serving_bytes,
    store_at,
    store_told,
)

READ_BYTES = 1024**2


@dataclass
class CountedBody:
    """A body that counts how much of it was read."""

    body: BytesBody
    read_bytes: int = 0
    file: None = None

    @property
    def size_bytes(self) -> int:
        return self.body.size_bytes

    @property
    def crc64nvme(self) -> int:
        return self.body.crc64nvme

    @property
    def crc32c(self) -> int | None:
        return self.body.crc32c

    @property
    def md5(self) -> bytes | None:
        return self.body.md5

    async def blocks(self) -> AsyncIterator[bytes]:
        async for block in self.body.blocks():
            self.read_bytes += len(block)
            yield block


@dataclass
class Connection(AbstractStreamWriter):
    """Takes so much, then no more until it is told to go on."""

    counted: CountedBody
    taken: bytearray = field(default_factory=bytearray)
    most_held_bytes: int = 0

    async def write(self, chunk: "bytes | bytearray | memoryview") -> None:
        held = self.counted.read_bytes - len(self.taken)
        self.most_held_bytes = max(self.most_held_bytes, held)
        await asyncio.sleep(0)
        self.taken += chunk

    async def write_eof(self, chunk: bytes = b"") -> None: ...
    async def drain(self) -> None: ...
    def enable_compression(self, *args: object, **kwargs: object) -> None: ...
    def enable_chunking(self) -> None: ...
    async def write_headers(self, *args: object, **kwargs: object) -> None: ...


def terms(pace: Pace, stall_seconds: float) -> Terms:
    return Terms(stall_seconds, pace, ThreadPoolExecutor(1))


async def test_of_a_part_in_flight_one_block_is_held() -> None:
    """However large it is: what was read beyond what the peer took is a block at most.

    Seen failing with a body that reads the next block before the last is gone.
    """
    counted = CountedBody(BytesBody.of(bytes(5 * READ_BYTES + 1)))
    peer = Connection(counted)
    payload = StreamedBody(counted, UNSIGNED_PAYLOAD, terms(Pace(time.monotonic), 5.0))
    await payload.write(peer)
    assert payload.sent_whole
    assert bytes(peer.taken) == counted.body.content
    assert 0 < peer.most_held_bytes <= READ_BYTES == BLOCK_BYTES


async def test_the_wait_for_the_pace_is_no_silence_of_the_store() -> None:
    """A part that may send little is not given up for it, however short the patience.

    Seen failing with the stall time running while it waits.
    """
    pace = Pace(time.monotonic)
    pace.set_rate(4096)  # a slice of 1 KiB every quarter of a second
    counted = CountedBody(BytesBody.of(bytes(3 * 1024 + 1)))
    peer = Connection(counted)
    payload = StreamedBody(counted, UNSIGNED_PAYLOAD, terms(pace, 0.1))
    began = time.monotonic()
    await payload.write(peer)
    assert payload.sent_whole
    assert time.monotonic() - began >= 0.7


async def test_two_parts_at_once_keep_to_one_pace() -> None:
    """Together no faster than the limit, byte for byte what was to be sent."""

    async def taken(request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"ETag": etag_of(await request.read())})

    pace = Pace(time.monotonic, senders=2)
    pace.set_rate(256 * 1024)
    able = Capabilities(Checksum.CRC64NVME, unsigned_payload=True, etag_is_md5=True)
    async with answering(taken) as url:
        at = StoreSettings("bucket", url, "us-east-1", "key-id", "secret")
        async with open_client(at) as client:
            store = S3Store(client, at, able, pace=pace)
            began = time.monotonic()
            bodies = [BytesBody.of(bytes([n]) * 200_000) for n in (1, 2)]
            await asyncio.gather(
                *(store.upload_part("key", "id", n, body) for n, body in enumerate(bodies, 1))
            )
            elapsed = time.monotonic() - began
    slack = 0.3 * 256 * 1024  # the burst and one slice
    assert elapsed >= (400_000 - slack) / (256 * 1024)


@pytest.mark.parametrize(
    ("status", "code", "strain"),
    [
        (503, "SlowDown", Strain.REFUSED),
        (503, "ServiceUnavailable", Strain.REFUSED),
        (503, "Whatever", Strain.REFUSED),
        (429, "TooManyRequests", Strain.REFUSED),
        (400, "RequestTimeout", Strain.SILENT),
        (500, "InternalError", None),
        (403, "AccessDenied", None),
        (400, "BadDigest", None),
    ],
)
async def test_what_says_that_too_much_was_asked_is_told_at_the_door(
    status: int, code: str, strain: Strain | None
) -> None:
    """Nobody above knows the words of stores."""

    async def told(request: web.Request) -> web.StreamResponse:
        await request.read()
        return failure(status, code)

    async with store_told(told) as store:
        with pytest.raises(S3OperationError) as caught:
            await part(store)
    assert caught.value.strain is strain


async def test_a_store_that_falls_silent_may_have_been_asked_too_much() -> None:
    """Whether it does not answer, or takes no more bytes; a connection that breaks may not."""
    released = asyncio.Event()

    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await released.wait()

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await released.wait()

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    met = []
    for peer, size in ((silent, 4), (deaf, 32 * READ_BYTES), (broken, 4)):
        async with serving_bytes(peer) as url, store_at(url, stall_seconds=0.3) as store:
            with pytest.raises(S3OperationError) as caught:
                await store.upload_part("key", "id", 1, BytesBody.of(bytes(size)))
            met.append(caught.value.strain)
            released.set()
        released.clear()
    assert met == [Strain.SILENT, Strain.SILENT, None]
