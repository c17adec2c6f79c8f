"""A wire between the daemon and a server: it can be slow, and hold one request for long."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]

PIECE_BYTES = 64 * 1024
OVERLAP_BYTES = 512
"""A request line may come in two pieces."""


@dataclass
class Held:
    """The next piece that matches, and all that comes after it, until it is let go."""

    pattern: bytes
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Relay:
    """Hands on whatever comes, in both directions."""

    connect: Connect
    delay_seconds: float = 0.0
    """Of every piece that goes to the server."""
    held: Held | None = None
    port: int = 0
    _heard: bytearray = field(default_factory=bytearray, repr=False)
    _lines: list[bytes] = field(default_factory=list, repr=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def hold(self, pattern: bytes) -> Held:
        """The next request that has this in it gets no further than here."""
        self.held = Held(pattern)
        return self.held

    def count(self, pattern: bytes) -> int:
        """How many request lines had this in them."""
        return sum(re.search(pattern, line) is not None for line in self._lines)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await self.connect()
            try:
                await _first_to_end(
                    self._hand_on(reader, far_writer),
                    self._hand_on(far_reader, writer, back=True),
                )
            finally:
                far_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # nobody asks after this task but `close`
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _hand_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False
    ) -> None:
        tail = b""
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE_BYTES):
                if not back:
                    await self._look_at(tail, piece)
                    tail = (tail + piece)[-OVERLAP_BYTES:]
                writer.write(piece)
                await writer.drain()

    async def _look_at(self, tail: bytes, piece: bytes) -> None:
        for line in re.finditer(
            rb"(?:PUT|POST|DELETE|GET|HEAD) /\S+ HTTP/1\.1\r\n", tail + piece
        ):
            if line.end() > len(tail):
                self._lines.append(line[0])
        held = self.held
        if held is not None and re.search(held.pattern, tail + piece):
            self.held = None
            held.reached.set()
            await held.let_go.wait()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _first_to_end(*work: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(some) for some in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def relay(connect: Connect) -> AsyncIterator[Relay]:
    """A relay on a free port."""
    between = Relay(connect)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        await between.close()


def to_address(url: str) -> Connect:
    """What connects to the server at http://host:port or unix://path."""
    if url.startswith("unix://"):
        return lambda: asyncio.open_unix_connection(url.removeprefix("unix://"))
    host, _, port = url.removeprefix("http://").rpartition(":")
    return lambda: asyncio.open_connection(host, int(port))
