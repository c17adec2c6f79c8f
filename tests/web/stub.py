"""A daemon that is none: it serves the page and what a test says, in the form of the contract.

The page is shown states here that a real daemon cannot be brought into at will, such as
five thousand recordings or a line that breaks. That the real one speaks the same is the
business of the tests against it.
"""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

import cefmp4.web
from web.scenery import UNDER_WAY, Json, detail, summary

PAGE = Path(cefmp4.web.__file__).parent / "page"
TOKEN = "right-token"
PIXEL = bytes.fromhex(
    "47494638396101000100800000ff0000ffffff21f90400000000002c00000000010001000002024401003b"
)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
URGENCY = ["not_stored", "at_risk", "on_its_way", "stored"]
LOOK_EVERY_SECONDS = 0.05


class Stub:
    """What a test says that is so, and what it was asked; to be called from any thread."""

    def __init__(self) -> None:
        self.url = ""
        self.silent = False
        self.full = False
        self.listeners = 0
        self.asked: list[web.BaseRequest] = []
        self.told: Callable[[str, str], tuple[int, str]] = lambda wish, _: (
            202,
            f"{wish}: done",
        )
        self._rows: dict[str, Json] = {}
        self._details: dict[str, Json] = {}
        self._changes: Json = {}
        self._lock = threading.Lock()

    def put(self, *rows: Json) -> None:
        """These rows are so from now on."""
        with self._lock:
            self._rows |= {row["stream_id"]: dict(row) for row in rows}

    def put_detail(self, known: Json) -> None:
        with self._lock:
            self._details[known["row"]["stream_id"]] = known

    def remove(self, stream_id: str) -> None:
        with self._lock:
            del self._rows[stream_id]

    def say(self, **changes: Any) -> None:
        """The summary says this instead of what the rows add up to."""
        with self._lock:
            self._changes |= changes

    def summary(self) -> Json:
        with self._lock:
            return summary(list(self._rows.values()), **self._changes)

    def page_of(self, query: Any) -> Json:
        """Answers `/api/streams`."""
        with self._lock:
            rows = [row for row in self._rows.values() if _matches(row, query)]
        rows.sort(key=lambda row: row["name"])
        sort = query.get("sort", "urgency")
        descending = query.get("order", "asc") == "desc"
        rows.sort(key=lambda row: _rank(row, sort), reverse=descending)
        page, per_page = int(query.get("page", 1)), int(query.get("per_page", 50))
        shown = rows[(page - 1) * per_page : page * per_page]
        return {"total": len(rows), "page": page, "per_page": per_page, "rows": shown}

    def detail_of(self, stream_id: str) -> Json:
        with self._lock:
            row = self._rows.get(stream_id)
            known = self._details.get(stream_id)
        if row is None:
            return {"gone": True}
        return {**(known or detail(row)), "row": row}


def _rank(row: Json, sort: str) -> Any:
    if sort != "urgency":
        return row[sort]
    return URGENCY.index(row["verdict"]) if row["verdict"] in URGENCY else len(URGENCY)


def _matches(row: Json, query: Any) -> bool:
    looked_for = query.get("search", "").lower()
    found = any(looked_for in row[field].lower() for field in ("name", "key", "stream_id"))
    wanted = query.get("verdict", "")
    if wanted == "active":
        return found and row["verdict"] in UNDER_WAY
    return found and wanted in ("", row["verdict"])


def application(stub: Stub) -> web.Application:
    """The routes of the contract."""

    async def index(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def streams(request: web.Request) -> web.Response:
        return web.json_response(stub.page_of(request.query))

    async def poster(_: web.Request) -> web.Response:
        return web.Response(body=PIXEL, content_type="image/gif")

    async def steer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized(text="bring WEB_TOKEN as a bearer token\n")
        wish, stream_id = request.match_info["wish"], request.match_info["stream_id"]
        status, told = stub.told(wish, stream_id)
        return web.json_response({"told": told}, status=status)

    async def live(request: web.Request) -> web.StreamResponse:
        return await _live(stub, request)

    @web.middleware
    async def guarded(request: web.Request, handler: Any) -> web.StreamResponse:
        stub.asked.append(request)
        answer: web.StreamResponse = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            answer.headers["Cache-Control"] = "no-store"
        return answer

    app = web.Application(middlewares=[guarded])
    app.router.add_get("/", index)
    app.router.add_static("/page", PAGE)
    app.router.add_get("/api/streams", streams)
    app.router.add_get("/api/streams/{stream_id}/poster", poster)
    app.router.add_post("/api/streams/{stream_id}/{wish:retry|abort}", steer)
    app.router.add_get("/api/live", live)
    return app


async def _live(stub: Stub, request: web.Request) -> web.StreamResponse:
    if stub.full:
        raise web.HTTPServiceUnavailable(text="too many pages are open\n")
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    await answer.write(b"retry: 200\n\n")
    stub.listeners += 1
    try:
        async for event, data in _events(stub, request.query):
            await answer.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())
    except ConnectionResetError:
        pass
    finally:
        stub.listeners -= 1
    return answer


async def _events(stub: Stub, query: Any) -> AsyncIterator[tuple[str, Json]]:
    now = int(time.time())
    points = [[now - 300 + n, 5e6 + 4e6 * (n % 30 < 15)] for n in range(300)]
    yield "throughput", {"step_seconds": 1, "points": points}
    sent: dict[str, Json] = {}
    order: list[str] | None = None
    shown: Json | None = None
    said = 0.0
    while True:
        if stub.silent:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            continue
        if time.monotonic() - said >= 1:
            said = time.monotonic()
            yield "summary", stub.summary()
        page = stub.page_of(query)
        rows = {row["stream_id"]: dict(row) for row in page["rows"]}
        changed = [row for stream_id, row in rows.items() if sent.get(stream_id) != row]
        if changed or list(rows) != order:
            sent, order = rows, list(rows)
            yield "rows", {"total": page["total"], "order": order, "rows": changed}
        if query.get("detail") and (known := stub.detail_of(query["detail"])) != shown:
            shown = known
            yield "detail", known
        await asyncio.sleep(LOOK_EVERY_SECONDS)


class Serving:
    """The stub on a port of its own, in a thread of its own; it can go away and come back."""

    def __init__(self, stub: Stub) -> None:
        self.stub, self.port = stub, 0
        self.loop = asyncio.new_event_loop()
        self.runner: web.AppRunner | None = None
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=20)

    def up(self) -> None:
        self._run(self._up())

    def down(self) -> None:
        self._run(self._down())

    async def _up(self) -> None:
        app = application(self.stub)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self.runner.addresses[0][1]
        self.stub.url = f"http://127.0.0.1:{self.port}"

    async def _down(self) -> None:
        if self.runner:
            await self.runner.cleanup()
        self.runner = None

    def end(self) -> None:
        self.down()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def serving() -> Iterator[Serving]:
    """A stub with nothing in it, served until left."""
    served = Serving(Stub())
    try:
        served.up()
        yield served
    finally:
        served.end()
