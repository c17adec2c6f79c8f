"""Where a loss of the state meets something else: gc, keys, archives, another host."""

import asyncio
from dataclasses import replace

import pytest

from cefmp4 import upkeep
from cefmp4.commands.clearing import _looked_over
from cefmp4.core.model import Status
from cefmp4.core.orphans import Fate
from cefmp4.errors import ChunkProcessingError, RedisOperationError
from cefmp4.events import Scan
from cefmp4.supervisor import PASSED_AT_A_TIME, Supervisor
from cefmp4.upkeep import note_if_whole, sweep
from stream.faults import CLOSED_MP4, growing, on
from stream.test_recalling import close, forgotten, sending
from stream.test_supervisor import all_done, finished, quick, scan, supervised
from stream.test_wishes import restarted
from stream.twins import PATH, Twins, with_policy
from waiting import wait_until


async def all_at_rest(supervisor: Supervisor) -> None:
    await wait_until(supervisor.all_done.is_set)


async def test_an_object_is_not_replaced_by_that_of_another_recording_with_its_key() -> None:
    """Keys without a stream id are reserved in the state server, which forgot that.

    Seen failing without a look at the key before Complete and PutObject.
    """
    for size in (30, 5):
        twins = Twins(key_template=lambda *_: "a.mp4", key_is_unique=False)
        await growing(twins)
        first = twins.stream()
        first.ledger.checkpoint = (await twins.checkpoints.load_unfinished())[0]
        twins.checkpoints.lose_everything()
        await twins.checkpoints.claim()
        other = "/w/cam2/a.mp4"
        twins.disk.write(other, bytes([7]) * size)
        twins.disk.files[other].boxes = CLOSED_MP4
        second = twins.stream(other)
        await second.turn()
        first.ledger.distrust()
        close(twins)
        await twins.finish(first)
        ended = await twins.finish(second)
        assert twins.videos == {"a.mp4": twins.content()}
        assert ended.status is Status.FAILED_FINALIZATION


@pytest.mark.parametrize("died", [False, True], ids=["refused", "killed"])
async def test_the_upload_of_a_forgotten_stream_is_not_taken_for_ones_own(died: bool) -> None:
    """Under a key without a stream id; its object would stand in the forgotten one's name.

    Seen failing, parked for a key that only its own object had taken, with every upload found
    under the key adopted.
    """
    twins = Twins(key_template=lambda *_: "a.mp4", key_is_unique=False)
    await growing(twins)
    await forgotten(twins)
    stream = twins.stream()
    if died:  # between the intent and its upload
        await stream.turn()
        (stream,) = await twins.restart()
    else:
        twins.checkpoints.before = on("save", RedisOperationError("no answer"))
    await twins.rest(stream)
    close(twins)
    ended = await twins.finish(stream)
    assert ended.status is Status.COMPLETED_WITH_META
    assert twins.videos == {"a.mp4": twins.content()}
    assert not twins.store.uploads


async def test_nothing_is_whole_before_every_recording_was_looked_at() -> None:
    """Neither right after the scan that found one, nor while the disk does not tell of it.

    Seen failing with a stream that has seen nothing taken for one that has nothing.
    """
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    twins.disk.before = on("stat", ChunkProcessingError("stale file handle"), 3)
    await supervisor.handle_scan(scan(twins))
    assert not supervisor.all_begun()
    await wait_until(lambda: supervisor.streams and supervisor.streams[PATH].failures)
    assert not supervisor.all_begun()
    await all_done(supervisor, twins)
    assert supervisor.all_begun()


async def test_nothing_is_whole_while_a_scan_is_gone_through() -> None:
    """A large disk is back, and taken in by slices: what was not come to has not begun.

    Seen failing, with the state taken for whole before the first of its recordings.
    """
    twins = with_policy(close_settle_seconds=3600.0)
    supervisor = await supervised(twins)
    await supervisor.handle_scan(scan(twins))
    assert supervisor.all_begun()
    await supervisor.handle_scan(Scan({}, away=True))
    for number in range(PASSED_AT_A_TIME + 1):
        twins.disk.write(f"/w/{number}.mp4", b"1")
    handling = asyncio.create_task(supervisor.handle_scan(scan(twins)))
    while not handling.done():
        assert not supervisor.all_begun()
        await asyncio.sleep(0)
    await wait_until(supervisor.all_begun)
    await supervisor.stop(1.0)


async def test_forgotten_uploads_are_listed_once_however_many_recordings_begin() -> None:
    """A thousand recordings beside a thousand uploads would ask a million times."""
    twins = Twins()
    await growing(twins)
    await forgotten(twins)
    twins.disk.patch(PATH, 0, bytes(range(30)))
    seen = sending(twins)
    for number in range(5):
        path = f"/w/{number}.mp4"
        twins.disk.write(path, bytes([9]) * 30)
        await twins.stream(path).turn()
    assert seen.count("list_parts") <= 1


@pytest.mark.parametrize("lost_at", ["is_whole", "load"])
async def test_gc_takes_nothing_for_forgotten_while_the_state_is_lost(lost_at: str) -> None:
    """The state server is emptied, or filled again, between two of its questions.

    Seen failing with the mark asked for only before, and only after the look.
    """
    twins = Twins()
    await growing(twins)
    await twins.checkpoints.set_whole()
    server, seen = twins.checkpoints._server, 0

    def lose(name: str) -> None:
        nonlocal seen
        seen += name == lost_at
        if seen == 1 and name == lost_at:
            server.streams.clear()
            server.keys.clear()
            server.whole = False

    twins.checkpoints.before = lose
    judged, whole = await _looked_over(twins.store, twins.checkpoints, twins.world.recollection)
    assert [one.verdict.fate for one in judged] == [Fate.FORGOTTEN]
    assert not whole


async def test_gc_does_not_believe_in_a_whole_that_came_after_its_look() -> None:
    """A daemon found its uploads again while gc looked; what it saw is of before."""
    twins = Twins()
    await growing(twins)

    def found_again(name: str) -> None:
        if name == "list_uploads":
            twins.checkpoints._server.whole = True

    twins.store.before = found_again
    _, whole = await _looked_over(twins.store, twins.checkpoints, twins.world.recollection)
    assert not whole


async def test_the_store_is_swept_although_a_recording_never_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that cannot be read keeps the state from being whole, not orphans alive."""
    monkeypatch.setattr(upkeep, "SWEEP_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(upkeep, "ALL_BEGUN_INTERVAL_SECONDS", 0.01)
    twins = quick()
    await twins.start()
    twins.world.recollection.wanted = True
    seen = sending(twins)
    sweeping = asyncio.create_task(upkeep.sweep_now_and_then(twins.world, lambda: False))
    try:
        await wait_until(lambda: seen.count("list_uploads") > 2, timeout_seconds=2)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def test_a_fenced_process_leaves_what_its_successor_set_aside() -> None:
    """A person may have it retried: no part of it is to be sent twice."""
    twins = Twins()
    stream = await growing(twins)
    cp = stream.ledger.current
    parked = cp.ended(Status.FAILED_FINALIZATION, 1.0, "refused")
    twins.checkpoints._server.streams[cp.stream_id] = parked
    await stream._uploading._disown(cp.upload_id or "")
    assert set(twins.store.uploads) == {cp.upload_id}


async def test_an_upload_that_grew_since_it_was_seen_is_no_forgotten_one() -> None:
    """Somebody works on it: another host whose default INSTANCE_ID is the same as ours.

    Seen failing with the uploads told by their ids alone.
    """
    twins = Twins()
    stream = await growing(twins)
    await forgotten(twins)
    await note_if_whole(twins.world, lambda: True)
    seen = await sweep(twins.world, frozenset(), may_be_claimed=False)
    twins.store.uploads[stream.ledger.current.upload_id or ""].parts.popitem()
    seen = await sweep(twins.world, seen, may_be_claimed=False)
    assert len(twins.store.uploads) == 1
    await sweep(twins.world, seen, may_be_claimed=False)
    assert not twins.store.uploads


async def test_what_was_set_aside_is_not_begun_when_its_disk_is_back() -> None:
    """Another one stood at WATCH_DIR meanwhile, in which its name was not found.

    Seen failing with a shelf that knows no disks (as it was).
    """
    twins = quick(reject_non_mp4=True)
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    await supervisor.handle_scan(replace(scan(twins), root=(1, 2)))
    await all_at_rest(supervisor)
    file = twins.disk.files.pop(PATH)
    finished(twins, "/w/other.mp4")
    await supervisor.handle_scan(replace(scan(twins), root=(3, 4)))
    await all_at_rest(supervisor)
    twins.disk.files = {PATH: file}
    await supervisor.handle_scan(replace(scan(twins), root=(1, 2)))
    await all_at_rest(supervisor)
    assert len(twins.checkpoints._server.streams) == 2
    await supervisor.stop(1.0)


async def test_a_stored_recording_rewritten_and_renamed_is_stored_anew() -> None:
    """Its size and modification time are the old ones; a rename tells nothing of bytes."""
    twins = quick()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    await all_done(supervisor, twins)
    file = twins.disk.files[PATH]
    before = file.version
    twins.disk.patch(PATH, 3, b"changed")
    file.mtime_ns = before.mtime_ns
    twins.disk.rename(PATH, "/w/b.mp4")
    await all_done(await restarted(twins), twins)
    assert twins.content("/w/b.mp4") in twins.videos.values()


async def test_after_a_loss_what_grows_waits_for_no_archive() -> None:
    """Thousands of stored recordings are read again, one by one; it is asked for first.

    Seen failing with a lock in the order of the scan, held within turns.
    """
    twins = quick()
    supervisor = await supervised(twins)
    for number in range(8):
        finished(twins, f"/w/{number}.mp4", 20 + number)
    await all_done(supervisor, twins)
    await forgotten(twins)
    twins.disk.open_writer("/w/growing.mp4")
    twins.disk.write("/w/growing.mp4", bytes([7]) * 40)
    supervisor = Supervisor(twins.world)
    await supervisor.handle_scan(scan(twins))
    streams = twins.checkpoints._server.streams
    await wait_until(lambda: len(streams) == 9)
    begun_in_order = [checkpoint.path for checkpoint in streams.values()]
    assert begun_in_order.index("/w/growing.mp4") <= 1
    await supervisor.stop(1.0)
