"""The S3 adapter on bad networks: what counts as an outage, and what is merely slow."""

import asyncio
import time

import pytest
from aiohttp import web

from cefmp4.adapters.s3 import S3Store
from cefmp4.errors import S3OperationError
from contract.bodies import BytesBody
from contract.peers import MIB, answering, etag_of, part, serving_bytes, store_at


async def test_connection_that_fails_is_an_outage() -> None:
    """Refused, reset or closed: transient, and no query of a URL in the message."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with serving_bytes(reset) as url, store_at(url) as store:
        await fails_as_outage(store)
    async with store_at(url) as store:  # nobody listens there any more
        await fails_as_outage(store)


async def test_silent_store_is_an_outage() -> None:
    """A store that takes the request and never answers is given up after the stall time."""
    released = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await released.wait()

    async with serving_bytes(silent) as url, store_at(url, stall_seconds=0.2) as store:
        await fails_as_outage(store)
        waiting = asyncio.create_task(part(store))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        released.set()


async def test_store_that_stops_reading_is_an_outage() -> None:
    """A part that cannot be sent is given up too: no timeout of the HTTP client covers it."""
    released = asyncio.Event()

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await released.wait()

    async with serving_bytes(deaf) as url, store_at(url, stall_seconds=0.3) as store:
        began = time.monotonic()
        with pytest.raises(S3OperationError) as caught:
            await store.upload_part("key", "id", 1, BytesBody.of(bytes(32 * MIB)))
        released.set()
    assert caught.value.transient
    assert time.monotonic() - began < 5.0


async def test_slow_store_is_no_outage() -> None:
    """A part may take far longer than the stall time as long as bytes flow."""
    content = bytes(6 * MIB)

    async def slow(request: web.Request) -> web.StreamResponse:
        async for _ in request.content.iter_chunked(2**16):
            await asyncio.sleep(0.01)
        return web.Response(headers={"ETag": f'"{etag_of(content)}"'})

    async with answering(slow, 2**16) as url, store_at(url, stall_seconds=0.4) as store:
        began = time.monotonic()
        await part_is_accepted(store, content)
        assert time.monotonic() - began > 0.8
        await part_is_accepted(store, content)  # on the same connection


async def part_is_accepted(store: S3Store, content: bytes) -> None:
    assert await store.upload_part("key", "id", 1, BytesBody.of(content)) == etag_of(content)


async def fails_as_outage(store: S3Store) -> None:
    for attempt in (part(store), store.list_parts("key", "id"), store.head("key")):
        with pytest.raises(S3OperationError) as caught:
            await attempt
        assert caught.value.transient
        assert "uploadId" not in str(caught.value)
