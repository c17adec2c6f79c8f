"""How many connections are open at a time: strangers must not use up the files of the daemon.

Every connection is an open file, and so is every recording that is read. Who connects and says
nothing, or only half of a request, would keep it for ever; some thousands of such would stop
all uploads. What must stay true: whoever comes newly is let in, so that health is told also in
the middle of an attack; and nobody is cut off who is being answered, while another is not.
"""

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from cefmp4.web.guard import Handler

MOST_CONNECTIONS = 200
"""Pages that look, and many more: a browser opens at most six."""
SILENT_SECONDS = 75.0
"""Who asks nothing for so long is let go."""


class Door:
    """Makes what serves each connection; and makes room by closing the one silent longest."""

    def __init__(self, server: web.Server, answering: "Answering") -> None:
        self._server, self._answering = server, answering
        self._due = False

    def __call__(self) -> asyncio.Protocol:
        """See loop.create_server."""
        if not self._due:
            self._due = True
            # Not at once: it is not counted as connected yet, nor are others just accepted.
            asyncio.get_running_loop().call_later(0.0, self._make_room)
        return self._server()

    def _make_room(self) -> None:
        self._due = False
        there = [line for line in self._server.connections if _is_open(line)]  # oldest first
        for line in sorted(there, key=self._answering.counts)[:-MOST_CONNECTIONS]:
            if line.transport is not None:
                line.transport.abort()


class Answering:
    """Which connections are being answered."""

    def __init__(self) -> None:
        self._lines: set[RequestHandler] = set()

    def counts(self, line: RequestHandler) -> bool:
        return line in self._lines

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note it for as long as it takes."""
        line = request.protocol
        self._lines.add(line)
        try:
            return await handler(request)
        finally:
            self._lines.discard(line)


def _is_open(line: RequestHandler) -> bool:
    return line.transport is not None and not line.transport.is_closing()
