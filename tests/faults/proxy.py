"""A proxy between the daemon and a real store that fails on purpose, as told by rules.

Requests go on as they came, `Host` included, so that their signatures stay valid; bodies
are streamed through in pieces. Every request has a connection of its own. The proxy lives
in a thread with its own event loop, so that a test may block while the daemon needs it.

`faults/wire.py` has the faults, each an async function that is given the `Exchange`.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

PIECE_BYTES = 64 * 1024
BROKEN = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Request:
    """What the daemon asks of the store."""

    operation: str
    """As S3 names it."""
    key: str
    """The object key; of ListMultipartUploads the prefix."""
    part: int
    upload_id: str
    length_bytes: int
    head: bytes
    """Request line and headers, as they go on to the store."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer, in the hands of a fault."""

    request: Request
    store: tuple[str, int]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    """What the store answered; 0 when it was never asked to the end."""
    _taken_bytes: int = 0

    async def ask(self) -> bytes:
        """Pass the whole request on; the store's whole answer."""
        reader, writer = await asyncio.open_connection(*self.store)
        try:
            writer.write(self.request.head)
            await self.send_on(writer, self.request.length_bytes)
            answer = await reader.read()
            self.status = int(answer[9:12] or b"0")
            return answer
        finally:
            writer.close()

    async def send_on(self, writer: asyncio.StreamWriter | None, length_bytes: int) -> None:
        """Take so many bytes more of the body, and pass them on if there is anyone."""
        left = length_bytes
        while left:
            piece = await self.reader.read(min(left, PIECE_BYTES))
            if not piece:
                raise ConnectionResetError("the daemon went away")
            left -= len(piece)
            self._taken_bytes += len(piece)
            if writer is not None:
                writer.write(piece)
                await writer.drain()

    async def take_body(self) -> None:
        """The rest of the body, to nowhere."""
        await self.send_on(None, self.request.length_bytes - self._taken_bytes)

    async def answer(self, answer: bytes) -> None:
        """Raw bytes to the daemon."""
        self.writer.write(answer)
        await self.writer.drain()

    def reset(self) -> None:
        """RST instead of FIN, as a crash or a firewall does."""
        self.writer.transport.abort()

    async def hold(self) -> None:
        """Say nothing until the daemon gives up."""
        while await self.reader.read(PIECE_BYTES):
            pass


Fault = Callable[[Exchange], Awaitable[None]]


async def passed_on(exchange: Exchange) -> None:
    """No fault: the request goes on, the answer comes back."""
    await exchange.answer(await exchange.ask())


@dataclass(slots=True)
class Rule:
    """What happens to the next so many requests of a kind."""

    operation: str
    fault: Fault
    key_ends: str = ""
    times: int = 1
    part: int = 0
    """Only this part; 0 is any."""

    def takes(self, request: Request) -> bool:
        """Whether it is this rule's turn; counts it if so."""
        fits = (
            self.times > 0
            and request.operation == self.operation
            and request.key.endswith(self.key_ends)
            and self.part in (0, request.part)
        )
        self.times -= fits
        return fits


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that has come to its end, whatever the end was."""

    operation: str
    key: str
    part: int
    upload_id: str
    status: int
    """Of the store's answer, which the daemon may never have got."""


@dataclass(slots=True)
class Proxy:
    """The proxy as tests see it."""

    store: tuple[str, int]
    endpoint_url: str = ""
    rules: list[Rule] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def times(self, operation: str, key_ends: str, *, part: int = 0, status: int = 0) -> int:
        """How many such requests there were; with `status`, that the store answered so."""
        return sum(
            seen.operation == operation
            and seen.key.endswith(key_ends)
            and part in (0, seen.part)
            and status in (0, seen.status)
            for seen in list(self.seen)
        )

    def spent(self) -> bool:
        """Every fault that was wanted has happened."""
        return all(rule.times == 0 for rule in self.rules)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            exchange = Exchange(request_of(head), self.store, reader, writer)
            request = exchange.request
            rule = next((rule for rule in self.rules if rule.takes(request)), None)
            try:
                await (rule.fault if rule else passed_on)(exchange)
            finally:
                told = (request.operation, request.key, request.part, request.upload_id)
                self.seen.append(Seen(*told, exchange.status))
        except BROKEN:
            pass  # the daemon hung up, or the store did
        finally:
            with suppress(ConnectionError):
                writer.close()


def request_of(head: bytes) -> Request:
    """Read a request's head; the store is asked to close after its answer."""
    line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (h.partition(":") for h in lines)
    }
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query, True).items()}
    key = unquote(url.path.lstrip("/").partition("/")[2])
    kept = [text for text in lines if not text.lower().startswith("connection:")]
    text = "\r\n".join([line, *kept, "Connection: close", "", ""])
    return Request(
        operation=operation_of(method, query, bool(key)),
        key=key or query.get("prefix", ""),
        part=int(query.get("partNumber", 0)),
        upload_id=query.get("uploadId", ""),
        length_bytes=int(headers.get("content-length", 0)),
        head=text.encode("latin-1"),
    )


def operation_of(method: str, query: dict[str, str], has_key: bool) -> str:
    """S3's name for a request, as far as the daemon asks such."""
    match method:
        case "POST":
            return "CompleteMultipartUpload" if "uploadId" in query else "CreateMultipartUpload"
        case "PUT" if has_key:
            return "UploadPart" if "partNumber" in query else "PutObject"
        case "GET":
            return "ListParts" if "uploadId" in query else "ListMultipartUploads"
        case "DELETE":
            return "AbortMultipartUpload"
        case "HEAD":
            return "HeadObject" if has_key else "HeadBucket"
        case _:
            return method


@contextmanager
def running_proxy(endpoint_url: str) -> Iterator[Proxy]:
    """A proxy in front of this store, for as long as the block lasts."""
    url = urlsplit(endpoint_url)
    proxy = Proxy((url.hostname or "", url.port or 80))
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def live() -> None:
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = loop.create_task(proxy.serve(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE_BYTES)
        host, port = listening.getsockname()[:2]
        server = await asyncio.start_server(accept, sock=listening, limit=PIECE_BYTES)
        proxy.endpoint_url = f"http://{host}:{port}"
        ready.set()
        await ended.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        assert ready.wait(10)
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
