"""The real web server over a world of twins, and a browser's end of the line."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, ClientSession, ClientTimeout

from cefmp4.core.model import Status
from cefmp4.lookout import Lookout
from cefmp4.problems import Problems
from cefmp4.readiness import Readiness
from cefmp4.supervisor import Supervisor
from cefmp4.web.desk import Works
from cefmp4.web.server import WebServer
from cefmp4.web.showing import About
from stream.test_supervisor import created, finished, quick, scan, supervised
from stream.twins import Twins
from waiting import wait_until

TOKEN = "open sesame"
STALLED_AFTER_SECONDS = 300.0


def about(*, can_steer: bool = True) -> About:
    return About("the instance", "here", "/w", "bucket", part_bytes=8, can_steer=can_steer)


@dataclass
class Served:
    """A web server that listens, and what is behind it."""

    twins: Twins
    supervisor: Supervisor
    lookout: Lookout
    server: WebServer
    problems: Problems
    readiness: Readiness
    session: ClientSession
    url: str
    scans: list[bool] = field(default_factory=list)

    def begin(self) -> None:
        """The daemon is under way."""
        self.server.begin(
            Works(
                world=self.twins.world,
                lookout=self.lookout,
                past=self.supervisor.past,
                streams=lambda: self.supervisor.roster,
                has_gone_through=self.supervisor.has_gone_through,
                hear=self.supervisor.hear,
                scan_now=lambda: self.scans.append(True),
            )
        )

    async def get(self, path: str, status: int = 200) -> Any:
        async with self.session.get(self.url + path) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text) if answer.content_type == "application/json" else text

    async def post(
        self, path: str, token: str = TOKEN, **headers: str
    ) -> tuple[int, dict[str, Any] | str]:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self.session.post(self.url + path, headers=headers) as answer:
            text = await answer.text()
            told = json.loads(text) if answer.content_type == "application/json" else text
            return answer.status, told

    async def stored(self, path: str = "/w/a.mp4") -> str:
        """A recording that is stored; the id of its stream."""
        finished(self.twins, path)
        return await self.become(path, Status.COMPLETED_WITH_META)

    async def growing(self, path: str = "/w/a.mp4", size_bytes: int = 21) -> str:
        """So much more is written, by default two whole parts of 8 bytes and a rest; its id."""
        self.twins.disk.open_writer(path)
        self.twins.disk.write(path, bytes(range(size_bytes)))
        self.supervisor.handle(created(path))
        whole = size_bytes // 8

        def sent() -> str:
            stream = self.supervisor.streams[path]
            cp = stream.checkpoint
            return stream.stream_id if cp and len(cp.parts) >= whole else ""

        return await wait_until(sent)

    async def become(self, path: str, status: Status) -> str:
        """Wait until it has ended like this."""
        await self.supervisor.handle_scan(scan(self.twins))

        def ended() -> str:
            past = self.supervisor.past
            return next((r.stream_id for r in past if (r.path, r.status) == (path, status)), "")

        return await wait_until(ended)

    @asynccontextmanager
    async def live(self, query: str = "") -> "AsyncIterator[Line]":
        """A browser that looks."""
        answer = await self.session.get(
            f"{self.url}/api/live{query}", timeout=ClientTimeout(total=None)
        )
        try:
            yield Line(answer)
        finally:
            answer.close()


@dataclass
class Line:
    """The events of one connection, in the order they come."""

    answer: ClientResponse
    heard: list[str] = field(default_factory=list)

    async def event(self) -> tuple[str, Any]:
        """The next one; its name, and what it says."""
        name = ""
        async with asyncio.timeout(10):
            async for line in self.answer.content:
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    self.heard.append(name)
                    return name, json.loads(value)
        raise EOFError("the daemon has ended the line")

    async def next(self, wanted: str) -> Any:
        """What the next event of this name says."""
        while True:
            name, told = await self.event()
            if name == wanted:
                return told


@asynccontextmanager
async def serving(
    token: str | None = TOKEN,
    *,
    begun: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    hosts: tuple[str, ...] = (),
) -> AsyncIterator[Served]:
    """A server that listens until the block is left."""
    twins = quick()
    supervisor = await supervised(twins)
    problems = Problems(twins.clock.now)
    readiness = Readiness(problems)
    server = WebServer(about(), twins.world.metrics, problems, readiness, token, hosts)
    lookout = Lookout(lambda: supervisor.roster, twins.clock, STALLED_AFTER_SECONDS)
    try:
        async with ClientSession() as session, server.listening(host, port) as url:
            there = Served(
                twins, supervisor, lookout, server, problems, readiness, session, url
            )
            if begun:
                there.begin()
            yield there
    finally:
        await supervisor.stop(1.0)
        await wait_until(lambda: not _answering())


def _answering() -> list[str]:
    """Connections that aiohttp has not let go yet."""
    coros = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in coros if name.startswith("RequestHandler.")]
