"""What becomes of a part whose last bytes were asked of the kernel, but perhaps not taken."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from cefmp4.core.geometry import Span
from cefmp4.errors import S3OperationError
from contract.peers import MIB, answering, etag_of, serving_bytes, store_at
from contract.test_s3_sending import CONTENT, body_of, nobody_sends, senders
from waiting import wait_until

LITTLE = Span(1, 4096, MIB)
"""Asked of the kernel in one go."""


async def test_a_store_may_hang_up_after_each_answer(tmp_path: Path) -> None:
    """Also when that is faster than the thread's last word."""

    async def once(request: web.Request) -> web.Response:
        got = await request.read()
        headers = {"ETag": f'"{etag_of(got)}"', "Connection": "close"}
        return web.Response(headers=headers)

    little = CONTENT[LITTLE.offset : LITTLE.end]
    async with (
        answering(once) as url,
        store_at(url) as store,
        body_of(tmp_path, LITTLE) as body,
    ):
        for number in range(1, 101):
            assert await store.upload_part("key", "id", number, body) == etag_of(little)


async def test_an_answer_before_its_few_bytes_are_taken_proves_nothing(tmp_path: Path) -> None:
    """200 to a part that was asked of the kernel as a whole, and of which some still waits."""
    released = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
        await released.wait()

    async with serving_bytes(hasty, 2**14) as url:
        async with store_at(url, 60) as store, body_of(tmp_path, LITTLE) as body:
            with pytest.raises(S3OperationError, match="EarlyAnswer"):
                await asyncio.wait_for(store.upload_part("key", "id", 1, body), 30)
        await nobody_sends()
        released.set()


async def test_a_part_is_cancelled_while_its_last_bytes_are_not_taken(tmp_path: Path) -> None:
    """All of it was asked of the kernel, but nobody reads: its thread ends nevertheless."""
    begun, released = asyncio.Event(), asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        begun.set()
        await released.wait()

    async with serving_bytes(deaf, 2**14) as url:
        async with store_at(url, 60) as store, body_of(tmp_path, LITTLE) as body:
            sending = asyncio.create_task(store.upload_part("key", "id", 1, body))
            await asyncio.wait_for(begun.wait(), 5)
            await wait_until(lambda: senders())
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        await nobody_sends()
        released.set()
