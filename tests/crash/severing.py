"""A proxy in front of the store that lets one request through, and not its answer.

What the store does in that moment is its own affair: it has carried the request out, or
is about to, and the one who asked will never know. Requests are told apart by their first
line; bodies are passed on as they come.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

PIECE_BYTES = 64 * 1024


class Request(StrEnum):
    """The requests whose answers matter, by how their first line looks."""

    CREATE = r"POST \S+\.mp4\?uploads"
    PART = r"PUT \S+\.mp4\?\S*partNumber="
    COMPLETE = r"POST \S+\.mp4\?\S*uploadId="
    PUT = r"PUT \S+\.mp4 "
    PUT_JSON = r"PUT \S+\.json "


class Cut(StrEnum):
    """How long the store gets."""

    PASSED_ON = "passed on"
    """It has all of the request, and may just have begun to act on it."""
    ANSWERED = "answered"
    """It has done it, and said so."""


@dataclass(slots=True)
class Severing:
    """Calls `at_the_cut`, which ends the asker, once `request` has come that far."""

    store_url: str
    request: Request
    cut: Cut
    at_the_cut: Callable[[], None]
    done: bool = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store = urlsplit(self.store_url)
        answers, asking = await asyncio.open_connection(store.hostname, store.port)
        copying = asyncio.create_task(_copy(answers, writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                doomed = not self.done and re.match(self.request.encode(), head)
                if doomed:
                    self.done = True
                    copying.cancel()
                    await asyncio.gather(copying, return_exceptions=True)
                await _pass_on(head, reader, asking)
                if doomed:
                    if self.cut is Cut.ANSWERED:
                        await answers.readuntil(b"\r\n\r\n")
                    self.at_the_cut()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)
            for end in (writer, asking):
                end.close()


async def _pass_on(
    head: bytes, reader: asyncio.StreamReader, asking: asyncio.StreamWriter
) -> None:
    """One request: its head and as much of a body as that says."""
    asking.write(head)
    said = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    left = int(said[1]) if said else 0
    while left:
        piece = await reader.read(min(left, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        asking.write(piece)
        await asking.drain()
        left -= len(piece)
    await asking.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers, as they come."""
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
