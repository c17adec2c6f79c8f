"""`/metrics`, `/healthz` and `POST /api/scan` on `PROM_HOST:PROM_PORT`.

Whoever can reach the port may read. A call that makes the daemon do something needs
`WEB_TOKEN`, as a bearer token; without one set, such calls are forbidden.
"""

import errno
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from cefmp4.errors import CefMP4Error
from cefmp4.metrics import Metrics


class WebServer:
    """What is served. `scan_now` is set once there is somebody to ask."""

    def __init__(self, metrics: Metrics, token: str | None) -> None:
        self.scan_now: Callable[[], None] | None = None
        self._metrics, self._token = metrics, token

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve until left; yields the base URL. Port 0 takes any free one.

        Raises CefMP4Error, not transient, when the address cannot be used.
        """
        app = web.Application()
        # No HEAD: it would count as a scrape that has seen the last figures of streams.
        app.router.add_get("/metrics", self._show_metrics, allow_head=False)
        app.router.add_get("/healthz", self._show_health)
        app.router.add_post("/api/scan", self._scan)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await _listen(runner, host, port)
            bound = runner.addresses[0]
            shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            yield f"http://{shown}:{bound[1]}"
        finally:
            await runner.cleanup()

    async def _show_metrics(self, _: web.Request) -> web.Response:
        text = await self._metrics.scrape()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _show_health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _scan(self, request: web.Request) -> web.Response:
        """Scan the watched directory now instead of at the next interval."""
        self._require_token(request)
        if self.scan_now is None:
            raise web.HTTPServiceUnavailable(text="the daemon is still starting\n")
        self.scan_now()
        return web.Response(status=202, text="scanning\n")

    def _require_token(self, request: web.Request) -> None:
        if self._token is None:
            raise web.HTTPForbidden(text="set WEB_TOKEN to allow calls that change something\n")
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise web.HTTPUnauthorized(
                text="bring WEB_TOKEN as a bearer token\n",
                headers={"WWW-Authenticate": "Bearer"},
            )


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise CefMP4Error(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="does cefmp4 run here already? else set PROM_PORT to a free one, or to 0"
            if error.errno == errno.EADDRINUSE
            else "set PROM_HOST to an address of this machine, as 127.0.0.1 or 0.0.0.0",
            transient=False,
        ) from error
