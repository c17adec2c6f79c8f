"""A store that refuses something, for as long as a test says so: the real one behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

from aiohttp import ClientSession, web
from yarl import URL

from contract.peers import answering, failure

Refuses = Callable[[web.Request], bool]


@dataclass
class Gate:
    """Lets requests through to the store at `behind`, but for those it refuses."""

    behind: str
    session: ClientSession
    code: str = "EntityTooLarge"
    status: int = 400
    refuses: Refuses = field(default=lambda request: False)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.refuses(request):
            await request.read()
            return failure(self.status, self.code)
        url = URL(self.behind + request.raw_path, encoded=True)
        body = await request.read()
        told = await self.session.request(
            request.method, url, headers=request.headers, data=BytesIO(body) if body else None
        )
        async with told:
            headers = {
                name: value
                for name, value in told.headers.items()
                if name.lower() not in ("transfer-encoding", "content-length")
            }
            if request.method == "HEAD":
                headers["Content-Length"] = told.headers.get("Content-Length", "0")
            return web.Response(status=told.status, headers=headers, body=await told.read())


@asynccontextmanager
async def gate_before(endpoint_url: str) -> AsyncIterator[tuple[Gate, str]]:
    """The gate, open, and its URL. What is signed is what reaches the store: Host too."""
    async with ClientSession(auto_decompress=False) as session:
        gate = Gate(endpoint_url, session)
        async with answering(gate.answer) as url:
            yield gate, url
