"""What one stream does after a failure: it waits longer and longer, forgets nothing that
is taken, believes nothing that is stale, and hears again once it has recovered.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.core.model import Inspection, Status, Writer
from cefmp4.core.mp4 import Boxes
from cefmp4.errors import (
    CefMP4Error,
    ChunkProcessingError,
    Fenced,
    RedisOperationError,
    S3OperationError,
    UploadGone,
)
from cefmp4.events import StreamEvent, WatcherChangeType
from cefmp4.retry import BASE_SECONDS
from cefmp4.stream import Stream
from stream.faults import CLOSED_MP4, on, outage, recorded
from stream.test_supervisor import created, quick, supervised
from stream.twins import PATH, Twins
from waiting import wait_until

HOUR_SECONDS = 3600.0
MAX_CALLS_AN_HOUR = 200
"""With waits of 30 to 60 s, once they have grown, there are about 80."""


def bare_key_twins() -> Twins:
    return Twins(key_template=lambda _, path: path.lstrip("/"), key_is_unique=False)


async def growing(twins: Twins, size: int = 30) -> Stream:
    """A recording that is being written, and its stream, which has sent what it could."""
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(size))
    twins.disk.files[PATH].boxes = Boxes(is_mp4=True, complete=False)
    stream = twins.stream()
    await twins.rest(stream)
    return stream


@dataclass
class Outage:
    """A seam at which one operation fails for as long as `error` is set; it counts them."""

    operation: str
    error: CefMP4Error | None
    calls: int = 0

    def __call__(self, name: str) -> None:
        if name == self.operation and self.error is not None:
            self.calls += 1
            raise self.error


async def live_through(twins: Twins, stream: Stream, seconds: float) -> None:
    """Let this much time pass, looking whenever the stream asks for it."""
    end = twins.clock.monotonic() + seconds
    while twins.clock.monotonic() < end:
        delay = await twins.rest(stream)
        assert delay, f"it waits for nothing: {stream.progress.why}"
        twins.clock.advance(delay)


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("put", 5),
        ("create_upload", 21),
        ("upload_part", 21),
        ("complete", 21),
        ("head", 21),
        ("put_document", 21),
    ],
)
async def test_a_long_outage_of_one_operation_is_asked_about_less_and_less(
    operation: str, size: int
) -> None:
    """Though everything around it succeeds; and when it is over the object is stored."""
    twins = Twins()
    stream = await recorded(twins, size=size)
    away = Outage(operation, outage(operation))
    twins.store.before = away
    await live_through(twins, stream, HOUR_SECONDS)
    assert 50 < away.calls < MAX_CALLS_AN_HOUR
    away.error = None
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}
    assert not twins.store.uploads


@pytest.mark.parametrize("operation", ["load", "save"])
async def test_a_long_outage_of_the_state_server_is_asked_about_less_and_less(
    operation: str,
) -> None:
    """Also when only reading or only writing fails, as on a server out of memory."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.write(PATH, bytes(30))
    away = Outage("save", RedisOperationError("no memory"))
    twins.checkpoints.before = away
    await twins.rest(stream)
    away.operation = operation
    await live_through(twins, stream, HOUR_SECONDS)
    assert 50 < away.calls < MAX_CALLS_AN_HOUR


async def test_an_upload_that_is_gone_again_and_again_is_begun_with_pauses() -> None:
    """And none of those that were begun is left in the store."""
    twins = Twins()
    stream = await recorded(twins)
    begun: list[int] = []
    gone = Outage("upload_part", UploadGone("UploadPart", "NoSuchUpload", "no such upload"))

    def seam(name: str) -> None:
        if name == "create_upload":
            begun.append(len(twins.store.uploads))
        gone(name)

    twins.store.before = seam
    delay = await twins.rest(stream)
    assert delay
    assert len(begun) == 1
    assert not twins.store.uploads
    await live_through(twins, stream, HOUR_SECONDS)
    assert len(begun) < MAX_CALLS_AN_HOUR
    assert not any(begun), "one was begun while another was left"
    gone.error = None
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert not twins.store.uploads


async def test_a_part_in_flight_that_revives_a_lost_upload_leaves_nothing() -> None:
    """What a lifecycle rule aborted, and a late part brought back, is aborted once more."""
    twins = Twins()
    stream = await recorded(twins)
    sent: list[str] = []

    def forget_while_a_part_is_in_flight(name: str) -> None:
        sent.append(name)
        if sent.count("upload_part") == 2:
            twins.store.uploads.clear()
            sent.append("upload_part")

    twins.store.before = forget_while_a_part_is_in_flight
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert not twins.store.uploads


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["reserve_key", "save", "head"])
async def test_a_begin_that_failed_keeps_the_bare_key(operation: str, when: str) -> None:
    """Its first attempt may have reserved the key: for itself, and not for another."""
    twins = bare_key_twins()
    stream = await recorded(twins)
    error = outage("head") if operation == "head" else RedisOperationError("no answer")
    owner = twins.store if operation == "head" else twins.checkpoints
    setattr(owner, when, on(operation, error))
    checkpoint = await twins.finish(stream)
    assert checkpoint.key == "w/a.mp4"
    assert twins.videos == {"w/a.mp4": twins.content()}


@pytest.mark.parametrize(
    "error",
    [
        UploadGone("UploadPart", "NoSuchUpload", "completed by the successor"),
        S3OperationError("UploadPart", "AccessDenied", "no", transient=False),
    ],
    ids=["upload gone", "permanent"],
)
async def test_a_claim_lost_while_a_failure_is_dealt_with_is_fatal(error: CefMP4Error) -> None:
    """What is written down after a failure is fenced as everything else."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.write(PATH, bytes(20))
    successor = twins.checkpoints.successor()
    taken_over: list[asyncio.Task[None]] = []

    def fail_while_taken_over(name: str) -> None:
        if name == "upload_part":
            twins.checkpoints.fall_silent()
            taken_over.append(asyncio.create_task(successor.claim()))
            raise error

    twins.store.before = fail_while_taken_over
    with pytest.raises(Fenced):
        await stream.turn()
    await asyncio.gather(*taken_over)


async def test_the_grace_begins_anew_when_the_watched_directory_is_back() -> None:
    """The time for which all of it was away is not held against a recording."""
    twins = Twins()
    stream = await growing(twins)
    horizon = twins.world.horizon
    twins.disk.delete(PATH)
    horizon.away = True
    await live_through(twins, stream, 500.0)
    horizon.away = False
    await twins.rest(stream)
    assert stream.checkpoint
    assert stream.checkpoint.status is Status.ACTIVE
    twins.clock.advance(twins.policy.missing_grace_seconds)
    assert (await twins.finish(stream)).status is Status.DELETED_LOCALLY


class ClosedWhileAsked(MemoryDisk):
    """The writer closes the file just after it was asked for."""

    told: Callable[[], None]

    async def inspect(self, path: str) -> Inspection:
        found = await super().inspect(path)
        if found.writer is Writer.OPEN:
            self.close_writer(path)
            self.told()
        return found


async def test_an_inspection_begun_before_the_close_is_not_believed() -> None:
    """It told of a writer that was leaving: the file is looked at again at once."""
    disk = ClosedWhileAsked()
    twins = Twins(disk=disk)
    stream = await growing(twins)
    disk.told = stream.sight.closed
    disk.files[PATH].boxes = CLOSED_MP4
    began = twins.clock.monotonic()
    await twins.finish(stream)
    assert twins.clock.monotonic() - began < 4.0


async def test_a_failure_is_over_once_a_look_succeeds_that_asks_for_nothing() -> None:
    """Nothing was due before and nothing is due now: that too is a recovery."""
    twins = Twins()
    stream = await growing(twins)
    twins.disk.before = on("stat", ChunkProcessingError("input/output error"))
    delay = await stream.turn()
    assert delay
    assert delay >= BASE_SECONDS / 2
    assert stream.failures == 1
    await stream.turn()
    assert stream.failures == 0


async def test_after_a_passing_failure_events_are_heeded_again() -> None:
    """A recording that could not be looked at for a moment does not sit out its idle time."""
    twins = quick()
    twins.policy = replace(twins.policy, stream_timeout_seconds=30.0)
    twins.new_process()
    supervisor = await supervised(twins)
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    twins.disk.files[PATH].boxes = Boxes(is_mp4=True, complete=False)
    supervisor.handle(created(PATH))
    stream = supervisor.streams[PATH]
    await wait_until(lambda: stream.checkpoint and len(stream.checkpoint.parts) == 3)
    twins.disk.before = on("stat", ChunkProcessingError("input/output error"), times=2)
    supervisor.handle(StreamEvent(WatcherChangeType.WRITE, PATH))
    await wait_until(lambda: stream.failures)
    await wait_until(lambda: not stream.failures)
    twins.disk.write(PATH, bytes(50))
    supervisor.handle(StreamEvent(WatcherChangeType.WRITE, PATH))
    try:
        await wait_until(lambda: len(stream.ledger.current.parts) == 10, timeout_seconds=2.0)
    finally:
        await supervisor.stop(0.5)
