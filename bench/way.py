"""One way of the bytes of a file into parts at a store: what it costs this process.

    python -m bench.way NAME ENDPOINT_URL CA_BUNDLE PATH

Prints CPU seconds and seconds as JSON. `sendfile` and `blocks` are the daemon's own; the
others were tried and not chosen (docs/decisions/0002-streaming-parts.md).
"""

import asyncio
import io
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from awscrt import http as crt_http
from awscrt import io as crt_io

from bench.peers import AT_A_TIME, PART_MIB
from bench.stores import BUCKET
from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.s3 import S3Store, StoreSettings, open_store
from cefmp4.core.geometry import Span
from cefmp4.ports import Body

PART_BYTES = PART_MIB * 1024**2
KEY = "way.mp4"
SENDFILE, BLOCKS = "sendfile in a thread", "blocks by the event loop"
UVLOOP = "blocks by uvloop"
CRT = "awscrt's client, no checksum"


@dataclass(frozen=True, slots=True)
class BlocksOnly:
    """A body that hands over no file."""

    body: Body
    file: None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)

    def blocks(self) -> AsyncIterator[bytes]:
        return self.body.blocks()


def main() -> None:
    name, url, ca_bundle, path = sys.argv[1:]
    if name == UVLOOP:
        import uvloop

        uvloop.install()
    cpu_seconds, seconds = asyncio.run(_sent(name, url, ca_bundle, path))
    print(json.dumps({"cpu_seconds": cpu_seconds, "seconds": seconds}), flush=True)
    os._exit(0)  # awscrt's threads need not be waited for


def spans_of(path: str) -> Iterator[Span]:
    """Its parts."""
    size = os.path.getsize(path)
    for number, offset in enumerate(range(0, size, PART_BYTES), 1):
        yield Span(number, offset, min(PART_BYTES, size - offset))


async def _measured(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    await work()
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, seconds


async def _sent(name: str, url: str, ca_bundle: str, path: str) -> tuple[float, float]:
    settings = StoreSettings(
        BUCKET, url, "us-east-1", "key", "secret", ca_bundle=ca_bundle or None
    )
    left = spans_of(path)
    async with open_store(settings, "trial") as store:
        upload_id = await store.create_upload(KEY, {})
        if name == CRT:
            sending = partial(_by_crt, url, ca_bundle, upload_id, path, left)
        else:
            sending = partial(_by_adapter, name, store, upload_id, path, left)
        return await _measured(sending)


async def _by_adapter(
    name: str, store: S3Store, upload_id: str, path: str, left: Iterator[Span]
) -> None:
    disk, seen = LocalDisk(), os.stat(path)
    identity = (seen.st_dev, seen.st_ino)

    async def some() -> None:
        for span in left:
            async with disk.body(path, identity, span, store.digests) as body:
                sent: Any = BlocksOnly(body) if name in (BLOCKS, UVLOOP) else body
                await store.upload_part(KEY, upload_id, span.number, sent)

    await asyncio.gather(*(some() for _ in range(AT_A_TIME)))
    disk.close()


class CrtSpan(io.RawIOBase):
    """A span as awscrt reads it."""

    def __init__(self, fd: int, span: Span) -> None:
        self._fd, self._span, self._at = fd, span, span.offset

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._span.end - self._at)
        read = os.preadv(self._fd, [memoryview(buffer)[:count]], self._at) if count else 0
        self._at += read
        return read

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = self._span.offset + offset
        return offset


async def _by_crt(
    url: str, ca_bundle: str, upload_id: str, path: str, left: Iterator[Span]
) -> None:
    """Unsigned requests, which the sink takes; the same bytes."""
    group = crt_io.EventLoopGroup(1)
    bootstrap = crt_io.ClientBootstrap(group, crt_io.DefaultHostResolver(group))
    place, tls = urlsplit(url), None
    if place.scheme == "https":
        options = crt_io.TlsContextOptions()
        options.override_default_trust_store_from_path(None, ca_bundle)
        tls = crt_io.ClientTlsContext(options).new_connection_options()
        tls.set_server_name("localhost")
    fd = os.open(path, os.O_RDONLY)

    async def some() -> None:
        connection = await asyncio.wrap_future(
            crt_http.HttpClientConnection.new(
                "127.0.0.1", place.port, bootstrap, tls_connection_options=tls
            )
        )
        for span in left:
            target = f"/{BUCKET}/{KEY}?partNumber={span.number}&uploadId={upload_id}"
            head = [("host", place.netloc), ("content-length", str(span.length))]
            request = crt_http.HttpRequest(
                "PUT", target, crt_http.HttpHeaders(head), CrtSpan(fd, span)
            )
            stream = connection.request(request, on_response=lambda **_: None)
            stream.activate()
            await asyncio.wrap_future(stream.completion_future)

    await asyncio.gather(*(some() for _ in range(AT_A_TIME)))


if __name__ == "__main__":
    main()
