"""Names that are given again, taken, swapped and parked: whose file is it this time?

A name says nothing for sure, and neither does an inode, which ext4 gives at once to the
next file. On twins, in real time, as told by notices in any order.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.core.model import Status
from cefmp4.errors import ChunkProcessingError, RedisOperationError
from cefmp4.events import Scan, StreamEvent, WatcherChangeType
from cefmp4.ports import Body
from cefmp4.supervisor import Supervisor
from stream.test_supervisor import CLOSED_MP4, created, finished, quick, scan, supervised
from stream.twins import PATH, Twins
from waiting import wait_until

B, C = "/w/b.mp4", "/w/c.mp4"


@asynccontextmanager
async def supervising(twins: Twins) -> AsyncIterator[Supervisor]:
    supervisor = await supervised(twins)
    try:
        yield supervisor
    finally:
        await supervisor.stop(0.5)


async def all_done(supervisor: Supervisor, twins: Twins) -> None:
    """Scan now and then, as the watcher does, until everything has ended."""

    async def done() -> bool:
        await supervisor.handle_scan(scan(twins))
        return supervisor.all_done.is_set()

    await wait_until(done)


def parts_sent(twins: Twins) -> int:
    return sum(len(upload.parts) for upload in twins.store.uploads.values())


def told(change: WatcherChangeType, path: str, *, closed: bool = False) -> StreamEvent:
    return StreamEvent(change, path, closed)


async def test_a_close_told_right_after_the_last_write_is_not_forgotten() -> None:
    """What was written before the close, and not yet seen, does not undo it."""
    twins = quick()
    twins.policy = replace(twins.policy, stream_timeout_seconds=60.0)
    twins.new_process()
    twins.disk.writers_unknown = True
    async with supervising(twins) as supervisor:
        twins.disk.open_writer(PATH)
        twins.disk.write(PATH, bytes(30))
        supervisor.handle(created(PATH))
        await wait_until(lambda: parts_sent(twins) == 3)
        await wait_until(lambda: not len(supervisor.turns))
        twins.disk.write(PATH, b"moov")
        twins.disk.close_writer(PATH)
        twins.disk.files[PATH].boxes = CLOSED_MP4
        supervisor.handle(told(WatcherChangeType.WRITE, PATH, closed=True))
        await wait_until(lambda: twins.videos, timeout_seconds=5.0)


async def test_rotated_recordings_are_each_stored_once() -> None:
    """cam.1 becomes cam.2, cam becomes cam.1, and a new cam begins."""
    twins = quick()
    cam, cam1, cam2 = "/w/cam.mp4", "/w/cam.1.mp4", "/w/cam.2.mp4"
    async with supervising(twins) as supervisor:
        for size in (21, 25, 29):
            if cam1 in twins.disk.files:
                twins.disk.rename(cam1, cam2)
            if cam in twins.disk.files:
                twins.disk.rename(cam, cam1)
            finished(twins, cam, size)
            await all_done(supervisor, twins)
        contents = [twins.content(path) for path in (cam2, cam1, cam)]
        assert list(twins.videos.values()) == contents


async def test_a_stored_recording_that_was_out_of_sight_comes_back_under_a_third_name() -> None:
    """Though its first name was given to another meanwhile, which was renamed as well."""
    twins = quick()
    async with supervising(twins) as supervisor:
        finished(twins, PATH, 21)
        await all_done(supervisor, twins)
        aside = twins.disk.files.pop(PATH)
        finished(twins, PATH, 25)
        await all_done(supervisor, twins)
        twins.disk.rename(PATH, B)
        supervisor.handle(created(B))
        twins.disk.files[C] = aside
        supervisor.handle(created(C))

        async def both_are_known() -> bool:
            return set(await twins.checkpoints.fingerprints()) == {B, C}

        await wait_until(both_are_known)
        await all_done(supervisor, twins)
        assert len(twins.videos) == 2


class GatedStore(MemoryStore):
    """Parts wait until the gate is open."""

    def __init__(self, twins: Twins) -> None:
        super().__init__(now=twins.clock.now)
        self.gate = asyncio.Event()

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        await self.gate.wait()
        return await super().upload_part(key, upload_id, number, body)


async def test_a_rename_heard_of_too_late_does_not_take_anothers_name() -> None:
    """From a to b, on to c, and a new b begins, all while a part of the first is in flight."""
    twins = quick()
    twins.store = store = GatedStore(twins)
    twins.new_process()
    async with supervising(twins) as supervisor:
        twins.disk.open_writer(PATH)
        twins.disk.write(PATH, bytes(38))
        supervisor.handle(created(PATH))
        await wait_until(lambda: store.uploads)
        first = supervisor.streams[PATH]
        twins.disk.rename(PATH, B)
        supervisor.handle(created(B))
        assert first.sight.moved_to == B
        twins.disk.rename(B, C)
        twins.disk.open_writer(B)
        twins.disk.write(B, bytes(40))
        supervisor.handle(created(B))
        await wait_until(lambda: len(store.uploads) == 2)
        store.gate.set()
        await wait_until(lambda: parts_sent(twins) == 7 and not len(supervisor.turns))
        supervisor.handle(created(C))
        await wait_until(lambda: first.path == C)
        unfinished = await twins.checkpoints.load_unfinished()
        assert {checkpoint.path for checkpoint in unfinished} == {B, C}


async def test_a_new_recording_under_a_parked_name_is_taken_up() -> None:
    """Also when the file system gives it the inode of the one that failed and was deleted."""
    twins = quick(reject_non_mp4=True)
    async with supervising(twins) as supervisor:
        twins.disk.write(PATH, b"this is not a video at all")
        await all_done(supervisor, twins)
        assert supervisor.any_failed
        inode = twins.disk.files[PATH].inode
        twins.disk.delete(PATH)
        supervisor.handle(told(WatcherChangeType.DELETE, PATH))
        finished(twins, PATH, 40)
        twins.disk.files[PATH].inode = inode
        await all_done(supervisor, twins)
        assert list(twins.videos.values()) == [twins.content()]


async def test_a_parked_name_that_a_scan_misses_is_free_again() -> None:
    """Where no notice tells of the deletion."""
    twins = quick(reject_non_mp4=True)
    async with supervising(twins) as supervisor:
        twins.disk.write(PATH, b"this is not a video at all")
        await all_done(supervisor, twins)
        inode = twins.disk.files[PATH].inode
        assert supervisor.past.not_stored() == {"failed": 1}
        twins.disk.delete(PATH)
        await supervisor.handle_scan(scan(twins))
        assert supervisor.past.not_stored() == {}
        finished(twins, PATH, 40)
        twins.disk.files[PATH].inode = inode
        await all_done(supervisor, twins)
        assert list(twins.videos.values()) == [twins.content()]


async def test_a_new_file_in_a_deleted_ones_inode_is_not_taken_for_a_rename() -> None:
    """The deleted one ends as deleted; the new one is a stream of its own."""
    twins = quick(missing_grace_seconds=0.3)
    async with supervising(twins) as supervisor:
        twins.disk.open_writer(PATH)
        twins.disk.write(PATH, bytes(6))
        supervisor.handle(created(PATH))
        await wait_until(lambda: supervisor.streams[PATH].checkpoint)
        inode = twins.disk.files[PATH].inode
        twins.disk.delete(PATH)
        finished(twins, B, 3)
        twins.disk.files[B].inode = inode
        supervisor.handle(created(B))
        supervisor.handle(told(WatcherChangeType.DELETE, PATH))
        await all_done(supervisor, twins)
        ends = {cp.path: cp.status for cp in await twins.checkpoints.all_streams()}
        assert ends == {PATH: Status.DELETED_LOCALLY, B: Status.COMPLETED_WITH_META}


async def test_once_does_not_end_while_the_watched_directory_is_away() -> None:
    """That nothing is seen does not mean that nothing is there."""
    twins = quick()
    async with supervising(twins) as supervisor:
        await supervisor.handle_scan(Scan({}, away=True))
        assert not supervisor.all_done.is_set()
        await supervisor.handle_scan(scan(twins))
        assert supervisor.all_done.is_set()


async def test_once_does_not_end_while_a_recording_cannot_be_looked_at() -> None:
    """It is looked at again until it can be, and stored."""
    twins = quick()
    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        found = scan(twins)
        error = ChunkProcessingError("input/output error")

        def fail(name: str) -> None:
            if name == "stat":
                raise error

        twins.disk.before = fail
        await supervisor.handle_scan(found)
        await wait_until(lambda: not len(supervisor.turns))
        await supervisor.handle_scan(found)
        assert not supervisor.all_done.is_set()
        twins.disk.before = None
        await wait_until(supervisor.all_done.is_set)
        assert list(twins.videos.values()) == [twins.content()]


async def test_a_stream_whose_last_write_lost_its_answer_is_counted_and_forgotten() -> None:
    """Its series go after a scrape, as those of every stream that has ended."""
    twins = quick()
    lost = [RedisOperationError("no answer")]

    def lose_the_last_answer(name: str) -> None:
        ended = any(cp.ended_at for cp in twins.checkpoints._server.streams.values())
        if name == "save" and ended and lost:
            raise lost.pop()

    twins.checkpoints.after = lose_the_last_answer
    async with supervising(twins) as supervisor:
        finished(twins, PATH)
        await all_done(supervisor, twins)
    assert not lost
    first, second = [(await twins.world.metrics.scrape()).decode() for _ in range(2)]
    assert 'chunks_uploaded_total{stream_id="' in first
    assert 'chunks_uploaded_total{stream_id="' not in second
    assert "streams_completed_total 1.0" in second


async def test_a_rejected_recording_counts_as_failed() -> None:
    """Though it never began to be sent."""
    twins = quick(reject_non_mp4=True)
    async with supervising(twins) as supervisor:
        twins.disk.write(PATH, b"no video here at all")
        await all_done(supervisor, twins)
    assert "streams_failed_total 1.0" in (await twins.world.metrics.scrape()).decode()
