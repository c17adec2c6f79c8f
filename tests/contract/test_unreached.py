"""What is said of a server that cannot be reached: where, and why, in plain words."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import aiohttp.web
import pytest
import trustme
from aiohttp.client_reqrep import ConnectionKey

from cefmp4.adapters.s3 import StoreSettings, open_store
from cefmp4.adapters.unreached import unreached
from cefmp4.errors import S3OperationError
from contract.peers import SECRET, answering, failure
from receiving import receiving

KEY = ConnectionKey("store.test", 9000, False, True, None, None, None, None)
PROXIED = aiohttp.ClientProxyConnectionError(KEY, ConnectionRefusedError(111, "Connect call"))
SEVERAL = OSError("Multiple exceptions: [Errno 111] Connect call ('::1', 9), [Errno 101] Net")


async def opening(url: str) -> S3OperationError:
    """How it fails. A presigned URL is as good as one with a query of ours."""
    settings = StoreSettings("bucket", url, None, "key-id", SECRET, connect_seconds=0.2)
    with pytest.raises(S3OperationError) as caught:
        async with open_store(settings, "trial"):
            pass
    return caught.value


async def test_a_store_where_nobody_listens() -> None:
    """Seen failing with the words of the HTTP client."""
    with receiving() as gone:
        where = gone.url.removeprefix("http://").partition("/")[0]
    error = await opening(f"http://{where}")
    assert str(error).endswith(
        f": EndpointConnection: cannot connect to {where}: connection refused"
    )
    assert "S3_ENDPOINT_URL" in error.hint


@asynccontextmanager
async def full() -> AsyncIterator[str]:
    """A server that takes no more connections, as one behind a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        yield f"127.0.0.1:{address[1]}"
        for client in waiting:
            client.close()


async def test_a_store_that_lets_nobody_in() -> None:
    """Neither the path nor the query of what was asked is said.

    Seen failing with the words of the HTTP client.
    """
    async with full() as where:
        error = await opening(f"http://{where}")
    assert str(error).endswith(
        f": ConnectTimeout: cannot connect to {where}: no answer in time"
    )


async def test_a_store_whose_certificate_is_not_trusted() -> None:
    """Said so, and what to look at.

    Seen failing with the words of the HTTP client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with answering(_never, tls=context) as url:
        error = await opening(url)
    told = str(error)
    assert f"cannot connect to {url.removeprefix('https://')}: its certificate" in told
    assert "is not trusted: " in told
    assert not any(word in told for word in ("ssl:", "SSLCert", "_ssl.c"))
    assert "S3_CA_BUNDLE" in error.hint


async def _never(_: aiohttp.web.Request) -> aiohttp.web.Response:
    return failure(500, "Never")


async def test_a_proxy_that_does_not_let_us_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that wants another password; nothing of its URL is said.

    Seen failing with the words of the HTTP client, which quote it.
    """

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuses, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        error = await opening("https://store.invalid")
    assert str(error).endswith(
        ": ProxyConnection: the proxy does not let us through: it answers 407"
    )
    assert "HTTPS_PROXY" in error.hint


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, "Name or")),
            "cannot connect to store.test:9000: name not found",
        ),
        (
            aiohttp.ClientConnectorDNSError(
                KEY, socket.gaierror(socket.EAI_AGAIN, "Temporary")
            ),
            "cannot connect to store.test:9000: no name server answers",
        ),
        (
            aiohttp.ClientConnectorError(
                KEY._replace(host="::1"), TimeoutError(110, "Connect")
            ),
            "cannot connect to [::1]:9000: no answer in time",
        ),
        (
            aiohttp.ClientConnectorError(KEY, SEVERAL),
            "cannot connect to store.test:9000: connection refused, network is unreachable",
        ),
        (
            aiohttp.ClientConnectorError(KEY, ConnectionResetError()),
            "cannot connect to store.test:9000: the connection was closed",
        ),
        (PROXIED, "cannot connect to the proxy store.test:9000: connection refused"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "[Errno"), "connection reset by peer"),
        (aiohttp.ServerDisconnectedError(), "the connection was closed"),
        (aiohttp.ClientPayloadError("of an answer"), ""),
        (FileNotFoundError(2, "of a CA bundle"), ""),
    ],
)
def test_what_the_http_client_raises_in_plain_words(error: Exception, told: str) -> None:
    """Whatever is behind it; nothing is said of what is another failure."""
    assert unreached(error) == told
