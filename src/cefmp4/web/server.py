"""`/metrics` and `/healthz` on `PROM_HOST:PROM_PORT`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from cefmp4.errors import CefMP4Error
from cefmp4.metrics import Metrics


@asynccontextmanager
async def metrics_server(metrics: Metrics, host: str, port: int) -> AsyncIterator[str]:
    """Serve until left; yields the base URL. Port 0 takes any free one.

    Raises CefMP4Error, not transient, when the address cannot be used.
    """
    app = web.Application()
    app.add_routes([web.get("/metrics", _metrics), web.get("/healthz", _healthz)])
    app[METRICS] = metrics
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise CefMP4Error(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="set PROM_PORT to a free port, or to 0 for any",
                transient=False,
            ) from error
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{shown}:{bound[1]}"
    finally:
        await runner.cleanup()


METRICS = web.AppKey("metrics", Metrics)


async def _metrics(request: web.Request) -> web.Response:
    text = request.app[METRICS].scrape()
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
