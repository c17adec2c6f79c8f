"""A server that knows a recording of every kind, also for those who ask from another thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace

from cefmp4.core.media import Poster
from cefmp4.core.model import Status
from cefmp4.core.objects import poster_key
from cefmp4.errors import S3OperationError
from cefmp4.events import StreamEvent, WatcherChangeType
from cefmp4.readiness import COMPONENTS
from stream.faults import on, outage
from stream.test_supervisor import finished
from waiting import wait_until
from web_server.serving import Served, serving

PICTURE = b"\xff\xd8\xff\xe0 a JPEG"
ODD_NAME = '/w/cam2/"<b>\udce9\n.mp4'
REFUSED = S3OperationError(
    "CreateMultipartUpload", "AccessDenied", "no", hint="allow it", transient=False
)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The id of the stream of each."""

    stored: str
    pictured: str
    failed: str
    aborted: str
    growing: str
    in_trouble: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every one of them."""
        return astuple(self)


async def recordings(served: Served) -> Kinds:
    """One of each kind; from then on the store takes no part any more."""
    store = served.twins.store
    stored = await served.stored("/w/cam1/stored.mp4")
    pictured = await served.stored("/w/cam1/pictured.mp4")
    await _with_picture(served, pictured)
    store.before = on("create_upload", REFUSED, times=99)
    finished(served.twins, "/w/failed.mp4")
    failed = await served.become("/w/failed.mp4", Status.FAILED)
    store.before = None
    aborted = await served.growing("/w/aborted.mp4")
    assert (await served.post(f"/api/streams/{aborted}/abort"))[0] == 202
    growing = await served.growing(ODD_NAME)
    in_trouble = await _in_trouble(served)
    return Kinds(stored, pictured, failed, aborted, growing, in_trouble)


async def _with_picture(served: Served, stream_id: str) -> None:
    checkpoints = served.twins.checkpoints
    before = await checkpoints.load(stream_id)
    assert before is not None
    poster = Poster(poster_key(before.key), 640, 360, len(PICTURE))
    await served.twins.store.put_document(poster.key, PICTURE, "image/jpeg")
    await checkpoints.save(before, replace(before, poster=poster))


async def _in_trouble(served: Served, path: str = "/w/cam2/trouble.mp4") -> str:
    stream_id = await served.growing(path, 16)
    served.twins.store.before = on("upload_part", outage("UploadPart"), times=10**9)
    served.twins.disk.write(path, bytes(24))
    served.supervisor.handle(StreamEvent(WatcherChangeType.WRITE, path))

    async def troubled() -> bool:
        told = await served.get(f"/api/streams/{stream_id}")
        return told["row"]["trouble"] is not None

    await wait_until(troubled)
    return stream_id


async def _answers() -> None:
    """A component that is there."""


@contextmanager
def served_elsewhere() -> Iterator[tuple[str, Kinds]]:
    """The base URL of a server in a thread of its own, and what it knows."""
    ready, over = threading.Event(), asyncio.Event()
    told: list[tuple[str, Kinds]] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        try:
            async with serving() as served:
                served.readiness.begin(dict.fromkeys(COMPONENTS, _answers))
                told.append((served.url, await recordings(served)))
                ready.set()
                await over.wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        ready.wait()
        yield told[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
