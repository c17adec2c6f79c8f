"""`/api/live`: what changes, told as it changes, to everybody who looks (server-sent events).

One look a second for all of them, and none while nobody is connected. What must stay true:
a reader that is slow costs no memory, for it is told of the newest state and never of what
it has missed; and nobody's browser keeps the daemon from ending.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from cefmp4.errors import CefMP4Error
from cefmp4.lookout import Sighting
from cefmp4.rows import Row
from cefmp4.web.api import STREAM_ID
from cefmp4.web.desk import Desk, Found
from cefmp4.web.showing import Json, detail_json, row_json
from cefmp4.web.throughput import STEP_SECONDS
from cefmp4.web.view import Table, View, WrongQuery, view_of
from cefmp4.web.words import as_json

log = structlog.get_logger(__name__)

MOST_READERS = 32
STEP = 1.0
HEARTBEAT_SECONDS = 5.0
DRAIN_SECONDS = 30.0
"""A reader that takes nothing for so long is dropped."""
LOOK_AGAIN_STEPS = 5
"""How often an ended recording that cannot be read, or is unknown, is asked for again."""
READ_SECONDS = 1.0
"""The summary of every second must not wait for a state server that hangs."""
RECONNECT_MS = 2000


@dataclass(slots=True)
class Frame:
    """What there is to tell at one moment."""

    number: int
    at: float
    summary: str
    sighting: Sighting
    table: Table
    told: dict[str, str] = field(default_factory=dict)
    """Rows in JSON by stream id, for all who are shown the same one."""


class Live:
    """Takes one look a second while anybody reads, and tells each reader what is new."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._requests: dict[int, web.Request] = {}
        self._frames = 0
        self._frame: Frame | None = None
        self._news = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def _readers(self) -> int:
        """How many are still there; one that left is only noticed at the next word to it."""
        return sum(request.transport is not None for request in self._requests.values())

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One reader, until it leaves or the daemon does."""
        try:
            view = view_of(request.query)
        except WrongQuery as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        if self._closed or self._readers >= MOST_READERS:
            raise web.HTTPServiceUnavailable(
                text=f"too many look already: at most {MOST_READERS}\n",
                headers={"Retry-After": "10"},
            )
        self._requests[id(request)] = request  # they have no hash
        try:
            if self._looking is None or self._looking.done():
                self._frame = None
                self._looking = asyncio.create_task(self._look_on())
            return await self._tell(request, view)
        finally:
            del self._requests[id(request)]

    async def close(self) -> None:
        """Every reader is let go, at once."""
        self._closed = True
        self._news.set()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look_on(self) -> None:
        while self._readers:
            self._frames += 1
            try:
                sighting, table = await self._desk.look()
                await self._desk.readiness.look(patience_seconds=0.0)
                at = time.time()
                summary = as_json(self._desk.summary(sighting, at))
                self._frame = Frame(self._frames, at, summary, sighting, table)
            except CefMP4Error as error:  # nothing here asks anybody outside
                log.warning("the page shows an old state", error=str(error), hint=error.hint)
            news, self._news = self._news, asyncio.Event()
            news.set()
            await asyncio.sleep(STEP)

    async def _tell(self, request: web.Request, view: View) -> web.StreamResponse:
        response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        reader = _Reader(self._desk, view, request.query.get("detail", ""))
        try:
            await _send(response, reader.greeting())
            number = 0
            while not self._closed and request.transport is not None:
                frame = await self._next(number)
                if frame is None:
                    if self._looking is None or self._looking.done():
                        break
                    await _send(response, ": still here\n\n")
                    continue
                number = frame.number
                await _send(response, "".join([event async for event in reader.news(frame)]))
        except TimeoutError:
            log.info("a page that takes nothing is let go", remote=request.remote)
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass  # it has left
        return response

    async def _next(self, after: int) -> Frame | None:
        """The newest frame, once there is one after this; None when that takes long."""
        frame = self._frame
        if frame is None or frame.number <= after:
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._news.wait()
            frame = self._frame
        return frame if frame is not None and frame.number > after else None


async def _send(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(DRAIN_SECONDS):
        await response.write(text.encode())


class _Reader:
    """What one reader was told already. At most a page of rows."""

    def __init__(self, desk: Desk, view: View, opened: str) -> None:
        self._desk, self._view, self._opened = desk, view, opened
        self._changes: tuple[int, int] | None = None
        self._rows: dict[str, Row] = {}
        self._total = -1
        self._found: Found | None = None
        """What was told of the opened one."""
        self._gone = False
        self._ask_again_at = 0

    def greeting(self) -> str:
        points = list(self._desk.throughput.points)
        told = {"step_seconds": int(STEP_SECONDS), "points": points}
        return f"retry: {RECONNECT_MS}\n\n" + _event("throughput", as_json(told))

    async def news(self, frame: Frame) -> AsyncIterator[str]:
        """The events that tell what is new in this frame."""
        yield _event("summary", frame.summary)
        rows = await self._new_rows(frame)
        if rows is not None:
            yield _event("rows", rows)
        if self._opened:
            detail = await self._new_detail(frame)
            if detail is not None:
                yield _event("detail", as_json(detail))

    async def _new_rows(self, frame: Frame) -> str | None:
        """None when nothing is new."""
        if self._changes == frame.table.changes:
            return None
        self._changes = frame.table.changes
        page = await self._desk.page(self._view, frame.table)
        before, now = self._rows, {row.stream_id: row for row in page.rows}
        new = [row for row in page.rows if before.get(row.stream_id) != row]
        if not new and page.total == self._total and list(before) == list(now):
            return None
        self._rows, self._total = now, page.total
        rows = ",".join(self._row(frame, row) for row in new)
        order = as_json(list(now))
        return f'{{"total":{page.total},"order":{order},"rows":[{rows}]}}'

    def _row(self, frame: Frame, row: Row) -> str:
        told = frame.told.get(row.stream_id)
        if told is None:
            told = as_json(row_json(row, frame.at, self._desk.name_of))
            frame.told[row.stream_id] = told
        return told

    async def _new_detail(self, frame: Frame) -> Json | None:
        """None when nothing is new."""
        if self._desk.works is None:
            return None
        found = self._desk.living(self._opened, frame.sighting)
        if found is None:
            return await self._of_ended(self._desk.works.past.get(self._opened), frame)
        if self._found is not None and found.is_like(self._found):
            return None
        self._found, self._ask_again_at = found, 0
        return _detail(self._desk, found, frame.at)

    async def _of_ended(self, row: Row | None, frame: Frame) -> Json | None:
        """It is read again when its row is another, or when it could not be found."""
        known = self._found is not None and row is not None and self._found.row is row
        if known or frame.number < self._ask_again_at:
            return None
        self._ask_again_at = frame.number + LOOK_AGAIN_STEPS
        found = None
        if STREAM_ID.fullmatch(self._opened):
            try:
                async with asyncio.timeout(READ_SECONDS):
                    found = await self._desk.find(self._opened, frame.sighting)
            except (CefMP4Error, TimeoutError):
                return None  # the state server is away, as the summary says
        before, self._found = self._found, found
        was_gone, self._gone = self._gone, found is None
        if found is None:
            return None if was_gone else {"gone": True}
        told = before is not None and before.row == found.row
        return None if told else _detail(self._desk, found, frame.at)


def _detail(desk: Desk, found: Found, at: float) -> Json:
    return detail_json(desk.about, found.row, found.checkpoint, found.in_flight, at)


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
