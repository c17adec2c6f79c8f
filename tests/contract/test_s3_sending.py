"""Parts that the kernel sends by itself: on plain HTTP, by `sendfile`, in threads."""

import asyncio
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.s3 import StoreSettings, open_store
from cefmp4.core.congestion import Strain
from cefmp4.core.geometry import Span
from cefmp4.errors import ChunkProcessingError, S3OperationError
from cefmp4.pace import Pace
from cefmp4.ports import Body, Digests
from contract.bodies import crc64nvme_of, part_of
from contract.peers import MIB, answering, etag_of, failure, serving_bytes, store_at
from servers import S3Server, make_bucket, s3_client
from waiting import wait_until

CONTENT = os.urandom(1024) * (12 * 1024)
PLACE = Span(1, 4096, 11 * MIB + 77)


@dataclass
class OnlyFile:
    """A body that must not be read by us."""

    body: Body

    def __getattr__(self, name: str) -> object:
        return getattr(self.body, name)

    def blocks(self) -> AsyncIterator[bytes]:
        raise AssertionError("its bytes need not pass through this process")


@asynccontextmanager
async def body_of(folder: Path, span: Span = PLACE) -> AsyncIterator[Body]:
    """A span of a real file, that only the kernel may send."""
    path = folder / "a.mp4"
    path.write_bytes(CONTENT)
    disk = LocalDisk()
    found = disk.stat(str(path))
    assert found is not None
    async with disk.body(str(path), found.identity, span, Digests()) as body:
        yield OnlyFile(body)  # type: ignore[misc]
    disk.close()


def sent() -> bytes:
    return CONTENT[PLACE.offset : PLACE.end]


async def test_a_real_store_gets_every_byte(tmp_path: Path, s3_server: S3Server) -> None:
    """Between odd borders, and with a checksum that the store verifies."""
    server, bucket = s3_server, await make_bucket(s3_server)
    settings = StoreSettings(
        bucket, server.endpoint_url, None, server.access_key_id, server.secret_access_key
    )
    async with open_store(settings, "cefmp4-probe") as store, body_of(tmp_path) as body:
        upload_id = await store.create_upload("key", {})
        etag = await store.upload_part("key", upload_id, 1, body)
        part = replace(part_of(1, sent()), etag=etag)
        await store.complete("key", upload_id, [part], crc64nvme_of(sent()))
    async with s3_client(s3_server) as client:
        answer = await client.get_object(Bucket=bucket, Key="key")
        assert await answer["Body"].read() == sent()


@dataclass
class Counting:
    """A store that takes parts, and counts the connections they came by."""

    connections: set[int] = field(default_factory=set)
    pause_seconds: float = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.connections.add(id(request.transport))
        got = bytearray()
        async for piece in request.content.iter_chunked(2**16):
            got += piece
            await asyncio.sleep(self.pause_seconds)
        return web.Response(headers={"ETag": f'"{etag_of(bytes(got))}"'})


async def test_parts_follow_each_other_on_one_connection(tmp_path: Path) -> None:
    """An answer that is faster than the thread's last word does not cost the connection."""
    peer = Counting()
    async with answering(peer.answer) as url, store_at(url) as store, body_of(tmp_path) as body:
        for number in range(1, 21):
            assert await store.upload_part("key", "id", number, body) == etag_of(sent())
    assert len(peer.connections) == 1


async def test_a_slow_store_is_no_outage(tmp_path: Path) -> None:
    """A part may take far longer than the stall time as long as bytes flow."""
    peer = Counting(pause_seconds=0.005)
    async with answering(peer.answer, 2**16) as url, store_at(url, stall_seconds=0.4) as store:
        began = asyncio.get_running_loop().time()
        async with body_of(tmp_path) as body:
            assert await store.upload_part("key", "id", 1, body) == etag_of(sent())
        assert asyncio.get_running_loop().time() - began > 0.8


async def test_a_store_that_stops_reading_is_an_outage(tmp_path: Path) -> None:
    """It is given up after the stall time, and the thread is free again."""
    released = asyncio.Event()

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await released.wait()

    async with serving_bytes(deaf) as url, store_at(url, stall_seconds=0.3) as store:
        async with body_of(tmp_path) as body:
            with pytest.raises(S3OperationError) as caught:
                await store.upload_part("key", "id", 1, body)
        released.set()
    assert caught.value.transient
    assert caught.value.strain is Strain.SILENT
    await nobody_sends()


async def test_a_refusal_before_the_last_byte_is_heard(tmp_path: Path) -> None:
    """A store that answers early and hangs up has said why; a reset is not all that is told."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        told = failure(403, "AccessDenied").text or ""
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(told)}\r\n\r\n"
        writer.write((head + told).encode())
        await writer.drain()
        await reader.read(2**16)
        writer.write_eof()
        while await reader.read(2**20):
            pass

    async with serving_bytes(refuse) as url, store_at(url) as store, body_of(tmp_path) as body:
        with pytest.raises(S3OperationError, match="AccessDenied"):
            await store.upload_part("key", "id", 1, body)
    await nobody_sends()


async def test_a_peer_that_goes_away_is_an_outage(tmp_path: Path) -> None:
    """Reset in the middle of a part."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(MIB)
        writer.transport.abort()

    async with serving_bytes(reset) as url, store_at(url) as store, body_of(tmp_path) as body:
        with pytest.raises(S3OperationError) as caught:
            await store.upload_part("key", "id", 1, body)
    assert caught.value.transient
    await nobody_sends()


async def test_an_answer_before_the_last_byte_proves_nothing(tmp_path: Path) -> None:
    """200 to a part of which the store has taken only the beginning."""
    released = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
        await released.wait()

    async with serving_bytes(hasty) as url, store_at(url) as store, body_of(tmp_path) as body:
        with pytest.raises(S3OperationError, match="EarlyAnswer"):
            await store.upload_part("key", "id", 1, body)
        released.set()
    await nobody_sends()


async def test_a_file_that_became_shorter_says_so(tmp_path: Path) -> None:
    """What is wrong with the file is not taken for an outage of the store."""
    peer = Counting()
    async with answering(peer.answer) as url, store_at(url) as store, body_of(tmp_path) as body:
        os.truncate(tmp_path / "a.mp4", 5 * MIB)
        with pytest.raises(ChunkProcessingError, match="too early"):
            await store.upload_part("key", "id", 1, body)


async def test_a_cancelled_part_ends_at_once(tmp_path: Path) -> None:
    """Its thread does not wait for the peer, and the store sees the connection end."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def taking_little(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(MIB)
        begun.set()
        with suppress(ConnectionError):
            while await reader.read(2**10):  # noqa: ASYNC110 - it takes its time
                await asyncio.sleep(0.001)
        ended.set()

    async with (
        serving_bytes(taking_little) as url,
        store_at(url, stall_seconds=60) as store,
        body_of(tmp_path) as body,
    ):
        sending = asyncio.create_task(store.upload_part("key", "id", 1, body))
        await asyncio.wait_for(begun.wait(), 30)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(ended.wait(), 30)
    await nobody_sends()


async def test_files_at_once_keep_to_one_pace(tmp_path: Path) -> None:
    """Together no faster than the limit; and waiting for it is no silence of the store."""
    pace = Pace(time.monotonic, senders=2)
    pace.set_rate(MIB)
    peer = Counting()
    async with (
        answering(peer.answer) as url,
        store_at(url, stall_seconds=0.1, pace=pace) as store,
        body_of(tmp_path, Span(1, 4096, MIB + 1)) as body,
    ):
        began = time.monotonic()
        parts = (store.upload_part("key", "id", number, body) for number in (1, 2))
        etags = await asyncio.gather(*parts)
    assert set(etags) == {etag_of(CONTENT[4096 : 4096 + MIB + 1])}
    slack_seconds = 0.3  # the burst and one slice
    assert time.monotonic() - began >= 2 - slack_seconds


async def test_a_part_that_waits_for_the_pace_can_be_cancelled(tmp_path: Path) -> None:
    """Its thread does not sit out the wait."""
    pace = Pace(time.monotonic)
    pace.set_rate(1)  # a slice every quarter of an hour
    peer = Counting()
    async with (
        answering(peer.answer) as url,
        store_at(url, pace=pace) as store,
        body_of(tmp_path) as body,
    ):
        sending = asyncio.create_task(store.upload_part("key", "id", 1, body))
        await wait_until(lambda: pace.binds)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    await nobody_sends()


async def test_over_tls_the_bytes_are_encrypted_here(tmp_path: Path) -> None:
    """There the kernel cannot send the file: its blocks are read, and arrive."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    peer = Counting()
    async with (
        answering(peer.answer, tls=context) as url,
        store_at(url, ca_bundle=str(tmp_path / "ca.pem")) as store,
        body_of(tmp_path) as body,
    ):
        with pytest.raises(S3OperationError, match="Failed to send"):
            await store.upload_part("key", "id", 1, body)
        readable = body.body  # type: ignore[attr-defined]
        assert await store.upload_part("key", "id", 1, readable) == etag_of(sent())


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("send")]


async def nobody_sends() -> None:
    """Every thread has come to its end."""
    await wait_until(lambda: not senders())
