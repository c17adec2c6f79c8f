"""`/api/streams`: all recordings, one of them, and what a person may ask for."""

import asyncio
import re
import time
from typing import NoReturn

from aiohttp import web

from cefmp4.core.model import Checkpoint, Wish
from cefmp4.core.wishes import concerns, outcome, why_not
from cefmp4.web.desk import Desk, Works
from cefmp4.web.guard import Guard
from cefmp4.web.showing import Json, detail_json, poster_key, row_json
from cefmp4.web.view import WrongQuery, view_of
from cefmp4.web.words import as_json, said

WISH_SECONDS = 5.0
"""How long a person waits for what becomes of their wish; it is done all the same."""
POSTER_MOST_BYTES = 1024**2
POSTER_SECONDS = 10.0
STREAM_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StreamsApi:
    """Answers for the desk."""

    def __init__(self, desk: Desk, guard: Guard) -> None:
        self._desk, self._guard = desk, guard

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for path, handler in (
            ("/api/streams", self._list),
            ("/api/streams/{stream_id}", self._detail),
            ("/api/streams/{stream_id}/poster", self._poster),
        ):
            router.add_get(path, handler, allow_head=False)
        router.add_post("/api/streams/{stream_id}/{wish:retry|abort}", self._wish)
        router.add_post("/api/scan", self._scan)

    async def _list(self, request: web.Request) -> web.Response:
        try:
            view = view_of(request.query)
        except WrongQuery as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        desk, _ = self._desk, self._desk.running
        _, table = await desk.look()
        page, now = await desk.page(view, table), time.time()
        told = {
            "total": page.total,
            "page": view.page,
            "per_page": view.per_page,
            "rows": [row_json(row, now, desk.name_of) for row in page.rows],
        }
        return answer(told)

    async def _detail(self, request: web.Request) -> web.Response:
        desk, _ = self._desk, self._desk.running
        sighting, _ = await desk.look()
        found = await desk.find(stream_id_of(request), sighting)
        if found is None:
            unknown()
        return answer(
            detail_json(desk.about, found.row, found.checkpoint, found.in_flight, time.time())
        )

    async def _poster(self, request: web.Request) -> web.Response:
        """The picture of a recording, from the store: never more than 1 MiB."""
        works = self._desk.running
        checkpoint = await self._checkpoint(works, stream_id_of(request))
        key = poster_key(checkpoint)
        if key is None:
            raise web.HTTPNotFound(text="this recording has no poster\n")
        picture = bytearray()
        try:
            async with asyncio.timeout(POSTER_SECONDS):
                async for piece in works.world.store.read(key):
                    picture += piece
                    if len(picture) > POSTER_MOST_BYTES:
                        raise web.HTTPBadGateway(text="its poster is too large\n")
        except TimeoutError:
            raise web.HTTPGatewayTimeout(text="the store is too slow\n") from None
        headers = {"Cache-Control": "private, max-age=60"}
        return web.Response(body=bytes(picture), content_type="image/jpeg", headers=headers)

    async def _checkpoint(self, works: Works, stream_id: str) -> Checkpoint:
        stream = self._desk.stream(stream_id)
        known = stream.checkpoint if stream else None
        return known or await works.world.checkpoints.load(stream_id) or unknown()

    async def _wish(self, request: web.Request) -> web.Response:
        """Leave a wish, as the command line does, and have it heard at once."""
        wish, stream_id = Wish(request.match_info["wish"]), stream_id_of(request)
        await self._guard.admit(request, wish.value, stream_id)
        works = self._desk.running
        checkpoint = await self._checkpoint(works, stream_id)
        if not concerns(wish, checkpoint):
            return answer({"told": said(why_not(wish, checkpoint))}, status=409)
        await works.world.checkpoints.wish(stream_id, wish)
        await works.hear({stream_id: wish})
        left = await _waited(works, stream_id)
        now = await works.world.checkpoints.load(stream_id) or checkpoint
        return answer({"told": said(outcome(wish, now, left=left))}, status=202)

    async def _scan(self, request: web.Request) -> web.Response:
        """Scan the watched directory now instead of at the next interval."""
        await self._guard.admit(request, "scan")
        self._desk.running.scan_now()
        return answer({"told": "scanning"}, status=202)


async def _waited(works: Works, stream_id: str) -> bool:
    """Wait until the wish is fulfilled, not for long; whether it still is to be."""
    deadline = time.monotonic() + WISH_SECONDS
    while stream_id in await works.world.checkpoints.wishes():
        if time.monotonic() > deadline:
            return True
        await asyncio.sleep(0.1)
    return False


def stream_id_of(request: web.Request) -> str:
    """Raises HTTPNotFound for what is no id."""
    stream_id = request.match_info["stream_id"]
    if STREAM_ID.fullmatch(stream_id) is None:
        unknown()
    return stream_id


def unknown() -> NoReturn:
    raise web.HTTPNotFound(text="no such stream\n")


def answer(told: Json, status: int = 200) -> web.Response:
    return web.Response(
        text=as_json(told) + "\n", status=status, content_type="application/json"
    )
