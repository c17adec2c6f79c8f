"""HTTP peers that misbehave as real stores and networks do, on loopback."""

import asyncio
import base64
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from awscrt import checksums

from cefmp4.adapters.s3 import Capabilities, Checksum, S3Store, StoreSettings
from cefmp4.adapters.s3.client import open_client
from cefmp4.pace import Pace
from contract.bodies import BytesBody

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECRET = "do-not-tell"
MIB = 1024**2
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@asynccontextmanager
async def answering(
    answer: Answer, receive_buffer_bytes: int = 2**20, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that answers every request so; its URL."""
    application = web.Application(client_max_size=2**30)
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    try:
        await web.SockSite(runner, listening, ssl_context=tls).start()
        host, port = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving_bytes(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    receive_buffer_bytes: int | None = None,
) -> AsyncIterator[str]:
    """A server below HTTP: whatever it does with the connection; its URL."""
    serving: set[asyncio.Task[None]] = set()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            serving.discard(task)

    listening = socket.create_server(("127.0.0.1", 0))
    if receive_buffer_bytes is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    server = await asyncio.start_server(once, sock=listening, limit=2**16)
    host, port = server.sockets[0].getsockname()[:2]
    async with server:
        yield f"http://{host}:{port}"
        if serving:  # it has yet to see that its connection ended
            await asyncio.wait(serving, timeout=1.0)


@asynccontextmanager
async def store_at(
    url: str,
    stall_seconds: float = 5.0,
    ca_bundle: str | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[S3Store]:
    """The adapter, untried, in front of a peer."""
    settings = StoreSettings(
        "bucket",
        url,
        "us-east-1",
        "key-id",
        SECRET,
        ca_bundle=ca_bundle,
        stall_seconds=stall_seconds,
    )
    able = Capabilities(Checksum.CRC64NVME, unsigned_payload=True, etag_is_md5=True)
    async with open_client(settings) as client:
        store = S3Store(client, settings, able, pace=pace)
        yield store
        store.close()


@asynccontextmanager
async def store_told(answer: Answer) -> AsyncIterator[S3Store]:
    """The adapter in front of a server that answers every request so."""
    async with answering(answer) as url, store_at(url) as store:
        yield store


async def part(store: S3Store) -> str:
    """Send a part of four bytes."""
    return await store.upload_part("key", "id", 1, BytesBody.of(b"part"))


def failure(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    """An S3 error, as XML."""
    text = f"{HEAD}<Error><Code>{code}</Code><Message>told by the store</Message></Error>"
    return xml(text, status, headers)


def xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=text, content_type="application/xml", headers=headers
    )


def etag_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class PickyStore:
    """As much of S3 as the trials at the start need, with the quirks of one store."""

    checks: frozenset[str] = frozenset()
    """Names of the checksum headers that it verifies; the others it ignores."""
    refuses_declared_checksums: bool = False
    refuses_unsigned_payload: bool = False
    opaque_etags: bool = False
    uploads: set[str] = field(default_factory=set)
    completed: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response()
        if request.method == "GET":
            return xml(f"{HEAD}<R><Bucket>b</Bucket><IsTruncated>false</IsTruncated></R>")
        if request.method == "POST":
            return self._create(request)
        if request.method == "DELETE":
            self.uploads.discard(request.query["uploadId"])
            return web.Response(status=204)
        return await self._part(request)

    def _create(self, request: web.Request) -> web.Response:
        if "uploadId" in request.query:
            self.completed += 1
        if self.refuses_declared_checksums and "x-amz-checksum-algorithm" in request.headers:
            return failure(501, "NotImplemented")
        self.uploads.add("id")
        return xml(f"{HEAD}<R><UploadId>id</UploadId></R>")

    async def _part(self, request: web.Request) -> web.Response:
        content = await request.read()
        signed_as = request.headers["x-amz-content-sha256"]
        if self.refuses_unsigned_payload and signed_as == "UNSIGNED-PAYLOAD":
            return failure(400, "InvalidRequest")
        if signed_as not in ("UNSIGNED-PAYLOAD", hashlib.sha256(content).hexdigest()):
            return failure(400, "XAmzContentSHA256Mismatch")
        right = {
            "x-amz-checksum-crc64nvme": checksums.crc64nvme(content).to_bytes(8, "big"),
            "x-amz-checksum-crc32c": checksums.crc32c(content).to_bytes(4, "big"),
            "content-md5": bytes.fromhex(etag_of(content)),
        }
        for name in self.checks & {name.lower() for name in request.headers}:
            if request.headers[name] != base64.b64encode(right[name]).decode():
                return failure(400, "BadDigest")
        etag = "opaque" if self.opaque_etags else etag_of(content)
        return web.Response(headers={"ETag": f'"{etag}"'})
