"""The web server on `PROM_HOST:PROM_PORT`: figures, health, the page, and its API.

It answers from the first second on, also while the daemon waits for its store or its state
server, so that a person can see why nothing happens. What is asked of it is told in
`docs/http.md`, who may ask in `guard.py`.
"""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from cefmp4.errors import CefMP4Error
from cefmp4.metrics import Metrics
from cefmp4.problems import Problems
from cefmp4.readiness import Readiness
from cefmp4.web.api import StreamsApi, answer
from cefmp4.web.desk import Desk, Works
from cefmp4.web.door import SILENT_SECONDS, Answering, Door
from cefmp4.web.guard import MOST_BODY_BYTES, Guard
from cefmp4.web.live import Live
from cefmp4.web.page import PageFiles
from cefmp4.web.showing import About
from cefmp4.web.words import said

LEAVING_SECONDS = 0.5
"""What is being answered when the daemon ends gets so long."""
LINGERING_SECONDS = 1.0
"""So long a body that nobody wants is waited for, so that its sender hears the answer."""
READY_SECONDS = 6.0
"""A little more than a component gets to answer."""
SCRAPE_SECONDS = 1.0
"""So long the figures wait for what the components answer."""


class WebServer:
    """What is served."""

    def __init__(
        self,
        about: About,
        metrics: Metrics,
        problems: Problems,
        readiness: Readiness,
        token: str | None,
        hosts: Collection[str] = (),
    ) -> None:
        self._metrics, self._readiness = metrics, readiness
        self._desk = Desk(about, metrics, problems, readiness)
        self._guard = Guard(token, hosts)
        self._live = Live(self._desk)
        self._answering = Answering()

    def begin(self, works: Works) -> None:
        """The daemon is under way: there are streams to be told of."""
        self._desk.works = works

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve until left; yields the base URL. Port 0 takes any free one.

        Raises CefMP4Error, not transient, when the address cannot be used.
        """
        quiet = logging.getLogger("cefmp4.http")
        quiet.setLevel(logging.CRITICAL)  # whatever is no HTTP is no news; see guard.py
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=LEAVING_SECONDS,
            lingering_time=LINGERING_SECONDS,
            keepalive_timeout=SILENT_SECONDS,
            logger=quiet,
        )
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - it is set up
        counting = asyncio.create_task(self._desk.throughput.keep())
        ears: asyncio.Server | None = None
        try:
            ears = await _listen(Door(runner.server, self._answering), host, port)
            addresses = [ear.getsockname() for ear in ears.sockets]
            self._guard.bound_to(address[0] for address in addresses)
            bound = addresses[0]
            shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            yield f"http://{shown}:{bound[1]}"
        finally:
            counting.cancel()
            if ears is not None:
                ears.close()
            await self._live.close()
            await runner.cleanup()
            await self._readiness.close()
            with suppress(asyncio.CancelledError):
                await counting

    def _application(self) -> web.Application:
        app = web.Application(
            middlewares=[self._answering.middleware, self._guard.middleware],
            client_max_size=MOST_BODY_BYTES,
        )
        app.on_response_prepare.append(self._guard.dress)
        PageFiles().add_routes(app.router)
        StreamsApi(self._desk, self._guard).add_routes(app.router)
        for path, handler in (
            ("/api/live", self._live.serve),
            # No HEAD: it would count as a scrape that has seen the last figures of streams.
            ("/metrics", self._show_metrics),
            ("/healthz", self._show_health),
            ("/readyz", self._show_readiness),
        ):
            app.router.add_get(path, handler, allow_head=False)
        return app

    async def _show_metrics(self, _: web.Request) -> web.Response:
        await self._readiness.look(SCRAPE_SECONDS)
        text = await self._metrics.scrape()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _show_health(self, _: web.Request) -> web.Response:
        """200 for as long as the process turns its loop, whatever becomes of its streams.

        Whoever asks restarts what does not answer. That cures no outage of a store: it would
        only lose what is in flight, again and again. So a stall is told, but is no failure.
        """
        sighting, _table = await self._desk.look()
        stalled = sighting.stalled
        worst = min(stalled, key=lambda row: row.since, default=None)
        told = {
            "status": "stalled" if stalled else "ok",
            "reason": said(f"{worst.path}: {worst.why}") if worst else "",
            "stalled": len(stalled),
        }
        return answer(told)

    async def _show_readiness(self, _: web.Request) -> web.Response:
        """200 when the store, the state server and the watched directory answer."""
        found = await self._readiness.look(READY_SECONDS)
        ready = all(health.ok for health in found.values())
        told = {
            name: {"ok": True}
            if health.ok
            else {"ok": False, "why": said(health.why), "hint": said(health.hint)}
            for name, health in found.items()
        }
        return answer({"ready": ready, **told}, status=200 if ready else 503)


async def _listen(door: Door, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(door, host, port, backlog=128)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                hint = "does cefmp4 run here already? else set PROM_PORT to a free one, or to 0"
            case errno.EACCES:
                hint = "set PROM_PORT to one from 1024 on"
            case _:
                hint = "set PROM_HOST to an address of this machine, as 127.0.0.1 or 0.0.0.0"
        raise CefMP4Error(
            f"cannot listen on {host}:{port}: {_why(error)}", hint=hint, transient=False
        ) from error


def _why(error: OSError) -> str:
    """In the words of the system; asyncio's are of itself, and say the address again."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return str(error.strerror or error)
    return os.strerror(error.errno).lower()
